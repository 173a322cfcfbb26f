/**
 * Plain agents: programs of a person that take runs from this cloud, because that person said that they trust it with
 * that (decision 0033). Everything about them is put together here.
 */
import {
  Failure,
  LanguageSchema,
  newId,
  formatUuid,
  runMachine,
  type AgentRuntime,
  type Decision,
  type DeviceId,
  type IdSource,
  type Language,
  type PlainAgent,
  type ProjectId,
  type Run,
  type RunId,
  type RunRequest,
  type SessionHere,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import type { WebSocketConnection } from '@markco/replica/listen/connection';
import type { Watch } from '@markco/replica/listen/watch';
import type { Store } from '@markco/replica/store/store';
import { createHash } from 'node:crypto';
import type { AgentTokens } from '../accounts/agent-tokens.ts';
import { createRate } from '../accounts/rate.ts';
import type { Copies } from '../copies/copies.ts';
import type { Kept } from '../documents/kept.ts';
import { serveAgent, type AgentConnection } from './connection.ts';
import { createFollow } from './follow.ts';
import { createAgentOutputs } from './outputs.ts';
import { placeOnAgents, type AgentFacts } from './place.ts';
import { createRunRows, type RunRow } from './run-rows.ts';
import { createAgentRuns } from './runs.ts';

/** Messages of one agent that are no answers; programs that work say ten. */
const MESSAGES_PER_MINUTE = 300;
/** Runs of one agent that wait. */
const QUEUED_MAX = 100;
const RECENT = 50;
const LOOK_MS = 1_000;
const ALIASES: Readonly<Record<string, Language>> = {
  py: 'python',
  sh: 'bash',
  shell: 'bash',
  javascript: 'js',
  node: 'js',
};

type Session = Pick<SessionHere, 'id' | 'userId' | 'projectId' | 'language'> & {
  readonly agent: DeviceId;
  readonly startedAt: number;
};

export type AgentsParts = {
  readonly store: Store;
  readonly kept: Kept;
  readonly copies: Pick<Copies, 'put'>;
  readonly watch: Pick<Watch, 'run'>;
  readonly tokens: AgentTokens;
  readonly hold: (connection: WebSocketConnection, subject: PlainAgent) => void;
  readonly ids: IdSource;
  /** Who this cloud is. */
  readonly self: DeviceId;
  /** Whether other processes serve the same people. */
  readonly isShared: boolean;
  /** ENABLE_DEVICE_AGENT. */
  readonly isOpen: boolean;
  /** ENABLE_REMOTE_EXEC_ROUTING. */
  readonly passesRunsOn: boolean;
  readonly onDevice: (device: DeviceId, userId: UserId, isOnline: boolean, why: string) => void;
  readonly onRouted: (run: Run, reason: string, docPath: string | undefined) => void;
  readonly onRunEnd: (run: Run) => void;
  /** Something of it was refused. */
  readonly onBad: (code: string, agent: PlainAgent) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export const AGENTS_CLOSED =
  'This cloud lets in no plain agents now (ENABLE_DEVICE_AGENT=0). Who runs it can change that.';
export const ROUTING_OFF =
  'This cloud passes on no runs now (ENABLE_REMOTE_EXEC_ROUTING=0). Nothing was run. On your devices everything runs as ever.';
const nobody = (): Failure =>
  new Failure(
    'not_ready',
    'This cloud runs no code, and can start none on your devices. Add this browser to them (under Devices): then it runs cells there itself. Or let a plain agent take runs (under Account).',
    { retryable: true },
  );

export type Agents = ReturnType<typeof createAgents>;

export function createAgents(parts: AgentsParts) {
  const { kept, tokens, ids, self, isShared, onTrouble } = parts;
  const connections = new Map<DeviceId, AgentConnection>();
  const changedAt = new Map<DeviceId, number>();
  const sessions = new Map<SessionId, Session>();
  const names = new Map<DeviceId, string>();
  const runtimes = new Map<DeviceId, readonly AgentRuntime[]>();
  const submitting = new Map<string, Promise<Run>>();
  const startedAt = ids.now();
  const rate = createRate(
    MESSAGES_PER_MINUTE,
    ids.now,
    'This agent says too much that nobody asked for. Wait a minute.',
  );
  const rows = createRunRows({ store: parts.store, log: kept.log });
  const docPathOf = ({ documentId }: Pick<Run, 'documentId'>): string | undefined =>
    documentId === undefined ? undefined : kept.catalog.get(documentId)?.path;
  const runs = createAgentRuns({
    ...{ rows, ids, isShared, onTrouble, connected: (agent) => connections.get(agent) },
    nameOf: (user, agent) => nameOf(user, agent),
    awaySince: (agent) => changedAt.get(agent) ?? startedAt,
    placeOf(run) {
      const project = kept.catalog.project(run.projectId)?.project.slug;
      const path = docPathOf(run);
      return { ...(project === undefined ? {} : { project }), ...(path === undefined ? {} : { doc_path: path }) };
    },
    tell: (run) => parts.watch.run(run),
    poke: (user, id) => reading.poke(user, id),
    onEnd(row) {
      if (runMachine.isTerminal(row.run.state) && !row.outputWritten) outputs.add(row);
      parts.onRunEnd(row.run);
    },
  });
  const reading = createFollow({ rows, require: runs.require, lookMs: isShared ? LOOK_MS : null });
  const outputs = createAgentOutputs({
    ...{ rows, documents: kept.documents, author: kept.author, copies: parts.copies, onTrouble },
    events: ({ userId, id }) => reading.follow(userId, id, 0, AbortSignal.timeout(60_000)),
  });

  function nameOf(user: UserId, agent: DeviceId): string {
    const known = tokens.of(user).find(({ id }) => id === agent)?.name;
    if (known !== undefined) names.set(agent, known);
    return known ?? names.get(agent) ?? 'An agent that was removed';
  }

  const factsOf = (user: UserId): AgentFacts[] =>
    tokens.of(user).map((row) => ({
      ...{ row, userId: user, connection: connections.get(row.id), since: changedAt.get(row.id) ?? startedAt },
      runtimes: connections.get(row.id)?.runtimes ?? runtimes.get(row.id),
      ...runs.load(row.id),
    }));

  function noteSession({ agent, run }: Pick<RunRow, 'agent' | 'run'>): void {
    if (sessions.has(run.sessionId)) return;
    const { sessionId, userId, projectId, language } = run;
    sessions.set(sessionId, { id: sessionId, userId, projectId, language, agent, startedAt: ids.now() });
  }
  function forgetSessions(agent: DeviceId): void {
    for (const [id, session] of sessions) if (session.agent === agent) sessions.delete(id);
  }

  async function register(connection: AgentConnection, running: readonly RunId[]) {
    const { agent, userId } = connection;
    const before = connections.get(agent);
    connections.set(agent, connection);
    changedAt.set(agent, ids.now());
    before?.refuse(new Failure('forbidden', 'The same agent came with another connection, which goes on.'));
    const sessionOf = ({ projectId, language }: Run): SessionId => sessionIdOf(connection, projectId, language);
    const answer = await runs.reconcile(connection, running, sessionOf);
    let looked = 0;
    for await (const row of rows.list(userId)) {
      if (++looked > RECENT) break;
      if (row.agent === agent && row.run.sessionId === sessionOf(row.run)) noteSession(row);
    }
    return answer;
  }

  function serve(socket: WebSocketConnection, subject: PlainAgent): void {
    const { agent, userId } = subject;
    parts.hold(socket, subject);
    serveAgent(socket, {
      ...{ agent, userId, name: nameOf(userId, agent), ids, rate, onBad: (code) => parts.onBad(code, subject) },
      onRegister: register,
      onReady(connection) {
        parts.onDevice(agent, userId, true, 'registered');
        tellAll(connection);
        runs.ready(agent);
      },
      onStream: (connection, run, incoming) => runs.receive(connection, run, incoming),
      onRefused: (connection, run, why) => runs.refused(connection, run, why),
      onChange: tellAll,
      onHello: tellAll,
      onClose(connection) {
        if (connection === null || connections.get(agent) !== connection) return;
        connections.delete(agent);
        runtimes.set(agent, connection.runtimes);
        changedAt.set(agent, ids.now());
        forgetSessions(agent);
        parts.onDevice(agent, userId, false, 'disconnected');
        runs.gone(agent).catch((cause: unknown) => onTrouble('noting that an agent is gone', cause));
      },
    });
  }

  /** What an agent may know of its person's devices: itself. */
  function tellAll(connection: AgentConnection): void {
    const { agent, name, runtimes } = connection;
    const status = connections.get(agent) === connection ? 'online' : 'offline';
    connection.send({
      ...{ type: 'DEVICE_LIST', device_id: agent, devices: [{ device_id: agent, name, status, runtimes }] },
    });
  }

  function languageOf(name: string | undefined): Language {
    const wanted = name?.toLowerCase() ?? '';
    const language = LanguageSchema.safeParse(ALIASES[wanted] ?? wanted);
    if (!language.success) throw new Failure('runtime_missing', `No plain agent runs ${name ?? 'this'}.`);
    return language.data;
  }

  /** @throws Failure with why there is no place */
  function placed(
    userId: UserId,
    { projectId, language: asked, runOn }: Pick<RunRequest, 'projectId' | 'language' | 'runOn'>,
    runId: RunId,
  ): { readonly decision: Decision; readonly language: Language; readonly projectId: ProjectId } {
    if (!parts.passesRunsOn) throw new Failure('not_ready', ROUTING_OFF);
    const agents = parts.isOpen ? factsOf(userId) : [];
    if (agents.length === 0) throw nobody();
    if (projectId === undefined)
      throw new Failure('bad_request', 'A run names its session, or its project and language.');
    kept.of(userId).project(projectId);
    const language = languageOf(asked);
    const its = [...sessions.values()].find(
      (each) => each.userId === userId && each.projectId === projectId && each.language === language,
    );
    const wanted = { language, runOn, sessionOn: its?.agent ?? null, self, now: ids.now(), runId };
    const found = placeOnAgents(agents, wanted);
    if ('problem' in found) throw new Failure('not_found', found.problem);
    return { decision: found.decision, language, projectId };
  }

  function requireSession(userId: UserId, id: string | undefined): Session & { readonly connection: AgentConnection } {
    const session = sessions.get(id as SessionId);
    const connection = session === undefined ? undefined : connections.get(session.agent);
    if (session?.userId !== userId || connection === undefined)
      throw new Failure('not_found', 'There is no such session here now. Run a cell first.');
    return { ...session, connection };
  }

  async function start(userId: UserId, id: RunId, request: RunRequest): Promise<Run> {
    const known = await runs.find(userId, id);
    if (known !== undefined) return runs.present(known);
    const of = request.sessionId === undefined ? undefined : requireSession(userId, request.sessionId);
    const asked = of === undefined ? request : { projectId: of.projectId, language: of.language, runOn: of.agent };
    const { decision, language, projectId } = placed(userId, asked, id);
    const { chosen, why, reason = 'availability' } = decision;
    const connection = connections.get(chosen as DeviceId);
    if (chosen === undefined || connection === undefined)
      throw new Failure(decision.waitsFor === undefined ? 'runtime_missing' : 'not_ready', `${why} Nothing was run.`);
    if (runs.load(chosen).queued >= QUEUED_MAX)
      throw new Failure('too_many', `${QUEUED_MAX} runs wait for ${connection.name} already. Wait, or cancel some.`);
    const { documentId, cellId, code } = request;
    if (documentId !== undefined && kept.catalog.get(documentId)?.projectId !== projectId)
      throw new Failure('not_found', 'There is no such document in this project.');
    const run: Run = {
      ...{ id, userId, projectId, sessionId: sessionIdOf(connection, projectId, language), language, code },
      ...(documentId === undefined ? {} : { documentId }),
      ...(cellId === undefined ? {} : { cellId }),
      state: runMachine.initial,
      routedTo: { hostType: 'device', deviceId: chosen, reason, why },
      createdAt: new Date(ids.now()).toISOString(),
    };
    noteSession({ agent: chosen, run });
    const shown = await runs.begin(run, chosen);
    parts.onRouted(run, reason, docPathOf(run));
    return shown;
  }

  return {
    ...{ serve, runs, rows, outputs, requireSession, placed, factsOf },
    follow: reading.follow,
    isOpen: parts.isOpen,
    get count() {
      return connections.size;
    },
    /** The same id twice is one run. */
    submit(userId: UserId, request: RunRequest): Promise<Run> {
      const id = request.id ?? newId<RunId>(ids);
      const key = `${userId} ${id}`;
      const before = submitting.get(key);
      if (before !== undefined) return before;
      const mine = start(userId, id, request).finally(() => submitting.delete(key));
      submitting.set(key, mine);
      return mine;
    },
    sessionsOf: (userId: UserId): SessionHere[] =>
      [...sessions.values()]
        .filter((session) => session.userId === userId && connections.has(session.agent))
        .map(({ agent, startedAt: began, ...session }) => {
          const currentRun = runs.currentOf(session.id)?.id;
          const at = new Date(began).toISOString();
          return {
            ...{ ...session, hostType: 'device', hostDeviceId: agent, state: 'running', startedAt: at, updatedAt: at },
            ...{ queued: runs.queuedOf(session.id), deviceName: nameOf(userId, agent) },
            ...(currentRun === undefined ? {} : { currentRun }),
          };
        }),
    async remove(userId: UserId, agent: DeviceId, remove: () => Promise<void>): Promise<void> {
      const name = nameOf(userId, agent);
      await remove();
      await runs.abandon(userId, agent, name);
    },
    close: () => outputs.idle(),
  };
}

/** The same as long as the program goes on; its successor has none of its variables. */
function sessionIdOf(
  { agent, instance }: Pick<AgentConnection, 'agent' | 'instance'>,
  projectId: ProjectId,
  language: Language,
): SessionId {
  const bytes = createHash('sha256')
    .update(JSON.stringify([agent, instance, projectId, language]))
    .digest()
    .subarray(0, 16);
  // RFC 9562 §5.8: made in a way of our own.
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return formatUuid(bytes) as SessionId;
}
