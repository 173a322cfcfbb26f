/**
 * Agents that are connected to other processes of this cloud. What becomes of their runs is written there and read here
 * (`look.ts`); what is asked of them is asked of the process that has them.
 *
 * 1. To begin a run takes nothing but the store: the process that has the agent finds it there (`runs.ts`).
 * 2. To stop one, to answer it or to ask about it is asked of that process, and said when it does not answer.
 */
import {
  Failure,
  RunIdSchema,
  RunSchema,
  SessionIdSchema,
  UserIdSchema,
  DeviceIdSchema,
  type DeviceId,
  type IdSource,
  type Run,
  type RunId,
  type UserId,
} from '@markco/protocol';
import type { Watch } from '@markco/replica/listen/watch';
import * as z from 'zod/mini';
import { createAsking, type Sealed } from '../processes/asking.ts';
import type { AgentsMessage } from '../processes/messages.ts';
import type { AgentConnection } from './connection.ts';
import type { createFollow } from './follow.ts';
import type { HeldAgents } from './held.ts';
import { createLook } from './look.ts';
import type { RunRow, RunRows } from './run-rows.ts';
import type { AgentRuns } from './runs.ts';
import type { AgentSession } from './sessions.ts';

export type OtherProcesses = {
  /** Who this one is. */
  readonly process: string;
  /** Whether one is heard of, or none can be heard of now. */
  isUp(process: string): boolean;
  /** False when it went nowhere. */
  tell(message: AgentsMessage): boolean;
  /** The same of a question or an answer, while there is no way to the others too. */
  say(message: Sealed): Promise<boolean>;
};

const QuestionSchema = z.discriminatedUnion('op', [
  z.object({ op: z.literal('cancel'), user: UserIdSchema, run: RunIdSchema }),
  z.object({ op: z.literal('answer'), user: UserIdSchema, run: RunIdSchema, text: z.string() }),
  z.object({ op: z.literal('interrupt'), agent: DeviceIdSchema, session: SessionIdSchema }),
  z.object({
    ...{ op: z.literal('ask'), user: UserIdSchema, agent: DeviceIdSchema },
    ...{ path: z.string(), body: z.record(z.string(), z.unknown()), timeoutMs: z.number() },
  }),
]);
export type Question = z.infer<typeof QuestionSchema>;

/** Of an agent that another process has. */
export type ProgramElsewhere = Pick<
  AgentConnection,
  'agent' | 'userId' | 'name' | 'instance' | 'about' | 'runtimes' | 'heardAt' | 'ask'
>;

export type ElsewhereParts = {
  readonly rows: Pick<RunRows, 'open' | 'read'>;
  readonly held: HeldAgents;
  readonly runs: AgentRuns;
  readonly others: OtherProcesses | null;
  readonly reading: Pick<ReturnType<typeof createFollow>, 'poke'>;
  readonly watch: Pick<Watch, 'run'>;
  readonly connected: (agent: DeviceId) => AgentConnection | undefined;
  readonly versionOf: (agent: DeviceId) => number;
  readonly nameOf: (user: UserId, agent: DeviceId) => string;
  readonly agentsOf: (user: UserId) => readonly DeviceId[];
  readonly ids: IdSource;
  /** What all processes of this cloud know, and nobody else. */
  readonly secret: string;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export const REPLACED = (): Failure =>
  new Failure('forbidden', 'The same agent came with another connection, which goes on.');

export function createElsewhere(parts: ElsewhereParts) {
  const { held, runs, others, connected } = parts;
  const { look, begun, end } = createLook({
    ...{ rows: parts.rows, held, onTrouble: parts.onTrouble, adopt: runs.adopt },
    isHere: (agent) => connected(agent) !== undefined,
    cameElsewhere(agent, count) {
      // One that is about to be registered here has no version yet.
      const version = parts.versionOf(agent);
      if (version > 0 && count > version && held.elsewhere(agent) !== undefined) connected(agent)?.refuse(REPLACED());
    },
    tell({ run, ...row }: RunRow) {
      parts.reading.poke(run.userId, run.id);
      parts.watch.run(runs.present({ run, ...row }));
    },
  });

  const asking =
    others === null
      ? null
      : createAsking({
          ...{ secret: parts.secret, process: others.process, randomBytes: parts.ids.randomBytes, tell: others.say },
          onAsk: (asked) => answerOthers(asked),
        });

  /** Does it here, or where its agent is. */
  async function at<T>(
    agent: DeviceId,
    question: Question,
    here: () => Promise<T>,
    parse: (said: unknown) => T,
  ): Promise<T> {
    const there = connected(agent) === undefined ? held.elsewhere(agent) : undefined;
    return there === undefined || asking === null ? here() : parse(await asking.ask(there.process, question));
  }
  const runIn = (said: unknown): Run => RunSchema.parse(said);

  function program(agent: DeviceId): ProgramElsewhere | undefined {
    const there = held.elsewhere(agent);
    if (there === undefined || asking === null) return undefined;
    const { userId: user, instance, runtimes, os, version } = there;
    return {
      ...{ agent, userId: user, instance, runtimes, name: parts.nameOf(user, agent), heardAt: parts.ids.now() },
      about: { ...(os === undefined ? {} : { os }), ...(version === undefined ? {} : { version }) },
      ask: (path, body, timeoutMs) => asking.ask(there.process, { op: 'ask', user, agent, path, body, timeoutMs }),
    };
  }

  /** What another process asks, of agents that are here. */
  async function answerOthers(asked: unknown): Promise<unknown> {
    const question = QuestionSchema.parse(asked);
    if (question.op === 'cancel') return runs.cancel(question.user, question.run);
    if (question.op === 'answer') return runs.answer(question.user, question.run, question.text);
    if (question.op === 'interrupt') return runs.interrupt(question.session);
    const { user, agent, path, body, timeoutMs } = question;
    const connection = connected(agent);
    if (connection?.userId !== user)
      throw new Failure('not_ready', 'Its agent does not answer now. Try again in a moment.');
    return connection.ask(path, body, timeoutMs);
  }

  return {
    ...{ look, begun, end, program },

    /** What another process tells. */
    hear(from: string, message: AgentsMessage): void {
      if (message.kind === 'ask' || message.kind === 'answer') asking?.hear(from, message);
      else if (message.kind === 'said') parts.reading.poke(message.userId, message.runId);
      else look(message.agent);
    },

    /** Something that is kept of agents was written, here or elsewhere: `agent/AGENT` or `runs/USER`. */
    changed(path: string): void {
      const [of, id] = path.split('/');
      if (of === 'agent') look(id as DeviceId);
      else if (of === 'runs') for (const agent of parts.agentsOf(id as UserId)) look(agent);
    },

    async cancel(user: UserId, run: RunId): Promise<Run> {
      const { agent } = await runs.require(user, run);
      return at(agent, { op: 'cancel', user, run }, () => runs.cancel(user, run), runIn);
    },

    async answer(user: UserId, run: RunId, text: string): Promise<Run> {
      const { agent } = await runs.require(user, run);
      return at(agent, { op: 'answer', user, run, text }, () => runs.answer(user, run, text), runIn);
    },

    interrupt: ({ agent, id: session }: AgentSession): Promise<void> =>
      at(
        agent,
        { op: 'interrupt', agent, session },
        () => runs.interrupt(session),
        () => undefined,
      ),
  };
}
