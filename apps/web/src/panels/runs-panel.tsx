/** What runs and what ran last in this project, and the sessions that hold its variables. */
import { Failure, runMachine, type Run, type RuntimeSession } from '@markco/protocol';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { duration, t, timeOfDay, type Key } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';
import { readerTitle } from '../tree/reader-title.ts';
import { Icon, type IconName } from '../ui/icon.tsx';

const stateNames: Readonly<Record<Run['state'], Key>> = {
  queued: 'runQueued',
  scheduled: 'runScheduled',
  running: 'runRunning',
  completed: 'runCompleted',
  failed: 'runFailed',
  cancelled: 'runCancelled',
};
const stateIcons: Readonly<Record<Run['state'], IconName>> = {
  queued: 'clock',
  scheduled: 'clock',
  running: 'run',
  completed: 'check',
  failed: 'cross',
  cancelled: 'stop',
};

const sessionNames: Readonly<Record<RuntimeSession['state'], Key>> = {
  cold: 'sessionCold',
  starting: 'sessionStarting',
  running: 'sessionRunning',
  checkpointed: 'sessionCheckpointed',
  migrating: 'sessionMigrating',
  error: 'sessionError',
};

/** How long it ran, or runs until now; nothing while it waits. */
export function runTime(run: Pick<Run, 'startedAt' | 'completedAt'>, now: number): number | undefined {
  if (run.startedAt === undefined) return undefined;
  return (run.completedAt === undefined ? now : Date.parse(run.completedAt)) - Date.parse(run.startedAt);
}

function RunLine({ run, now }: { readonly run: Run; readonly now: number }) {
  const { client, workspace, router, toasts, view } = useShell();
  const document = workspace.documents.value?.find((candidate) => candidate.id === run.documentId);
  const ended = runMachine.isTerminal(run.state);
  const took = runTime(run, now);
  const cell =
    run.cellId !== undefined && !/^\d+-\d+$/.test(run.cellId)
      ? run.cellId
      : run.code.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#|'));
  const facts = [
    run.state === 'queued' && run.queuePosition !== undefined
      ? t('runsBefore', { count: run.queuePosition })
      : t(stateNames[run.state]),
    took === undefined ? undefined : duration(took),
    run.ranOn,
    timeOfDay(run.createdAt),
  ].filter((fact) => fact !== undefined);
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
      <button type="button" class="run-open" disabled={document === undefined} onClick={open}>
        <Icon name={stateIcons[run.state]} />
        <span class="run-what">
          <span class="run-title">{document === undefined ? t('noDocument') : readerTitle(document)}</span>
          <code>{cell ?? run.language}</code>
          <span class="run-facts">{facts.join(' · ')}</span>
          {run.error !== undefined && <span class="trouble">{run.error.type ?? run.error.message}</span>}
        </span>
      </button>
      {!ended && (
        <button class="button" type="button" onClick={cancel}>
          {t('cancel')}
        </button>
      )}
    </li>
  );
}

function SessionLine({ session }: { readonly session: RuntimeSession }) {
  const { client, workspace, toasts, view } = useShell();
  const act = (work: Promise<unknown>, said: Key): void => {
    work.then(
      () => {
        toasts.say(t(said, { language: session.language }));
        workspace.refreshRuns();
      },
      (error: unknown) => toasts.warn(Failure.from(error).message),
    );
  };
  const restart = (): void => {
    view.overlay.value = {
      kind: 'confirm',
      title: t('restartTitle', { language: session.language }),
      text: t('restartText'),
      submit: t('restart'),
      run: () => act(client.api('deleteSession', { params: { id: session.id } }), 'restarted'),
    };
  };
  return (
    <li class="session">
      <span class="run-what">
        <span class="run-title">{session.language}</span>
        <span class="run-facts">{t(sessionNames[session.state])}</span>
      </span>
      <button
        class="button"
        type="button"
        disabled={session.state !== 'running'}
        onClick={() => act(client.interruptSession(session.id), 'interrupted')}
      >
        {t('interrupt')}
      </button>
      <button class="button" type="button" disabled={session.state === 'cold'} onClick={restart}>
        {t('restart')}
      </button>
    </li>
  );
}

export function RunsPanel() {
  const { workspace, now } = useShell();
  const time = useSignal(now());
  const runs = workspace.runs.value;
  const active = runs.filter((run) => !runMachine.isTerminal(run.state));
  const project = workspace.project.value;
  const sessions = workspace.sessions.value.filter((session) => session.projectId === project?.id);
  useEffect(() => {
    if (active.length === 0) return undefined;
    const timer = setInterval(() => (time.value = now()), 1_000);
    return () => clearInterval(timer);
  }, [active.length > 0]);
  useEffect(() => workspace.refreshRuns(), [project?.id]);
  return (
    <div class="runs">
      {sessions.length > 0 && (
        <section aria-label={t('sessions')}>
          <h3>{t('sessions')}</h3>
          <ul>
            {sessions.map((session) => (
              <SessionLine key={session.id} session={session} />
            ))}
          </ul>
        </section>
      )}
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
