/** What runs and what ran last in this project, and the sessions that hold its variables. */
import { Failure, runMachine, type Run } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { RunAway, RunWhy } from '../placing/run-away.tsx';
import { readerTitle } from '../tree/reader-title.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { runFacts, runName } from './run-words.ts';
import { SessionsList } from './sessions-list.tsx';

const stateIcons: Readonly<Record<Run['state'], IconName>> = {
  queued: 'clock',
  scheduled: 'clock',
  running: 'run',
  completed: 'check',
  failed: 'cross',
  cancelled: 'stop',
};

function RunLine({ run, now }: { readonly run: Run; readonly now: number }) {
  const { client, workspace, router, toasts, view, places } = useShell();
  const document = workspace.documents.value?.find((candidate) => candidate.id === run.documentId);
  const ended = runMachine.isTerminal(run.state);
  const name = runName(run);
  const facts = runFacts(run, now, places.known.value);
  const isAway = !ended && (run.waitsFor !== undefined || run.unreachable !== undefined);
  const open = (): void => {
    const project = workspace.project.peek();
    if (project !== undefined && document !== undefined)
      router.go({ at: 'document', slug: project.slug, path: document.path });
    if (view.narrow.peek()) view.panel.value = 'none';
  };
  const cancel = (): void => {
    client.cancelRun(run.id).then(workspace.noteRun, (error: unknown) => toasts.warn(Failure.from(error).message));
  };
  return (
    <li class={`run ${run.state}`}>
      <div class="run-line">
        <button type="button" class="run-open" disabled={document === undefined} onClick={open}>
          <Icon name={stateIcons[run.state]} />
          <span class="run-what">
            <span class="run-title">{document === undefined ? t('noDocument') : readerTitle(document)}</span>
            <code>{name}</code>
            <span class={`run-facts${run.unreachable === undefined || ended ? '' : ' away'}`}>{facts.join(' · ')}</span>
            <RunWhy run={run} />
            {run.error !== undefined && <span class="trouble">{run.error.type ?? run.error.message}</span>}
          </span>
        </button>
        <button
          class="icon-button"
          type="button"
          title={t('showRun')}
          aria-label={t('showRunOf', { name })}
          onClick={() => {
            router.go({ at: 'run', runId: run.id });
            if (view.narrow.peek()) view.panel.value = 'none';
          }}
        >
          <Icon name="output" />
        </button>
        {!ended && !isAway && (
          <button class="button" type="button" onClick={cancel}>
            {t('cancel')}
          </button>
        )}
      </div>
      <RunAway run={run} />
    </li>
  );
}

export function RunsPanel() {
  const { workspace, now } = useShell();
  const time = useSignal(now());
  const runs = workspace.runs.value;
  const active = runs.filter((run) => !runMachine.isTerminal(run.state));
  const project = workspace.project.value;
  useEffect(() => {
    if (active.length === 0) return undefined;
    const timer = setInterval(() => (time.value = now()), 1_000);
    return () => clearInterval(timer);
  }, [active.length > 0]);
  useEffect(() => workspace.refreshRuns(), [project?.id]);
  return (
    <div class="runs">
      <SessionsList />
      <section aria-label={t('runs')}>
        <h3>{active.length === 0 ? t('lastRuns') : t('runsNow', { count: active.length })}</h3>
        {runs.length === 0 && <p class="empty">{t('noRuns')}</p>}
        <ul>
          {[...active, ...runs.filter((run) => runMachine.isTerminal(run.state)).slice(0, 50)].map((run) => (
            <RunLine key={run.id} run={run} now={time.value} />
          ))}
        </ul>
      </section>
    </div>
  );
}
