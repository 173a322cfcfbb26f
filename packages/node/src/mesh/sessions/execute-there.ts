/**
 * Code of programs (MRP) for a session of another device: an ordinary run for that device, by its grant, followed as
 * any run of another device is. What is about this device goes the way it went.
 */
import { Failure, type Run, type RuntimeSession, type SessionHere } from '@markco/protocol';
import { assetUrl, type MrpAsset } from '../../mrp/assets.ts';
import type { ExecutionParts } from '../../mrp/execution.ts';
import type { ProjectHere } from '../../projects/projects.ts';
import type { RunsAnywhere } from '../runs/runs-anywhere.ts';
import type { SessionsAnywhere } from './sessions-anywhere.ts';
import { submitThere, type SubmitInto } from './submit-there.ts';

export type ExecuteThereParts = {
  /** How it goes for the sessions of this device. */
  readonly here: ExecutionParts;
  readonly isHere: (session: RuntimeSession['id']) => boolean;
  readonly projects: () => readonly ProjectHere[];
  readonly submit: SubmitInto;
  readonly runs: Pick<RunsAnywhere, 'require' | 'follow' | 'input' | 'assets'>;
  readonly sessions: Pick<SessionsAnywhere, 'find' | 'passOn'>;
};

export function executeThere({ here, isHere, projects, submit, runs, sessions }: ExecuteThereParts): ExecutionParts {
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
        if (session === null) return here.runs.submit(request);
        const { id, code, cellId } = request;
        return submitThere(submit, session, { id, code, ...(cellId === null ? {} : { cellId }) });
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
