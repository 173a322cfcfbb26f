/**
 * The sessions of this device: found by id or by (project, language, name), each with its folder
 * `<home>/sessions/<sessionId>/`. The list is that of the folders, so it outlives this host.
 *
 * 1. One session a key, however many ask for it at once.
 * 2. A session keeps its id when it is stopped, crashes or is started again.
 */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  Failure,
  LIMITS,
  newId,
  type DeviceId,
  type IdSource,
  type Language,
  type ProjectId,
  type RunId,
  type Answer,
  type Question,
  type QuestionKind,
  type RuntimeSession,
  type SessionConfig,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import { createForkServers } from './fork-server.ts';
import { RUNTIMES } from './descriptor.ts';
import { decideIdle, mayBeIdle, type IdleNotice } from './idle.ts';
import { chooseLimits } from './limits/choose.ts';
import { createCosts, type SessionCost } from './limits/costs.ts';
import type { LimitKind, SessionLimits } from './limits/limits.ts';
import { NO_WISHES, type RuntimeDescriptor } from './runtime.ts';
import type { Kill } from './process-table.ts';
import { readRecords, socketPathFor, writeRecord, type SessionRecord } from './session-record.ts';
import { createResourceWatch } from './resource-events.ts';
import { createSession, type Session } from './session.ts';
import { createSessionMoves } from './session-moves.ts';
import type { SessionLog } from './session-parts.ts';
import type { Containers } from './containers/containers.ts';
import { machinePlace } from './machine-place.ts';
import type { Workplace } from './workplace.ts';
import { inherited } from './worker-process.ts';

/** Documents of a project share the session called `default` unless they say otherwise. */
export type SessionKey = { readonly projectId: ProjectId; readonly language: Language; readonly name: string };
/** A key, and what the project and the document wish of a session that is not there yet. */
export type SessionWish = SessionKey & { readonly config?: SessionConfig };

const LOOK_MS = 1_000;
const WARM_MS = 10_000;
const WARM_CONTAINER_MS = 60_000;
/** A server that does not answer keeps a session that was removed here. */
const LEAVE_MS = 3_000;

export type SessionHostParts = {
  /** The state folder of the device; it exists. */
  readonly home: string;
  readonly userId: () => UserId;
  readonly deviceId: DeviceId;
  readonly ids: IdSource;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly kill: Kill;
  readonly log: SessionLog;
  /** What a session may take of this machine. */
  readonly limits: SessionLimits;
  /** The kind of limit; another one than this machine's best only in tests. */
  readonly limitKind?: LimitKind;
  /** How long a session may be idle; null for as long as it likes. */
  readonly idleMs: number | null;
  /** Whether a run of it is on or waits. */
  isBusy(id: SessionId): boolean;
  /** The table of runtimes; another one only in tests. */
  readonly runtimes?: readonly RuntimeDescriptor[];
  /** Where sessions work in the containers of their projects. */
  readonly containers?: Containers;
  /** A project's folder, absolute. `not_found` when it is not open on this device. */
  projectFolder(projectId: ProjectId): Promise<string>;
  /** Null when it is not open on this device. */
  projectSlug(projectId: ProjectId): string | null;
  /** The spool of a run has grown. */
  onSpooled(run: RunId): void;
};

export type SessionHost = Awaited<ReturnType<typeof createSessionHost>>;

