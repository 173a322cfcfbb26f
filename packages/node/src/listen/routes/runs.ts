/** Runs and sessions over HTTP. */
import { Failure, LIMITS, type Run, type RunId, type RunRequest, type SessionId } from '@markco/protocol';
import type { Projects } from '../../projects/projects.ts';
import type { Runs } from '../../runs/runs.ts';
import type { SomeHandlers } from '../handlers.ts';

export type RunRoutesParts = {
  readonly runs: Runs;
  readonly projects: Projects;
  readonly submit: (request: RunRequest) => Promise<Run>;
};

const RUNS_LISTED = 100;

export function runRoutes({ runs, projects, submit }: RunRoutesParts): SomeHandlers<
  'ensureSession' | 'sessions' | 'migrateSession' | 'interruptSession' | 'deleteSession' | 'submitRun' | 'runs' | 'run' | 'cancelRun' | 'answerRun'
> {
  return {
    async ensureSession({ body, signal }) {
      projects.get(body.projectId);
      return runs.sessions.ensure({ projectId: body.projectId, language: body.language }, signal);
    },
    sessions: () => ({ sessions: [...runs.sessions.list()] }),
    migrateSession() {
      throw new Failure('unsupported', 'There is no other device to move this session to yet.');
    },
    async interruptSession({ params }) {
      return runs.sessions.interrupt(params['id'] as SessionId);
    },
    async deleteSession({ params }) {
      await runs.sessions.remove(params['id'] as SessionId);
      return undefined;
    },
    submitRun: ({ body }) => submit(body),
    runs({ query }) {
      const limit = Math.min(Number(query.limit ?? RUNS_LISTED), LIMITS.listItemsMax);
      return { runs: [...runs.list({ ...query, limit })] };
    },
    run: ({ params }) => runs.get(params['id'] as RunId),
    cancelRun: ({ params }) => runs.cancel(params['id'] as RunId),
    answerRun: ({ params, body }) => runs.input(params['id'] as RunId, body.text),
  };
}
