/** A moment of a document beside what it is now: what went is red, what came is green. Restoring is an edit like any other. */
import { Failure, type Document } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { dayName, t, timeOfDay } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import type { Preview } from '../shell/view.ts';
import { Wait } from '../ui/wait.tsx';

export function Compare({
  document,
  preview,
  current,
}: {
  readonly document: Document;
  readonly preview: Preview;
  readonly current: () => string;
}) {
  const { client, view, documents, now } = useShell();
  const { moment } = preview;
  const parent = useRef<HTMLDivElement>(null);
  const state = useSignal<'loading' | 'shown' | 'same' | Failure>('loading');

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let stop = (): void => undefined;
    state.value = 'loading';
    const params = { id: document.projectId, documentId: document.id, seq: String(moment.seq) };
    Promise.all([client.api('historyAt', { params, signal }), import('./diff-view.ts')]).then(
      ([then, { showDiff }]) => {
        if (signal.aborted || parent.current === null) return;
        stop = showDiff(parent.current, then.text, current(), {
          label: t('changesSince'),
          unchanged: t('unchangedLines'),
        });
        state.value = then.text === current() ? 'same' : 'shown';
      },
      (error: unknown) => {
        if (!signal.aborted) state.value = Failure.from(error);
      },
    );
    return () => {
      controller.abort();
      stop();
    };
  }, [document.id, moment.seq]);

  return (
    <section class="compare" aria-label={t('history')}>
      <header class="compare-bar">
        <p>
          {t('asItWas', { day: dayName(moment.at, now()), time: timeOfDay(moment.at) })}
          {state.value === 'same' && <span class="muted"> · {t('sameAsNow')}</span>}
        </p>
        <button
          class="button primary"
          type="button"
          onClick={() => {
            view.preview.value = undefined;
            void documents.restore(document, moment);
          }}
        >
          {t('restore')}
        </button>
        <button class="button" type="button" onClick={() => (view.preview.value = undefined)}>
          {t('backToNow')}
        </button>
      </header>
      {state.value === 'loading' && <Wait step={t('readingMoment')} />}
      {state.value instanceof Failure && <p class="empty trouble">{state.value.message}</p>}
      <div ref={parent} class="compare-view" />
    </section>
  );
}
