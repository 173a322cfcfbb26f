/** The moments of the document in view, newest first, by day. A press shows the document as it was, beside what changed since. */
import { Failure, type Document, type Moment } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { dayName, t, timeOfDay, type Key } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { Wait } from '../ui/wait.tsx';

type Loaded =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready'; readonly moments: readonly Moment[] }
  | { readonly kind: 'failed'; readonly message: string };

const makers: Readonly<Record<Moment['by'], Key>> = {
  page: 'byPage',
  file: 'byFile',
  run: 'byRun',
  restore: 'byRestore',
  import: 'byImport',
};

export function HistoryPanel({ document }: { readonly document: Document }) {
  const { client, view, workspace, now } = useShell();
  const state = useSignal<Loaded>({ kind: 'loading' });
  const seen = view.preview.value?.moment.seq;
  const load = (signal: AbortSignal): void => {
    client.api('history', { params: { id: document.projectId, documentId: document.id }, signal }).then(
      ({ moments }) =>
        (state.value = { kind: 'ready', moments: moments.toSorted((left, right) => right.seq - left.seq) }),
      (error: unknown) => {
        if (!signal.aborted) state.value = { kind: 'failed', message: Failure.from(error).message };
      },
    );
  };
  const reached = workspace.connection.value.state === 'online';
  useEffect(() => {
    const controller = new AbortController();
    load(controller.signal);
    return () => controller.abort();
  }, [document.id, document.updatedAt, reached]);
  useEffect(() => () => (view.preview.value = undefined), [document.id]);

  if (state.value.kind === 'loading') return <Wait step={t('readingHistory')} />;
  if (state.value.kind === 'failed') return <p class="empty trouble">{state.value.message}</p>;
  if (state.value.moments.length === 0) return <p class="empty">{t('noHistory')}</p>;
  const days = Map.groupBy(state.value.moments, (moment) => dayName(moment.at, now()));
  return (
    <div class="history">
      {[...days].map(([day, moments]) => (
        <section key={day} aria-label={day}>
          <h3>{day}</h3>
          <ul>
            {moments.map((moment) => (
              <li key={moment.seq}>
                <button
                  type="button"
                  class={`moment${seen === moment.seq ? ' current' : ''}`}
                  aria-pressed={seen === moment.seq}
                  onClick={() =>
                    (view.preview.value = seen === moment.seq ? undefined : { documentId: document.id, moment })
                  }
                >
                  <span class="moment-time">{timeOfDay(moment.at)}</span>
                  <span class="moment-what">{t(makers[moment.by])}</span>
                  <span class="moment-edits">{t('edits', { count: moment.edits })}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}
