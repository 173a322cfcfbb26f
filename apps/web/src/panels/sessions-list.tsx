/** The sessions of this project: what each is doing, what it costs, and how to interrupt, restart or stop it. */
import { DEFAULT_SESSION, Failure, sessionName, type SessionHere } from '@markco/protocol';
import { useEffect } from 'preact/hooks';
import { bytes, percent, t, timeOfDay, type Key } from '../i18n/words.ts';
import { useShell } from '../shell/shell.ts';

const sessionNames: Readonly<Record<SessionHere['state'], Key>> = {
  cold: 'sessionCold',
  starting: 'sessionStarting',
  running: 'sessionRunning',
  checkpointed: 'sessionCheckpointed',
  migrating: 'sessionMigrating',
  error: 'sessionError',
};

/** Memory and CPU are measured by the device when asked. */
const REFRESH_MS = 2_000;

function factsOf(session: SessionHere): readonly string[] {
  const { usage, queued, startedAt } = session;
  const busy = session.state === 'running' ? (session.currentRun === undefined ? 'sessionIdle' : 'sessionBusy') : null;
  return [
    t(busy ?? sessionNames[session.state]),
    queued > 0 ? t('sessionQueued', { count: queued }) : '',
    usage === undefined ? '' : bytes(usage.memoryBytes),
    usage === undefined ? '' : t('sessionCpu', { percent: percent(usage.cpuPercent / 100) }),
    startedAt === undefined || session.state === 'cold' ? '' : t('sessionSince', { time: timeOfDay(startedAt) }),
  ].filter((fact) => fact !== '');
}

function SessionLine({ session }: { readonly session: SessionHere }) {
  const { client, workspace, router, toasts, view } = useShell();
  const { id, language } = session;
  const name = sessionName(session);
  const act = (work: Promise<unknown>, said: Key): void => {
    work.then(
      () => {
        toasts.say(t(said, { language }));
        workspace.refreshRuns();
      },
      (error: unknown) => toasts.warn(Failure.from(error).message),
    );
  };
  const ask = (what: 'restart' | 'stop', run: () => void): void => {
    view.overlay.value = {
      kind: 'confirm',
      title: t(what === 'restart' ? 'restartTitle' : 'stopTitle', { language }),
      text: t('restartText'),
      submit: t(what === 'restart' ? 'restart' : 'stop'),
      run,
    };
  };
  const restart = (): void => act(client.api('restartSession', { params: { id } }), 'restarted');
  const stop = (): void => act(client.api('deleteSession', { params: { id } }), 'stopped');
  const live = session.state === 'running' || session.state === 'starting';
  const { currentRun } = session;
  return (
    <li class="session">
      <span class="run-what">
        <span class="run-title">
          {[language, name === DEFAULT_SESSION ? undefined : name, session.deviceName].filter(Boolean).join(' · ')}
        </span>
        <span class="run-facts">{factsOf(session).join(' · ')}</span>
      </span>
      <span class="session-buttons">
        {currentRun !== undefined && (
          <button class="button" type="button" onClick={() => router.go({ at: 'run', runId: currentRun })}>
            {t('showRun')}
          </button>
        )}
        {currentRun !== undefined && (
          <button class="button" type="button" onClick={() => act(client.interruptSession(id), 'interrupted')}>
            {t('interrupt')}
          </button>
        )}
        <button class="button" type="button" disabled={!live} onClick={() => ask('restart', restart)}>
          {t('restart')}
        </button>
        <button
          class="button"
          type="button"
          disabled={!live && session.state !== 'error'}
          onClick={() => ask('stop', stop)}
        >
          {t('stop')}
        </button>
      </span>
    </li>
  );
}

export function SessionsList() {
  const { workspace } = useShell();
  const project = workspace.project.value;
  const sessions = workspace.sessions.value.filter((session) => session.projectId === project?.id);
  const live = sessions.some((session) => session.state !== 'cold');
  useEffect(() => {
    if (!live) return undefined;
    const timer = setInterval(() => {
      if (!document.hidden) workspace.refreshSessions();
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [live]);
  const silent = workspace.silentDevices.value;
  if (sessions.length === 0 && silent.length === 0) return null;
  return (
    <section aria-label={t('sessions')}>
      <h3>{t('sessions')}</h3>
      <ul>
        {sessions.map((session) => (
          <SessionLine key={session.id} session={session} />
        ))}
      </ul>
      {silent.map((name) => (
        <p key={name} class="empty">
          {t('sessionsUnknown', { name })}
        </p>
      ))}
    </section>
  );
}
