/** What the page asks of runs at a cloud: those that plain agents take. Without any, why nothing runs here. */
import {
  Failure,
  LIMITS,
  newId,
  ROUTES,
  runMachine,
  type DeviceId,
  type IdSource,
  type Run,
  type RunId,
  type RuntimeSession,
  type Subject,
  type UserId,
} from '@markco/protocol';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { StreamParts } from '@markco/replica/listen/stream';
import * as Y from 'yjs';
import type { Documents } from '@markco/replica/documents/documents';
import { shownAgent, type AgentTokens } from '../accounts/agent-tokens.ts';
import { AGENTS_CLOSED, type Agents } from './agents.ts';
import { deviceOf } from './place.ts';

const RUNS_LISTED = 50;
/** What is asked of a session, and where in the runtime protocol. */
const QUESTIONS = ['mrpComplete', 'mrpInspect', 'mrpHover', 'mrpVariables', 'mrpVariable', 'mrpIsComplete'] as const;

export type AgentRoutesParts = {
  readonly agents: Agents;
  readonly tokens: AgentTokens;
  readonly documents: Pick<Documents, 'inspect'>;
  readonly ids: IdSource;
};

export function runsOfStream(
  agents: Agents,
  userId: UserId,
): Pick<StreamParts, 'submit' | 'follow' | 'run' | 'answer' | 'cancel' | 'interrupt'> {
  return {
    submit: (request) => agents.submit(userId, request),
    follow: (id, fromSeq, signal) => agents.follow(userId, id, fromSeq, signal),
    run: async (id) => agents.runs.present(await agents.runs.require(userId, id)),
    answer: (id, text) => agents.answer(userId, id, text),
    cancel: (id) => agents.cancel(userId, id),
    interrupt: async (id) => agents.interrupt(await agents.requireSession(userId, id)),
  };
}

type Questions = (typeof QUESTIONS)[number];
type Names =
  | ('runs' | 'run' | 'runOutput' | 'cancelRun' | 'answerRun' | 'submitRun' | 'placement' | 'devices' | 'preferences')
  | ('sessions' | 'interruptSession' | 'restartSession' | 'projectsElsewhere' | 'agents' | 'addAgent' | 'removeAgent')
  | Questions;

export function agentRoutes({ agents, tokens, documents, ids }: AgentRoutesParts): SomeHandlers<Names> {
  const of = (subject: Subject | null): UserId => {
    if (subject === null) throw new Failure('unauthorized', 'Sign in first.');
    return subject.userId;
  };
  const present = async (userId: UserId, id: string | undefined): Promise<Run> =>
    agents.runs.present(await agents.runs.require(userId, id as RunId));
  const sessionOf = async (userId: UserId, id: string | undefined): Promise<RuntimeSession> => {
    const session = (await agents.sessionsOf(userId)).find((each) => each.id === id);
    if (session === undefined) throw new Failure('not_found', 'There is no such session here now. Run a cell first.');
    const { queued: _, deviceName: __, currentRun: ___, endsAt: ____, usage: _____, ...its } = session;
    return its;
  };

  async function ask(name: Questions, subject: Subject | null, body: { readonly session?: string }, params: object) {
    const { connection } = await agents.requireSession(of(subject), body.session);
    const path = ROUTES[name].path.replace(':name', encodeURIComponent('name' in params ? String(params.name) : ''));
    const answer = ROUTES[name].answer.safeParse(await connection.ask(path, body, LIMITS.questionTimeoutMs));
    if (!answer.success) throw new Failure('unsupported', `${connection.name} answered in a form that is not known.`);
    return answer.data;
  }
  const questions = Object.fromEntries(
    QUESTIONS.map((name) => [
      name,
      ({ subject, body, params }: { subject: Subject | null; body: { readonly session?: string }; params: object }) =>
        ask(name, subject, body, params),
    ]),
  ) as unknown as SomeHandlers<Questions>;

  return {
    ...questions,
    async runs({ subject, query: { projectId, state, limit, before } }) {
      const most = Math.min(Number(limit ?? RUNS_LISTED), LIMITS.listItemsMax);
      const found: Run[] = [];
      for await (const row of agents.rows.list(of(subject), before)) {
        if (found.length >= most) break;
        const run = agents.runs.present(row);
        if ((projectId ?? run.projectId) === run.projectId && (state ?? run.state) === run.state) found.push(run);
      }
      return { runs: found };
    },
    run: ({ subject, params }) => present(of(subject), params['id']),
    async runOutput({ subject, params }) {
      const run = await present(of(subject), params['id']);
      if (!runMachine.isTerminal(run.state))
        throw new Failure('conflict', 'This run goes on. Its output comes into its document when it is over.');
      await agents.outputs.written(run);
      if (run.documentId === undefined) return {};
      const version = await documents.inspect(run.documentId, (doc) => Y.encodeStateVector(doc));
      return { docVersion: Buffer.from(version).toString('base64') };
    },
    cancelRun: ({ subject, params }) => agents.cancel(of(subject), params['id'] as RunId),
    answerRun: ({ subject, params, body }) => agents.answer(of(subject), params['id'] as RunId, body.text),
    submitRun: ({ subject, body }) => agents.submit(of(subject), body),
    placement: ({ subject, body }) => agents.placed(of(subject), body, newId<RunId>(ids)).decision,
    devices: ({ subject }) => ({ devices: agents.isOpen ? agents.factsOf(of(subject)).map(deviceOf) : [] }),
    sessions: async ({ subject }) => ({ sessions: await agents.sessionsOf(of(subject)) }),
    async interruptSession({ subject, params }) {
      const session = await sessionOf(of(subject), params['id']);
      await agents.interrupt(await agents.requireSession(of(subject), session.id));
      return session;
    },
    async restartSession({ subject, params }) {
      const session = await sessionOf(of(subject), params['id']);
      const { connection } = await agents.requireSession(of(subject), session.id);
      await connection.ask(`/mrp/v1/sessions/${session.id}/reset`, {}, LIMITS.questionTimeoutMs);
      return session;
    },
    projectsElsewhere: () => ({ projects: [] }),
    preferences: () => ({ opensAll: false }),

    agents: ({ subject }) => ({
      agents: tokens.of(of(subject)).map(shownAgent),
      ...(agents.isOpen ? {} : { closed: AGENTS_CLOSED }),
    }),
    async addAgent({ subject, body }) {
      if (!agents.isOpen) throw new Failure('not_ready', AGENTS_CLOSED);
      return tokens.add(subject, body.name);
    },
    async removeAgent({ subject, params }) {
      const id = params['agent'] as DeviceId;
      await agents.remove(of(subject), id, () => tokens.remove(subject, id));
      return undefined;
    },
  };
}
