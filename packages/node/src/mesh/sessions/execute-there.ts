/**
 * Code of programs (MRP) for a session of another device: an ordinary run for that device, by its grant, followed as
 * any run of another device is. What is about this device goes the way it went.
 */
import { Failure, sessionName, type DeviceId, type Run, type RuntimeSession, type SessionHere } from '@markco/protocol';
import { assetUrl, type MrpAsset } from '../../mrp/assets.ts';
import type { ExecutionParts } from '../../mrp/execution.ts';
import type { ProjectHere } from '../../projects/projects.ts';
import type { Runs } from '../../runs/runs.ts';
import type { Placeable } from '../placing/start-messages.ts';
import type { SessionPlace } from '../placing/survey.ts';
import type { RunsAnywhere } from '../runs/runs-anywhere.ts';
import type { SessionsAnywhere } from './sessions-anywhere.ts';

export type ExecuteThereParts = {
  /** How it goes for the sessions of this device. */
  readonly here: ExecutionParts;
  readonly isHere: (session: RuntimeSession['id']) => boolean;
  readonly projects: () => readonly ProjectHere[];
  readonly submit: (session: SessionPlace, host: DeviceId, request: Placeable) => Promise<Run>;
  readonly runs: Pick<RunsAnywhere, 'require' | 'follow' | 'input' | 'assets'>;
  readonly sessions: Pick<SessionsAnywhere, 'find' | 'passOn'>;
};

export function executeThere({ here, isHere, projects, submit, runs, sessions }: ExecuteThereParts): ExecutionParts {
  function submitThere(request: Parameters<Runs['submit']>[0], session: SessionHere): Promise<Run> {
    const { id: sessionId, projectId, language, hostDeviceId } = session;
    if (hostDeviceId === undefined) throw new Failure('not_found', 'No device has this session any more.');
    const named = { ...{ id: request.id, projectId, language, code: request.code }, sessionId, runOn: hostDeviceId };
    return submit({ projectId, language, name: sessionName(session) }, hostDeviceId, {
      ...named,
      ...(request.cellId === null ? {} : { cellId: request.cellId }),
    });
  }

  /** As the programs of this device ask for them: by the name its project has here. */
  async function assetsThere(run: Run): Promise<MrpAsset[]> {
    const project = projects().find(({ id }) => id === run.projectId);
    if (project === undefined) return [];
    const assets = await runs.assets(run.id, AbortSignal.timeout(ASK_MS));
    return assets.map((asset) => ({ ...asset, url: assetUrl(project.slug, asset.path) }));
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
    assetsOf: (run) => (isHere(run.sessionId) ? here.assetsOf(run) : assetsThere(run)),
    async executionCount(id) {
      if (isHere(id)) return here.executionCount(id);
      const session = await sessions.find(id);
      if (session?.hostDeviceId === undefined) return 0;
      const signal = AbortSignal.timeout(ASK_MS);
      const input = { params: { session: id } };
      return (await sessions.passOn(session.hostDeviceId, 'mrpSession', input, signal)).executionCount;
    },
  };
}

const ASK_MS = 5_000;
