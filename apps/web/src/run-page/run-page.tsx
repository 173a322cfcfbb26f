/** One run on a page of its own: its whole output, followed while it goes on, searched and saved, however long it is. */
import { Failure, runMachine, type Run } from '@markco/protocol';
import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import { runFacts, runName } from '../panels/run-words.ts';
import { p } from '../placing/messages.ts';
import { RunAway, RunWhy } from '../placing/run-away.tsx';
import type { Place } from '../router/route.ts';
import { useShell } from '../shell/shell.ts';
import { readerTitle } from '../tree/reader-title.ts';
import { Wait } from '../ui/wait.tsx';
import { isBehind } from '../workspace/is-behind.ts';
import { plainParts, rawParts, saveFile } from './download.ts';
import { Find } from './find.tsx';
import { createLogView } from './log-view.ts';
import { createRunLog } from './run-log.ts';
import { ShownThings } from './shown-things.tsx';
import './run-page.css';

/** Drawn this often at most while output pours in. */
const DRAW_MS = 60;

const placeKey = (runId: string): string => `run-place:${runId}`;

export function RunPage({ place }: { readonly place: Extract<Place, { at: 'run' }> }) {
  const { client, workspace, router, toasts, now, places } = useShell();
  const { runId, from } = place;
  const run = useSignal<Run | undefined>(undefined);
  const trouble = useSignal('');
  const time = useSignal(now());
  const lines = useSignal(0);
  const things = useSignal(0);
  const atEnd = useSignal(true);
  const reachedEnd = useSignal(false);
  const top = useRef('');
  const soon = useRef<() => void>(() => undefined);
  const host = useRef<HTMLDivElement>(null);
  const log = useMemo(() => createRunLog(from === undefined ? {} : { wantedSeq: from }), [runId, from]);
  const view = useMemo(
    () =>
      createLogView({
        document,
        log,
        label: t('wholeOutput'),
        onPlace() {
          atEnd.value = view.isAtEnd;
          top.current = view.isAtEnd ? 'end' : String(view.top());
        },
      }),
    [log],
  );

  useEffect(() => {
    const asking = new AbortController();
    client.api('run', { params: { id: runId }, signal: asking.signal }).then(
      (known) => {
        run.value = known;
        soon.current();
        workspace.noteRunInView(known);
      },
      (error: unknown) => {
        if (!asking.signal.aborted) trouble.value = Failure.from(error).message;
      },
    );
    return () => asking.abort();
  }, [runId]);

  useEffect(() => {
    host.current?.replaceChildren(view.element);
    const kept = from === undefined ? sessionStorage.getItem(placeKey(runId)) || null : null;
    // Where one was, where one was sent to, else at the end of what goes on; placed once, unless a person scrolls first.
    let wanted = kept === 'end' || kept === null ? undefined : Number(kept);
    let placed = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stopPlacing = (): void => void (placed = true);
    for (const moves of ['wheel', 'touchmove', 'keydown', 'pointerdown'])
      view.element.addEventListener(moves, stopPlacing, { once: true, passive: true });
    const settlePlace = (): void => {
      if (placed) return;
      if (from !== undefined) wanted = log.wanted === undefined ? undefined : log.wanted + log.dropped;
      if (wanted !== undefined && wanted < log.dropped + log.length) {
        placed = true;
        view.show(wanted, 'top');
      } else if (wanted === undefined && from === undefined) {
        const known = run.peek();
        if (known === undefined) return;
        if (kept === null && runMachine.isTerminal(known.state)) placed = true;
        else view.toEnd();
      }
    };
    const draw = (): void => {
      timer = undefined;
      lines.value = log.dropped + log.length;
      things.value = log.shown.length;
      view.refresh();
      settlePlace();
    };
    const later = (): void => void (timer ??= setTimeout(draw, DRAW_MS));
    soon.current = later;
    const stop = client.followRun(runId, 0, {
      onEvent(event) {
        log.fold(event);
        later();
      },
      onEnd(ended) {
        run.value = ended;
        reachedEnd.value = true;
        later();
      },
      onError: ({ message }) => (trouble.value = message),
    });
    const keep = (): void => sessionStorage.setItem(placeKey(runId), top.current);
    window.addEventListener('pagehide', keep);
    const resized = new ResizeObserver(() => view.refresh());
    resized.observe(view.element);
    view.element.focus({ preventScroll: true });
    return () => {
      stop();
      clearTimeout(timer);
      resized.disconnect();
      keep();
      window.removeEventListener('pagehide', keep);
    };
  }, [view]);

  const active = run.value !== undefined && !runMachine.isTerminal(run.value.state);
  useEffect(() => {
    if (!active) return undefined;
    const timer = setInterval(() => (time.value = now()), 1_000);
    return () => clearInterval(timer);
  }, [active]);
  const told = useComputed(() => workspace.runs.value.find((one) => one.id === runId));
  useEffect(() => {
    // The list of the project may not know yet what was answered here, and where one begins to read hangs on that.
    const known = run.peek();
    if (told.value !== undefined && known !== undefined && !isBehind(told.value, known)) run.value = told.value;
  }, [told.value]);

  const isAway = active && (run.value?.waitsFor !== undefined || run.value?.unreachable !== undefined);
  const document_ = workspace.documents.value?.find((one) => one.id === run.value?.documentId);
  const project = workspace.project.value;
  const name = run.value === undefined ? '' : runName(run.value);
  const saveRaw = (): void => {
    rawParts(client, runId, log.nextSeq).then(
      (parts) => saveFile(parts, `run-${runId}.raw.txt`),
      (error: unknown) => toasts.warn(Failure.from(error).message),
    );
  };
  const cancel = (): void => {
    client.cancelRun(runId).then(workspace.noteRun, (error: unknown) => toasts.warn(Failure.from(error).message));
  };
  return (
    <div class="run-page">
      <header class="run-head">
        <div class="run-names">
          {document_ !== undefined && project !== undefined && (
            <button
              type="button"
              class="quiet-button"
              onClick={() => router.go({ at: 'document', slug: project.slug, path: document_.path })}
            >
              ← {readerTitle(document_)}
            </button>
          )}
          <h1>
            <code>{name}</code>
          </h1>
          <p class={`run-facts${run.value?.unreachable !== undefined && active ? ' away' : ''}`} role="status">
            {run.value === undefined ? '' : runFacts(run.value, time.value, places.known.value).join(' · ')}
          </p>
          {run.value !== undefined && <RunWhy run={run.value} />}
        </div>
        <div class="run-tools">
          <Find log={log} view={view} lines={lines.value} />
          <button class="button" type="button" onClick={() => saveFile(plainParts(log), `run-${runId}.txt`)}>
            {t('downloadText')}
          </button>
          <button class="button" type="button" onClick={saveRaw}>
            {t('downloadRaw')}
          </button>
          {active && !isAway && (
            <button class="button" type="button" onClick={cancel}>
              {t('stop')}
            </button>
          )}
        </div>
      </header>
      {run.value !== undefined && (
        <RunAway run={run.value} onCopy={(copy) => router.go({ at: 'run', runId: copy.id })} />
      )}
      {trouble.value !== '' && !isAway && <p class="empty trouble">{trouble.value}</p>}
      {things.value > 0 && <ShownThings key={things.value} log={log} open={lines.value <= 50} />}
      {log.dropped > 0 && <p class="run-dropped">{t('linesDropped', { count: log.dropped })}</p>}
      {lines.value === 0 && trouble.value === '' && !reachedEnd.value && !isAway && <Wait step={t('readingOutput')} />}
      {lines.value === 0 && isAway && (
        <p class="empty">{p(run.value?.waitsFor === undefined ? 'outputThere' : 'notBegun')}</p>
      )}
      {lines.value === 0 && reachedEnd.value && (
        <p class="empty">{t(log.nextSeq === 0 ? 'outputNotKept' : 'noOutput')}</p>
      )}
      <div ref={host} class="run-log" />
      {!atEnd.value && lines.value > 0 && (
        <button class="button to-end" type="button" onClick={() => view.toEnd()}>
          {t('jumpToEnd', { count: lines.value })}
        </button>
      )}
    </div>
  );
}
