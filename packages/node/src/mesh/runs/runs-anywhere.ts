/**
 * Runs wherever they are: of this device from its journal, of another one by asking it, or from the copy that is here.
 * Whoever follows, answers or cancels a run need not know where it is.
 *
 * 1. A run that this device has is its own; nobody is asked.
 * 2. Where another one is, is remembered once found; else every connected device is asked, at once. Who submitted it has a
 *    copy, and answers in the place of a host that is away.
 * 3. Events of a run elsewhere are read from the copy here, which goes on as they come: what a reader has seen stays
 *    here when the host goes away, and so does all of what was submitted here.
 * 4. A run whose host does not answer is the run as it was last known, in whatever state that was: nobody here can know
 *    more, and it is not said to have failed.
 */
import { Failure, LIMITS, type DeviceId, type Run, type RunEvent, type RunId } from '@markco/protocol';
import type { Client } from '@markco/client';
import type { CallAnswer } from '@markco/client/api';
import type { MrpAsset } from '../../mrp/assets.ts';
import type { RunLog } from '../../runs/journal.ts';
import type { Runs, RunQuery } from '../../runs/runs.ts';
import type { LocalStore } from '@markco/replica/store/store';
import type { Mesh } from '../mesh.ts';
import type { SessionsAnywhere } from '../sessions/sessions-anywhere.ts';
import { createCarriers } from './carry.ts';
import { createRunCopies, type RunCopy } from './copies.ts';

/** Runs of other devices whose place is remembered; of more, the newest. */
const KNOWN_MAX = 10_000;
/** How long a list waits for another device. */
const LIST_MS = 1_500;
const CANCEL_MS = 30_000;
/** How long who wants what is stored by now waits for it to come from its host. */
const COPY_MS = 30_000;

export type RunsAnywhereParts = {
  readonly runs: Runs;
  readonly sessions: Pick<SessionsAnywhere, 'remember'>;
  /** Null while this device is alone. */
  readonly mesh: () => Pick<Mesh, 'peers' | 'client'> | null;
  /** As `mesh`, once it is known whether there are other devices. */
  readonly known: () => Promise<Pick<Mesh, 'peers' | 'client'> | null>;
  /** The state folder of the device; it exists. */
  readonly home: string;
  readonly store: LocalStore;
  readonly log: RunLog;
  /** An event of a run has come from its host. */
  readonly onEvent: (id: RunId, host: DeviceId) => void;
};

/** `isLastKnown`: its host did not answer, and this is how it was when it last did. */
export type Found = { readonly run: Run; readonly device: DeviceId; readonly isLastKnown: boolean };

export type RunsAnywhere = ReturnType<typeof createRunsAnywhere>;

