/**
 * Plain agents: programs of a person that take runs from this cloud, because that person said that they trust it with
 * that (decision 0033). Everything about them is put together here.
 */
import {
  Failure,
  LanguageSchema,
  newId,
  runMachine,
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
import type { SharedStore } from '@markco/replica/store/shared-store';
import type { Store } from '@markco/replica/store/store';
import type { AgentTokens } from '../accounts/agent-tokens.ts';
import { createRate } from '../accounts/rate.ts';
import type { Copies } from '../copies/copies.ts';
import type { Kept } from '../documents/kept.ts';
import { serveAgent, type AgentConnection } from './connection.ts';
import { createElsewhere, REPLACED, type OtherProcesses } from './elsewhere.ts';
import { createFollow } from './follow.ts';
import { openHeld, type HeldNow } from './held.ts';
import { createAgentOutputs } from './outputs.ts';
import { placeOnAgents, type AgentFacts } from './place.ts';
import { createRunRows } from './run-rows.ts';
import { createAgentRuns } from './runs.ts';
import { createAgentSessions, sessionIdOf, type AgentSession } from './sessions.ts';

/** Messages of one agent that are no answers; programs that work say ten. */
const MESSAGES_PER_MINUTE = 300;
/** Runs of one agent that wait. */
const QUEUED_MAX = 100;
const LOOK_MS = 1_000;
const ALIASES: Readonly<Record<string, Language>> = {
  py: 'python',
  sh: 'bash',
  shell: 'bash',
  javascript: 'js',
  node: 'js',
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
  /** The store where other processes serve the same people, and what they are told; null: this one does so alone. */
  readonly shared: Pick<SharedStore, 'versions'> | null;
  readonly others: OtherProcesses | null;
  /** What all processes of this cloud know, and nobody else. */
  readonly secret: string;
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

export type Agents = Awaited<ReturnType<typeof openAgents>>;

export async function openAgents(parts: AgentsParts) {
  const { kept, tokens, ids, self, shared, others, onTrouble } = parts;
  /** Those that are here, and at which version they came (`held.ts`). */
  const connections = new Map<DeviceId, AgentConnection>();
  const versions = new Map<DeviceId, number>();
  const ready = new Set<DeviceId>();
  const leaving = new Set<Promise<void>>();
  const names = new Map<DeviceId, string>();
  const submitting = new Map<string, Promise<Run>>();
  const startedAt = ids.now();
  const rate = createRate(
    MESSAGES_PER_MINUTE,
    ids.now,
    'This agent says too much that nobody asked for. Wait a minute.',
  );
  const rows = createRunRows({ store: parts.store, log: kept.log, shared });
  const held = await openHeld({
    ...{ store: parts.store, log: kept.log, shared, process: others?.process ?? newId(ids) },
    isUp: (process) => others?.isUp(process) === true,
  });
  const docPathOf = ({ documentId }: Pick<Run, 'documentId'>): string | undefined =>
    documentId === undefined ? undefined : kept.catalog.get(documentId)?.path;
  const runs = createAgentRuns({
    ...{ rows, ids, onTrouble, connected: (agent) => connections.get(agent), isReady: (agent) => ready.has(agent) },
    versionOf: (agent) => versions.get(agent) ?? 0,
    isElsewhere: (agent) => !connections.has(agent) && held.elsewhere(agent) !== undefined,
    fence: (user, agent) => held.take({ ...heldOf(user, agent), isConnected: false }),
    nameOf: (user, agent) => nameOf(user, agent),
    awaySince: sinceOf,
    sessionOf: (agent, { projectId, language, sessionId }) => {
      const program = reach(agent);
      return program === undefined ? sessionId : sessionIdOf(program, projectId, language);
    },
    placeOf(run) {
      const project = kept.catalog.project(run.projectId)?.project.slug;
      const path = docPathOf(run);
      return { ...(project === undefined ? {} : { project }), ...(path === undefined ? {} : { doc_path: path }) };
    },
    tell(run, agent) {
      parts.watch.run(run);
      if (others === null) return;
      if (!connections.has(agent) && !runMachine.isTerminal(run.state)) elsewhere.begun(agent, run);
      others.tell({ kind: 'agent', agent });
    },
    poke(userId, runId) {
      reading.poke(userId, runId);
      others?.tell({ kind: 'said', userId, runId });
    },
    onEnd(row, version) {
      if (runMachine.isTerminal(row.run.state) && !row.outputWritten) outputs.add(row, version);
      parts.onRunEnd(row.run);
    },
  });
  const reading = createFollow({ rows, require: runs.require, lookMs: shared === null ? null : LOOK_MS });
  const outputs = createAgentOutputs({
    ...{ rows, documents: kept.documents, author: kept.author, copies: parts.copies, onTrouble },
    events: ({ userId, id }) => reading.follow(userId, id, 0, AbortSignal.timeout(60_000)),
  });
  const sessions = createAgentSessions({ rows, now: ids.now, reach: (agent) => reach(agent) });
  const elsewhere = createElsewhere({
    ...{ rows, held, runs, others, reading, onTrouble, ids, watch: parts.watch, secret: parts.secret },
    ...{ connected: (agent) => connections.get(agent), versionOf: (agent) => versions.get(agent) ?? 0 },
    nameOf: (user, agent) => nameOf(user, agent),
    agentsOf: (user) => tokens.of(user).map(({ id }) => id),
  });
  /** The program that is connected, to whichever process. */
  const reach = (agent: DeviceId) => connections.get(agent) ?? elsewhere.program(agent);

  /** Since when it is there, or is not, as far as that is known. */
  function sinceOf(agent: DeviceId): number {
    const last = held.last(agent);
    return last?.isConnected === (reach(agent) !== undefined) ? last.since : startedAt;
  }

  function nameOf(user: UserId, agent: DeviceId): string {
    const known = tokens.of(user).find(({ id }) => id === agent)?.name;
    if (known !== undefined) names.set(agent, known);
    return known ?? names.get(agent) ?? 'An agent that was removed';
  }

  /** As it is now, or was when it was here last. */
  function heldOf(userId: UserId, agent: DeviceId): HeldNow {
    const now = connections.get(agent);
    const { instance = '', runtimes = [], os, version } = held.last(agent) ?? {};
    const about = now?.about ?? { ...(os === undefined ? {} : { os }), ...(version === undefined ? {} : { version }) };
    return {
      ...{ agent, userId, isConnected: now !== undefined, since: ids.now(), ...about },
      ...{ instance: now?.instance ?? instance, runtimes: [...(now?.runtimes ?? runtimes)] },
    };
  }

  const factsOf = (user: UserId): AgentFacts[] =>
    tokens.of(user).map((row) => ({
      ...{ row, userId: user, connection: reach(row.id), since: sinceOf(row.id) },
      ...{ runtimes: reach(row.id)?.runtimes ?? held.last(row.id)?.runtimes, ...runs.load(row.id) },
    }));

  async function register(connection: AgentConnection, running: readonly RunId[]) {
    const { agent, userId } = connection;
    const before = connections.get(agent);
    connections.set(agent, connection);
    ready.delete(agent);
    versions.delete(agent);
    before?.refuse(REPLACED());
    const version = await held.take(heldOf(userId, agent));
    versions.set(agent, version);
    const answer = await runs.reconcile(connection, running, version);
    await sessions.look(connection);
    return answer;
  }

  async function leave({ agent, userId }: AgentConnection): Promise<void> {
    const version = versions.get(agent) ?? 0;
    sessions.forget(agent);
    await runs.gone(agent, version);
    const isKnown = tokens.of(userId).some(({ id }) => id === agent);
    if (isKnown && !connections.has(agent)) await held.say({ ...heldOf(userId, agent), isConnected: false }, version);
    others?.tell({ kind: 'agent', agent });
  }

  function serve(socket: WebSocketConnection, subject: PlainAgent): void {
    const { agent, userId } = subject;
    const isIt = (connection: AgentConnection): boolean => connections.get(agent) === connection;
    parts.hold(socket, subject);
    serveAgent(socket, {
      ...{ agent, userId, name: nameOf(userId, agent), ids, rate, onBad: (code) => parts.onBad(code, subject) },
      onRegister: register,
      onReady(connection) {
        if (!isIt(connection)) return;
        ready.add(agent);
        parts.onDevice(agent, userId, true, 'registered');
        tellAll(connection);
        runs.ready(agent);
        elsewhere.look(agent);
        others?.tell({ kind: 'agent', agent });
      },
      onStream: (connection, run, incoming) => (isIt(connection) ? runs.receive(connection, run, incoming) : 0),
      onRefused: (connection, run, why) => runs.refused(connection, run, why),
      onChange(connection) {
        tellAll(connection);
        if (!isIt(connection)) return;
        held
          .say(heldOf(userId, agent), versions.get(agent) ?? 0)
          .catch((cause: unknown) => onTrouble('noting what an agent runs', cause));
        others?.tell({ kind: 'agent', agent });
      },
      onHello: tellAll,
      onClose(connection) {
        if (connection === null || !isIt(connection)) return;
        const gone = heldOf(userId, agent);
        connections.delete(agent);
        ready.delete(agent);
        held.note({ ...gone, isConnected: false });
        parts.onDevice(agent, userId, false, 'disconnected');
        const left = leave(connection)
          .catch((cause: unknown) => onTrouble('noting that an agent is gone', cause))
          .finally(() => leaving.delete(left));
        leaving.add(left);
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
    const its = sessions.of(userId).find((each) => each.projectId === projectId && each.language === language);
    const wanted = { language, runOn, sessionOn: its?.agent ?? null, self, now: ids.now(), runId };
    const found = placeOnAgents(agents, wanted);
    if ('problem' in found) throw new Failure('not_found', found.problem);
    return { decision: found.decision, language, projectId };
  }

  /** Reads what is to be known of sessions of agents at other processes. */
  async function lookAtSessions(userId: UserId): Promise<void> {
    for (const { id } of tokens.of(userId)) {
      const program = connections.has(id) ? undefined : elsewhere.program(id);
      if (program !== undefined) await sessions.look(program);
    }
  }

  async function requireSession(userId: UserId, id: string | undefined) {
    if (sessions.get(id as SessionId) === undefined) await lookAtSessions(userId);
    const session = sessions.get(id as SessionId);
    const connection = session === undefined ? undefined : reach(session.agent);
    if (session?.userId !== userId || connection === undefined || !sessions.isThere(session))
      throw new Failure('not_found', 'There is no such session here now. Run a cell first.');
    return { ...session, connection };
  }

  async function start(userId: UserId, id: RunId, request: RunRequest): Promise<Run> {
    const known = await runs.find(userId, id);
    if (known !== undefined) {
      await runs.adopt(known);
      return runs.present(known);
    }
    const of = request.sessionId === undefined ? undefined : await requireSession(userId, request.sessionId);
    if (of === undefined) await lookAtSessions(userId);
    const asked = of === undefined ? request : { projectId: of.projectId, language: of.language, runOn: of.agent };
    const { decision, language, projectId } = placed(userId, asked, id);
    const { chosen, why, reason = 'availability' } = decision;
    const connection = chosen === undefined ? undefined : reach(chosen as DeviceId);
    if (chosen === undefined || connection === undefined)
      throw new Failure(decision.waitsFor === undefined ? 'runtime_missing' : 'not_ready', `${why} Nothing was run.`);
    const isHere = connections.has(chosen);
    if ((isHere ? runs.load(chosen).queued : await rows.countOpen(chosen, QUEUED_MAX)) >= QUEUED_MAX)
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
    sessions.note(chosen, run);
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
    /** What other processes did, and what they ask. */
    ...elsewhere,
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
    async sessionsOf(userId: UserId): Promise<SessionHere[]> {
      await lookAtSessions(userId);
      return sessions.of(userId).map((session) => shownSession(session));
    },
    async remove(userId: UserId, agent: DeviceId, remove: () => Promise<void>): Promise<void> {
      const name = nameOf(userId, agent);
      await remove();
      await runs.abandon(userId, agent, name);
      await held.forget(agent);
    },
    async close(): Promise<void> {
      elsewhere.end();
      await Promise.all(leaving);
      await outputs.idle();
    },
  };

  function shownSession({ agent, startedAt: began, ...session }: AgentSession): SessionHere {
    const currentRun = runs.currentOf(session.id)?.id;
    const at = new Date(began).toISOString();
    return {
      ...{ ...session, hostType: 'device', hostDeviceId: agent, state: 'running', startedAt: at, updatedAt: at },
      ...{ queued: runs.queuedOf(session.id), deviceName: nameOf(session.userId, agent) },
      ...(currentRun === undefined ? {} : { currentRun }),
    };
  }
}
