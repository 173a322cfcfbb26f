/** Runs and sessions over HTTP. */
import { LIMITS, type Run, type RunId, type RunRequest, type SessionId } from '@markco/protocol';
import type { Move, Moved } from '../../mesh/moving/move.ts';
import type { RunsAnywhere } from '../../mesh/runs/runs-anywhere.ts';
import type { Projects } from '../../projects/projects.ts';
import type { RunQuery, Runs } from '../../runs/runs.ts';
import type { SessionFor } from '../../submit.ts';
import type { Input, SomeHandlers } from '@markco/replica/listen/handlers';
import { runOutputRoutes, type RunOutputParts } from './run-output.ts';

export type RunRoutesParts = {
  readonly runs: Runs;
  readonly projects: Projects;
  readonly documents: RunOutputParts['documents'];
  readonly submit: (request: RunRequest) => Promise<Run>;
  readonly sessionFor: SessionFor;
  /** Fails with `not_found` when `runOn` names another device. */
  readonly requireHere: (runOn: string | undefined) => void;
  readonly migrate: (move: Omit<Move, 'from'>, signal: AbortSignal) => Promise<Moved>;
  readonly anywhere: Pick<RunsAnywhere, 'require' | 'cancel' | 'input' | 'list'> & RunOutputParts['anywhere'];
};

const RUNS_LISTED = 100;
const CANCEL_TIMEOUT_MS = 30_000;

/** What a list of runs was asked for by. */
export function runQuery(query: Input<'runs'>['query']): RunQuery {
  return {
    projectId: query.projectId ?? null,
    state: query.state ?? null,
    before: query.before ?? null,
    limit: Math.min(Number(query.limit ?? RUNS_LISTED), LIMITS.listItemsMax),
  };
}

export function runRoutes({
  runs,
  projects,
  documents,
  submit,
  sessionFor,
  requireHere,
  migrate,
  anywhere,
}: RunRoutesParts): SomeHandlers<
  | 'ensureSession'
  | 'sessions'
  | 'restartSession'
  | 'migrateSession'
  | 'interruptSession'
  | 'deleteSession'
  | 'submitRun'
  | 'runs'
  | 'run'
  | 'cancelRun'
  | 'answerRun'
  | 'runOutput'
> {
  return {
    async ensureSession({ body }) {
      projects.get(body.projectId);
      if (body.documentId !== undefined) projects.record(body.projectId, body.documentId);
      requireHere(body.runOn);
      return runs.sessions.ensure(await sessionFor(body));
    },
    async sessions() {
      const sessions = runs.sessions.list().map(async (session) => {
        const { currentRun, queued, endsAt } = runs.sessions.load(session.id);
        const usage = await runs.sessions.cost(session.id);
        return {
          ...session,
          queued,
          ...(currentRun === null ? {} : { currentRun }),
          ...(usage === null ? {} : { usage }),
          ...(endsAt === null ? {} : { endsAt: new Date(endsAt).toISOString() }),
        };
      });
      return { sessions: await Promise.all(sessions) };
    },
    restartSession: ({ params }) =>
      runs.sessions.restart(params['id'] as SessionId, AbortSignal.timeout(CANCEL_TIMEOUT_MS)),
    async migrateSession({ params, body: { target, wait = false, replace = false }, signal }) {
      const id = params['id'] as SessionId;
      const { session, packed } = await migrate({ id, target, wait, replace }, signal);
      const { kept, lost, lostCount } = packed;
      return { ...session, kept, lost: [...lost], lostCount };
    },
    async interruptSession({ params }) {
      return runs.sessions.interrupt(params['id'] as SessionId);
    },
    async deleteSession({ params }) {
      await runs.sessions.remove(params['id'] as SessionId);
      return undefined;
    },
    submitRun: ({ body }) => submit(body),
    async runs({ query }) {
      return { runs: [...(await anywhere.list(runQuery(query)))] };
    },
    run: ({ params }) => anywhere.require(params['id'] as RunId),
    async cancelRun({ params }) {
      return anywhere.cancel(params['id'] as RunId);
    },
    async answerRun({ params, body }) {
      return anywhere.input(params['id'] as RunId, body.text);
    },
    ...runOutputRoutes({ runs, documents, projects, anywhere }),
  };
}