export function createRunsAnywhere({ runs, sessions, mesh, ...parts }: RunsAnywhereParts) {
  const connected = (): readonly DeviceId[] =>
    (mesh()?.peers.list() ?? []).filter(({ state }) => state === 'connected').map(({ deviceId }) => deviceId);
  function client(device: DeviceId): Client {
    const open = mesh();
    if (open === null) throw new Failure('not_ready', 'The other devices are not connected yet.', { retryable: true });
    return open.client(device);
  }

  const known = new Map<RunId, DeviceId>();
  /** Submitted here, and not all of it is. */
  const pending = new Map<RunId, DeviceId>();
  const copies = createRunCopies({ ...parts, isInUse: (id) => carriers.isCarried(id) || pending.has(id) });
  const carriers = createCarriers({
    copies,
    async source(id, host) {
      await parts.known().catch(() => null);
      if (connected().includes(host)) return { client: client(host), isHost: true };
      const found = await firstOf(id, host).catch(() => null);
      return { client: client(found?.from ?? host), isHost: found === null };
    },
    onEvent: parts.onEvent,
    onCopied: ({ id }) => void pending.delete(id),
    onTrouble(runId, cause) {
      parts.log.warn('run-copy.stopped', { runId, reason: String(cause) });
      // Whoever does not have it, or is no device of the user any more, has no more of it later either.
      if (cause instanceof Failure && cause.code === 'not_found') pending.delete(runId);
    },
  });
  /** Read once, from disk; then kept up to date. */
  const loaded = load();

  async function load(): Promise<void> {
    for await (const { run, host, mine, complete } of copies.list(null))
      if (mine && !complete) pending.set(run.id, host);
    void copies.keepWithinBounds();
  }

  function remember(run: Run, device: DeviceId): Run {
    known.delete(run.id);
    known.set(run.id, device);
    sessions.remember(run.sessionId, device);
    const [oldest] = known.keys();
    if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest);
    return run;
  }

  async function ask(id: RunId, device: DeviceId): Promise<{ readonly run: Run; readonly storedEvents: number }> {
    const answer = await client(device).api('run', { params: { id }, signal: AbortSignal.timeout(LIST_MS) });
    const { storedEvents = 0, ...run } = answer;
    return { run, storedEvents };
  }

  /** Asks the device that has it. What it says is kept where a copy is. */
  async function askHost(id: RunId, device: DeviceId): Promise<Found & { readonly storedEvents: number }> {
    const { run, storedEvents } = await ask(id, device);
    remember(run, device);
    if (copies.get(id) !== null) await copies.put(run, device);
    return { run, device, isLastKnown: false, storedEvents };
  }

  /** The first of the others that knows it. Rejects when none does. */
  function firstOf(
    id: RunId,
    except?: DeviceId,
  ): Promise<Awaited<ReturnType<typeof ask>> & { readonly from: DeviceId }> {
    const others = connected().filter((each) => each !== except);
    return Promise.any(others.map(async (from) => ({ ...(await ask(id, from)), from })));
  }

  async function askOthers(id: RunId, except?: DeviceId): Promise<Found | null> {
    const told = await firstOf(id, except).catch(() => null);
    if (told === null) return null;
    const { run, from } = told;
    const device = hostOf(run, from);
    remember(run, device);
    if (device === from) return { run, device, isLastKnown: false };
    // The device that has it knows better.
    const asked =
      connected().includes(device) && device !== except ? await askHost(id, device).catch(() => null) : null;
    return asked ?? { run, device, isLastKnown: true };
  }

  async function find(id: RunId): Promise<Found | null> {
    const copy = copies.get(id);
    if (copy?.complete === true) return { run: copy.run, device: copy.host, isLastKnown: false };
    const device = known.get(id) ?? copy?.host;
    if (device === undefined) return askOthers(id);
    return askHost(id, device).catch(async (error: unknown) => {
      const told = await askOthers(id, device);
      if (told !== null) return told;
      if (copy === null) throw error;
      return { run: copy.run, device: copy.host, isLastKnown: true };
    });
  }

  const missing = (): Failure => new Failure('not_found', 'There is no such run here.');

  /** Where a run of another device is; null when it is this device's own. */
  async function placeOf(id: RunId): Promise<DeviceId | null> {
    if ((await runs.get(id)) !== null) return null;
    const found = known.get(id) ?? (await find(id))?.device;
    if (found === undefined) throw missing();
    return found;
  }

  /** The device that has it; a copy of it is here from now on. */
  async function copied(id: RunId): Promise<DeviceId> {
    const copy = copies.get(id);
    if (copy !== null) return copy.host;
    const found = await find(id);
    if (found === null) throw missing();
    await copies.put(found.run, found.device);
    return found.device;
  }

  async function* follow(id: RunId, fromSeq: number, signal: AbortSignal): AsyncIterable<RunEvent> {
    if ((await runs.get(id)) !== null) return yield* runs.follow(id, fromSeq, signal);
    const host = await copied(id);
    const read = (until: AbortSignal): AsyncIterable<RunEvent> => copies.follow(id, fromSeq, until);
    if (copies.get(id)?.complete === true) return yield* read(signal);
    return yield* carriers.during(id, host, read, signal);
  }

  async function* stored(id: RunId, fromSeq: number, signal: AbortSignal): AsyncIterable<RunEvent> {
    if ((await runs.get(id)) !== null) return yield* runs.stored(id, fromSeq, signal);
    const host = await copied(id);
    const isAsked = copies.get(id)?.complete !== true;
    const asked = isAsked ? await askHost(id, host).catch(() => firstOf(id, host).catch(() => null)) : null;
    if (asked === null || asked.storedEvents === 0) return yield* copies.stored(id, fromSeq, signal);
    if (fromSeq >= asked.storedEvents) return undefined;
    const until = AbortSignal.any([signal, AbortSignal.timeout(COPY_MS)]);
    const read = (stop: AbortSignal): AsyncIterable<RunEvent> => copies.follow(id, fromSeq, stop);
    for await (const event of carriers.during(id, host, read, until)) {
      yield event;
      if (event.seq + 1 >= asked.storedEvents) return undefined;
    }
  }

  async function require(id: RunId): Promise<Run> {
    const run = (await runs.get(id)) ?? (await find(id))?.run;
    if (run === undefined) throw missing();
    return run;
  }

  async function resume(device: DeviceId | null): Promise<void> {
    if (device !== null) carriers.hostIsBack(device);
    await loaded;
    for (const [id, host] of pending)
      if ((device === null || host === device) && !carriers.isCarried(id)) await carriers.submitted(id, host);
  }

  return {
    find,
    remember,
    require,
    follow,
    /** Those that its host has stored by now, or, while it is away, those that are here. */
    stored,

    /** A run that was submitted here and is on another device: it is copied from now on, to its end. */
    copy(run: Run, device: DeviceId): void {
      remember(run, device);
      const before = copies.get(run.id);
      if (before?.complete === true || pending.get(run.id) === device) return;
      pending.set(run.id, device);
      copies
        .put(run, device, { mine: true })
        .then(() => carriers.submitted(run.id, device, before === null))
        .catch((error: unknown) => parts.log.warn('run-copy.not-begun', { runId: run.id, reason: String(error) }));
    },

    /** Goes on with what was submitted here: all of it, or what is on a device that has just come back. */
    resume,

    async cancel(id: RunId): Promise<Run> {
      const device = await placeOf(id);
      if (device === null) return runs.cancel(id, AbortSignal.timeout(CANCEL_MS));
      return remember(await client(device).cancelRun(id), device);
    },

    async input(id: RunId, text: string): Promise<Run> {
      const device = await placeOf(id);
      if (device === null) return runs.input(id, text, AbortSignal.timeout(LIMITS.barrierTimeoutMs));
      await client(device).answerRun(id, text);
      return require(id);
    },

    /** What the code of a run on another device saved there; none for a run of this device. */
    async assets(id: RunId, signal: AbortSignal): Promise<readonly MrpAsset[]> {
      const device = await placeOf(id);
      return device === null ? [] : (await client(device).api('mrpRunAssets', { params: { id }, signal })).assets;
    },

    /** Where the output of a run on another device is; null for a run of this device. */
    async outputElsewhere(id: RunId, signal: AbortSignal): Promise<CallAnswer<'runOutput'> | null> {
      const device = await placeOf(id);
      return device === null ? null : client(device).api('runOutput', { params: { id }, signal });
    },

    /** Newest first. Of a device that does not answer in time, those that are copied here. */
    async list(query: RunQuery): Promise<readonly Run[]> {
      const answered = new Set<DeviceId>();
      const asked = connected().map(async (device) => {
        const answer = await client(device).api('runs', {
          query: {
            ...(query.projectId === null ? {} : { projectId: query.projectId }),
            ...(query.state === null ? {} : { state: query.state }),
            ...(query.before === null ? {} : { before: query.before }),
            limit: String(query.limit),
          },
          signal: AbortSignal.timeout(LIST_MS),
        });
        answered.add(device);
        return answer.runs.map((run) => {
          const host = hostOf(run, device);
          return { run: remember(run, host), host, isByHost: host === device };
        });
      });
      const [mine, ...theirs] = await Promise.all([runs.list(query), ...asked.map((one) => one.catch(() => []))]);
      const told = theirs.flat().filter(({ host, isByHost }) => !isByHost && !answered.has(host));
      const byHosts = theirs.flat().filter(({ isByHost }) => isByHost);
      const away: Run[] = [];
      await loaded;
      if (![...copies.hosts].every((host) => answered.has(host)))
        for await (const { run, host } of copies.list(query.before)) {
          if (away.length >= query.limit) break;
          if (answered.has(host) || (query.projectId !== null && run.projectId !== query.projectId)) continue;
          if (query.state === null || run.state === query.state) away.push(run);
        }
      const others = [...told, ...byHosts].map(({ run }) => run);
      const all = new Map([...away, ...others, ...mine].map((run) => [run.id, run]));
      return [...all.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1)).slice(0, query.limit);
    },

    /**
     * What was submitted here and is on another device, as it is known here: for devices that do not reach that one.
     * Nobody is asked.
     */
    submitted: {
      get: (id: RunId): Run | null => copiedFor(copies.get(id)),
      async list(query: RunQuery): Promise<readonly Run[]> {
        const found: Run[] = [];
        for await (const copy of copies.list(query.before)) {
          if (found.length >= query.limit) break;
          const run = copiedFor(copy);
          if (run === null || (query.projectId !== null && run.projectId !== query.projectId)) continue;
          if (query.state === null || run.state === query.state) found.push(run);
        }
        return found;
      },
      follow: copies.follow,
      storedCount: copies.storedCount,
    },

    /** Before the other devices are let go of. */
    async close(): Promise<void> {
      await loaded.catch(() => undefined);
      await carriers.close();
      await copies.close();
    },
  };
}

/** Another device's run as a device tells of it: its own, or one that it submitted to another. */
const hostOf = (run: Run, from: DeviceId): DeviceId => run.routedTo.deviceId ?? from;

const copiedFor = (copy: RunCopy | null): Run | null => (copy?.mine === true ? copy.run : null);
