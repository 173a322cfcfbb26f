/**
 * Code of programs (MRP) for a session of another device: an ordinary run for that device, by its grant, followed as
 * any run of another device is. What is about this device goes the way it went.
 */
import {
  DEFAULT_SESSION,
  Failure,
  sessionName,
  type Run,
  type RunRequest,
  type RuntimeSession,
  type SessionHere,
} from '@markco/protocol';
import type { ExecutionParts } from '../../mrp/execution.ts';
import type { ProjectHere } from '../../projects/projects.ts';
import type { Runs } from '../../runs/runs.ts';
import type { SessionFor } from '../../submit.ts';
import type { RunsAnywhere } from '../runs/runs-anywhere.ts';
import type { SessionsAnywhere } from './sessions-anywhere.ts';

export type ExecuteThereParts = {
  /** How it goes for the sessions of this device. */
  readonly here: ExecutionParts;
  readonly isHere: (session: RuntimeSession['id']) => boolean;
  readonly projects: () => readonly ProjectHere[];
  readonly sessionFor: SessionFor;
  readonly submit: (request: RunRequest) => Promise<Run>;
  readonly runs: Pick<RunsAnywhere, 'require' | 'follow' | 'input'>;
  readonly sessions: Pick<SessionsAnywhere, 'find' | 'passOn'>;
};

export function executeThere({
  here,
  isHere,
  projects,
  sessionFor,
  submit,
  runs,
  sessions,
}: ExecuteThereParts): ExecutionParts {
  /** Which of its sessions a device runs a grant in follows from the project, so it must be the one that is meant. */
  async function requireShared({ projectId, language, ...session }: RuntimeSession): Promise<void> {
    const isOpen = projects().some(({ id }) => id === projectId);
    const shared = isOpen ? (await sessionFor({ projectId, language })).name : DEFAULT_SESSION;
    if (sessionName(session) === shared) return;
    throw new Failure(
      'unsupported',
      `On another device code of programs runs in the session that the pages of its project use, ${shared}. Nothing was run.`,
    );
  }

  async function submitThere(request: Parameters<Runs['submit']>[0], session: SessionHere): Promise<Run> {
    await requireShared(session);
    const { projectId, language, hostDeviceId } = session;
    return submit({
      ...{ id: request.id, projectId, language, code: request.code, runOn: hostDeviceId ?? '' },
      ...(request.cellId === null ? {} : { cellId: request.cellId }),
    });
  }

  const found = async (text: string | undefined): Promise<RuntimeSession | null> =>
    (await sessions.find(text)) ?? here.sessions.find(text);

  return {
    ...here,
    sessions: {
      find: found,
      ensure: async (text) => (await sessions.find(text)) ?? here.sessions.ensure(text),
    },
    runs: {
      ...here.runs,
      async submit(request) {
        const session =
          'sessionId' in request.session && !isHere(request.session.sessionId)
            ? await sessions.find(request.session.sessionId)
            : null;
        return session === null ? here.runs.submit(request) : submitThere(request, session);
      },
      get: (id) =>
        runs.require(id).catch((error: unknown) => {
          if (error instanceof Failure && error.code === 'not_found') return null;
          throw error;
        }),
      follow: runs.follow,
      input: (id, text) => runs.input(id, text),
    },
    currentRun: (session) =>
      isHere(session.id) ? here.currentRun(session) : ((session as SessionHere).currentRun ?? null),
    // What code saved there is in the folder of its project there.
    assetsOf: async (run) => (isHere(run.sessionId) ? here.assetsOf(run) : []),
    async executionCount(id) {
      if (isHere(id)) return here.executionCount(id);
      const session = await sessions.find(id);
      if (session?.hostDeviceId === undefined) return 0;
      const signal = AbortSignal.timeout(COUNT_MS);
      const input = { params: { session: id } };
      return (await sessions.passOn(session.hostDeviceId, 'mrpSession', input, signal)).executionCount;
    },
  };
}

const COUNT_MS = 5_000;