export async function createSessionHost(parts: SessionHostParts) {
  const folderOf = (id: SessionId): string => path.join(parts.home, 'sessions', id);
  const sessions = new Map<SessionId, Session>();
  const making = new Map<string, Promise<Session>>();
  const listeners = new Set<(session: RuntimeSession) => void>();
  const ending = new AbortController();
  const attaching: Promise<unknown>[] = [];
  const forks = createForkServers(inherited(parts.env));
  const limitKind = parts.limitKind ?? (await chooseLimits(parts.kill));
  const costs = createCosts(parts.ids.now);
  const table = parts.containers?.runtimes ?? parts.runtimes ?? RUNTIMES;

  function descriptorOf(language: Language): RuntimeDescriptor {
    const found = table.find((row) => row.language === language);
    if (found === undefined) throw new Failure('unsupported', `This device does not run ${language} yet.`);
    return found;
  }

  function view(session: Session): RuntimeSession {
    const { record } = session;
    const noted = record.process;
    return {
      id: record.id,
      userId: parts.userId(),
      projectId: record.projectId,
      language: record.language,
      hostType: 'device',
      hostDeviceId: parts.deviceId,
      ...(noted === null ? {} : { hostRuntimeId: String(noted.pid), startedAt: noted.since }),
      state: session.state,
      ...(noted?.environmentHash === undefined ? {} : { environmentHash: noted.environmentHash }),
      sessionAffinityKey: `${parts.projectSlug(record.projectId) ?? record.projectId}:${record.name}`,
      updatedAt: session.changedAt,
    };
  }

  function placeOf(record: SessionRecord): Workplace {
    const descriptor = descriptorOf(record.language);
    const projectFolder = () => parts.projectFolder(record.projectId);
    if (parts.containers !== undefined) return parts.containers.place({ record, descriptor, projectFolder });
    const { env, kill, log, limits } = parts;
    const hold = limitKind.hold(record.id, limits);
    return machinePlace(
      { folder: folderOf(record.id), socket: record.socket },
      { ...{ descriptor, env, kill, log, forks, hold, limits }, projectFolder },
    );
  }

  function adopt(record: SessionRecord): Session {
    const session: Session = createSession(
      {
        descriptor: descriptorOf(record.language),
        place: placeOf(record),
        now: parts.ids.now,
        log: parts.log,
        onSpooled: parts.onSpooled,
        onChange: () => {
          for (const listener of listeners) listener(view(session));
        },
      },
      record,
      folderOf(record.id),
    );
    sessions.set(record.id, session);
    return session;
  }

  async function make(key: SessionWish & { readonly moved?: true }): Promise<Session> {
    if (sessions.size >= LIMITS.sessionsMax) {
      throw new Failure(
        'too_many',
        `This device has ${LIMITS.sessionsMax} sessions, the most it takes. Remove one, then run the cell again.`,
      );
    }
    descriptorOf(key.language);
    await parts.projectFolder(key.projectId);
    const id = newId<SessionId>(parts.ids);
    const folder = folderOf(id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const record: SessionRecord = {
      version: 1,
      id,
      ...key,
      socket: await socketPathFor(folder),
      createdAt: new Date(parts.ids.now()).toISOString(),
      process: null,
    };
    await writeRecord(folder, record);
    return adopt(record);
  }

  function require(id: SessionId): Session {
    const session = sessions.get(id);
    if (session === undefined) throw new Failure('not_found', 'There is no such session on this device.');
    return session;
  }

  /** Ends the session with everything it started and forgets it. */
  async function remove(id: SessionId): Promise<void> {
    const session = require(id);
    sessions.delete(id); // Before it ends: one that is asked for meanwhile is another one.
    await session.remove();
    await descriptorOf(session.record.language)
      .leave?.({ folder: folderOf(id) }, AbortSignal.timeout(LEAVE_MS))
      .catch((error: unknown) => parts.log.warn('session.left-behind', { sessionId: id, reason: String(error) }));
    // Where it is not in the folder: with it the lock of a worker, and the name of a keeper.
    for (const end of ['', '.lock', '.k']) await rm(`${session.record.socket}${end}`, { force: true });
    await session.place.clear();
    await rm(folderOf(id), { recursive: true, force: true });
  }

  const moves = createSessionMoves({
    ...{ sessions, require, make, view, remove, ids: parts.ids, isBusy: parts.isBusy },
    folder: path.join(parts.home, 'sessions'),
  });
  const notices = new Map<SessionId, IdleNotice>();
  const watches = new WeakMap<Session, ReturnType<typeof createResourceWatch>>();
  const warmed = new Set<ProjectId>();

  async function endIdle(session: Session): Promise<void> {
    const { id } = session.record;
    const { usedAt } = session;
    // Counting costs is not free, and nearly no session has been idle for that long.
    if (parts.isBusy(id) || !mayBeIdle(usedAt, parts.ids.now(), parts.idleMs)) return void notices.delete(id);
    const cost = await session.place.hold.cost();
    const facts = { usedAt, busy: parts.isBusy(id), cpuMs: cost?.cpuMs ?? null };
    const decided = decideIdle(facts, notices.get(id) ?? null, parts.ids.now(), parts.idleMs);
    if (decided.notice === null) notices.delete(id);
    else if (notices.get(id) !== decided.notice) {
      notices.set(id, decided.notice);
      parts.log.info('session.idle', { sessionId: id, endsAt: new Date(decided.notice.endsAt).toISOString() });
    }
    if (!decided.end || parts.isBusy(id)) return;
    notices.delete(id);
    await session.stop('idle');
    parts.log.info('session.resources', {
      sessionId: id,
      what: 'idle-sleep',
      did: 'ended it, values kept where it can',
    });
  }

  /** Counting is not free, and who runs nothing grows little: only of those with a run on, where a group counts them. */
  async function tell(session: Session): Promise<void> {
    const { id } = session.record;
    const full = session.current === null ? null : session.place.full();
    if (full !== null) {
      parts.log.info('session.resources', { sessionId: id, what: 'disk-full', did: 'ended its run' });
      session
        .interrupt(full)
        .catch((error: unknown) => parts.log.warn('session.look', { sessionId: id, reason: String(error) }));
    }
    if (session.current === null || session.place.hold.processBytesMax !== null) return session.tellLimits([]);
    const watch = watches.get(session) ?? createResourceWatch(session.place.limits);
    watches.set(session, watch);
    const found = watch(await session.place.hold.cost());
    if (found !== null) {
      const did = found.told === null ? 'nothing yet' : 'told its run';
      parts.log.info('session.resources', { sessionId: id, what: found.event, percent: found.percent, did });
    }
    await session.tellLimits(found === null || found.told === null ? [] : [found.told]);
  }

  /** Tells sessions the limits they have met, and ends those that nobody uses. */
  async function look(): Promise<void> {
    const living = [...sessions.values()].filter((session) => session.state === 'running');
    await Promise.all(living.flatMap((session) => [tell(session), endIdle(session)]));
  }

  const looking = setInterval(() => {
    look().catch((error: unknown) => parts.log.warn('session.look', { reason: String(error) }));
  }, LOOK_MS).unref();

  await mkdir(path.join(parts.home, 'sessions'), { recursive: true, mode: 0o700 });
  const records = await readRecords(path.join(parts.home, 'sessions'), (folder, error) =>
    parts.log.warn('session.unreadable', { folder, reason: String(error) }),
  );
  for (const record of records) adopt(record);
  await moves.tidy();

  return {
    /**
     * Makes ready what can be before anybody asks, for a project that somebody has just opened: the interpreters that
     * fork their sessions. What is missing is told when a cell is run.
     */
    async warm(projectId: ProjectId): Promise<void> {
      if (warmed.has(projectId)) return;
      warmed.add(projectId);
      const projectFolder = await parts.projectFolder(projectId);
      if (parts.containers !== undefined) {
        const within = AbortSignal.any([ending.signal, AbortSignal.timeout(WARM_CONTAINER_MS)]);
        await parts.containers.warm(projectId, projectFolder, within).catch((error: unknown) => {
          warmed.delete(projectId); // Whoever opens it next may find Docker there.
          throw error;
        });
        return;
      }
      const place = { env: parts.env, projectFolder, config: NO_WISHES };
      for (const row of table) {
        if (row.forks !== true) continue;
        const found = await row.detect(place, AbortSignal.any([ending.signal, AbortSignal.timeout(WARM_MS)]));
        if (!found.available || ending.signal.aborted) continue;
        const command = row.command({ folder: parts.home, socket: '' }, found.executable, place);
        if (command.forkServer !== undefined) forks.warm({ ...command, forkServer: command.forkServer });
      }
    },

    /** The session with this key, made when there is none; nothing is started. `unsupported`, `not_found`, `too_many`. */
    async ensure(key: SessionWish): Promise<RuntimeSession> {
      for (const session of sessions.values()) {
        const { projectId, language, name } = session.record;
        if (projectId !== key.projectId || language !== key.language || name !== key.name) continue;
        if (key.config !== undefined) session.wish(key.config);
        return view(session);
      }
      const text = JSON.stringify([key.projectId, key.language, key.name]);
      const mine = making.get(text) ?? make(key).finally(() => making.delete(text));
      making.set(text, mine);
      return view(await mine);
    },

    get(id: SessionId): RuntimeSession | null {
      const session = sessions.get(id);
      return session === undefined ? null : view(session);
    },

    look,

    /** Whether a person moved it here. */
    isMoved: (id: SessionId): boolean => sessions.get(id)?.record.moved === true,

    /** When an idle session will end unless it is used, Unix milliseconds; null while none has been told so. */
    endsAt: (id: SessionId): number | null => notices.get(id)?.endsAt ?? null,

    /** What a session costs right now; null while it has no process. */
    cost: async (id: SessionId): Promise<SessionCost | null> => costs.of(id, await require(id).place.hold.cost()),

    list: (): readonly RuntimeSession[] => [...sessions.values()].map(view),

    /** Resolves when the interpreter is ready. `runtime_missing` says how to get it. */
    start: async (id: SessionId, signal: AbortSignal): Promise<void> => require(id).start(signal),

    /** The live session, for whoever sends runs to it. */
    session: require,

    /** Looks for the workers that an earlier host left, each on its own time. */
    recover(): void {
      for (const session of sessions.values()) attaching.push(session.attach(ending.signal));
    },

    /** Interrupts the session's run, if any; resolves when it has ended. */
    async interrupt(id: SessionId): Promise<RuntimeSession> {
      const session = require(id);
      await session.interrupt();
      return view(session);
    },

    /** Asks the interpreter something: see `Session.ask`. */
    ask: async <K extends QuestionKind>(
      id: SessionId,
      kind: K,
      question: Question<K>,
      signal: AbortSignal,
    ): Promise<Answer<K>> => require(id).ask(kind, question, signal),

    /** Ends the interpreter and starts it anew. Its run, if any, dies; the session keeps its id. */
    async restart(id: SessionId, signal: AbortSignal): Promise<RuntimeSession> {
      const session = require(id);
      await session.stop();
      await session.start(signal);
      return view(session);
    },

    remove,
    moves,

    onChange(listener: (session: RuntimeSession) => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    /** Lets go of all sessions, which go on (`keep`), or ends them. */
    async close(options: { readonly keep: boolean }): Promise<void> {
      ending.abort(new Failure('not_ready', 'This device is closing.'));
      await Promise.allSettled(attaching);
      forks.close();
      clearInterval(looking);
      if (options.keep) for (const session of sessions.values()) session.detach();
      else await Promise.all([...sessions.values()].map((session) => session.stop()));
      await parts.containers?.close();
    },
  };
}
