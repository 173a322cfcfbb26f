/**
 * Runs that plain agents took, as they are kept.
 *
 *   n run/USER/RUN       the run as it is now
 *   n event/USER/RUN/SEQ what it said, an event each, with how far the agent was heard by then
 *   n open/AGENT/RUN     a run that did not end, or whose output is not in its document yet
 *
 * Where several processes share the store, `n agent/AGENT` (`held.ts`) and `n runs/USER` have versions.
 *
 * 1. A run and its events are written together: its end is never there without its last event.
 * 2. Bounded: of one user the newest KEPT_MAX runs that ended, with all they said, as long as that is within BYTES_MAX. The
 *    newest one is kept in any case.
 * 3. Only the process that has the agent writes what has become of a run: each write names the version at which the agent
 *    came there, so that one that the database takes up after the agent came elsewhere changes nothing.
 * 4. An id is one run, at whichever processes it is asked for at once: all that a user asks for have one version.
 */
import { Failure, RunEventSchema, RunSchema, DeviceIdSchema, runMachine } from '@markco/protocol';
import type { DeviceId, Run, RunId, UserId } from '@markco/protocol';
import type { Log } from '@markco/replica/documents/log';
import { pathKey, pathRange } from '@markco/replica/store/key';
import type { SharedStore } from '@markco/replica/store/shared-store';
import type { Store, StoreWrite } from '@markco/replica/store/store';
import * as z from 'zod/mini';

const KEPT_MAX = 500;
/** Of what all of them said, as it is kept. */
const BYTES_MAX = 512 * 1024 * 1024;
/** Beside the output in an event. */
const EVENT_BYTES = 256;
/** How often it is looked whether older ones are to go: after so many runs, and after this part of the bytes. */
const LOOK_EACH = 20;
const LOOK_PART = 8;
const DIGITS = 10;
/** Events read at once: each may have a megabyte. */
export const READ_AT_ONCE = 16;
const WRITES_AT_ONCE = 500;
const TRIES_MAX = 5;

const RowSchema = z.object({
  run: RunSchema,
  agent: DeviceIdSchema,
  /** It was handed to the agent, or is about to be: it is never handed to anybody again. */
  sent: z.boolean(),
  cancelRequested: z.boolean(),
  outputWritten: z.boolean(),
  /** The message of the agent that comes after those of which no event is kept: its events say it of the others. */
  received: z.optional(z.number()),
  /** Of all it said, once it is over. */
  bytes: z.optional(z.number()),
});
export type RunRow = z.infer<typeof RowSchema>;

const EventRowSchema = z.object({
  event: RunEventSchema,
  /** The message of the agent that comes after it. */
  received: z.number(),
  /** Of all output so far. */
  bytes: z.number(),
});
export type EventRow = z.infer<typeof EventRowSchema>;

export type RunRows = ReturnType<typeof createRunRows>;

export function createRunRows({
  log,
  shared,
  bytesMax = BYTES_MAX,
  ...parts
}: {
  readonly store: Pick<Store, 'read' | 'range'>;
  readonly log: Pick<Log, 'write' | 'writeIf'>;
  /** Null where nobody else writes. */
  readonly shared: Pick<SharedStore, 'versions'> | null;
  /** Of one user. */
  readonly bytesMax?: number;
}) {
  const store = readable(parts.store);
  /** What ended since it was looked last. */
  const finished = new Map<UserId, { runs: number; bytes: number }>();
  const runKey = (user: UserId, id: RunId): Uint8Array => pathKey('n', ['run', user, id]);
  const openKey = (agent: DeviceId, id: RunId): Uint8Array => pathKey('n', ['open', agent, id]);
  /** Below its user: an id that somebody else makes up leads nowhere. */
  const eventKey = (user: UserId, id: RunId, seq: number): Uint8Array =>
    pathKey('n', ['event', user, id, String(seq).padStart(DIGITS, '0')]);
  const lastPart = (key: Uint8Array): string => new TextDecoder().decode(key).split('/').at(-1) ?? '';

  async function* events(user: UserId, id: RunId, fromSeq: number, reverse = false): AsyncGenerator<EventRow> {
    const { lt } = pathRange('n', ['event', user, id]);
    const range = { gte: eventKey(user, id, fromSeq), lt, limit: reverse ? 1 : READ_AT_ONCE, reverse };
    for await (const [, value] of store.range(range)) yield parse(EventRowSchema, value);
  }

  async function* list(user: UserId, before?: RunId): AsyncGenerator<RunRow> {
    const { gte, lt } = pathRange('n', ['run', user]);
    const range = { gte, lt: before === undefined ? lt : runKey(user, before), reverse: true };
    for await (const [, value] of store.range(range)) yield parse(RowSchema, value);
  }

  async function dropOld(user: UserId): Promise<void> {
    let [kept, bytes] = [0, 0];
    for await (const { run, outputWritten, bytes: its = 0 } of list(user)) {
      if (!runMachine.isTerminal(run.state) || !outputWritten) continue;
      bytes += its;
      if (++kept === 1 || (kept <= KEPT_MAX && bytes <= bytesMax)) continue;
      // The row goes last: a kill in between leaves it to be found again.
      let gone: StoreWrite[] = [];
      for await (const [key] of store.range(pathRange('n', ['event', user, run.id]))) {
        gone.push({ key, value: null });
        if (gone.length < WRITES_AT_ONCE) continue;
        await log.write(gone);
        gone = [];
      }
      await log.write([...gone, { key: runKey(user, run.id), value: null }]);
    }
  }

  async function sizeOf({ userId, id }: Run): Promise<number> {
    for await (const { event, bytes } of events(userId, id, 0, true)) return bytes + (event.seq + 1) * EVENT_BYTES;
    return 0;
  }

  /** @returns whether it is to be looked what of the user is to go */
  function noteEnd(user: UserId, bytes: number): boolean {
    const since = finished.get(user) ?? { runs: 0, bytes: 0 };
    since.runs++;
    since.bytes += bytes;
    finished.set(user, since);
    if (since.runs < LOOK_EACH && since.bytes < bytesMax / LOOK_PART) return false;
    finished.delete(user);
    return true;
  }

  async function read(user: UserId, id: RunId): Promise<RunRow | undefined> {
    const value = await store.read(runKey(user, id));
    return value === undefined ? undefined : parse(RowSchema, value);
  }

  return {
    read,

    /**
     * Notes a new run, durable once it resolves. False when there is one with this id.
     * @throws Failure `storage_failed`; `not_ready` when others were quicker again and again
     */
    async begin(row: RunRow): Promise<boolean> {
      const { run, agent } = row;
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const was = await versionOf(shared, runsKey(run.userId));
        if ((await read(run.userId, run.id)) !== undefined) return false;
        const batch = [
          { key: runKey(run.userId, run.id), value: encode(row) },
          { key: openKey(agent, run.id), value: new TextEncoder().encode(run.userId) },
        ];
        if (await log.writeIf({ guard: { key: runsKey(run.userId), was, next: was + 1 }, batch })) return true;
      }
      throw new Failure('not_ready', 'Too many runs are begun at once. Nothing was run. Try again.');
    },

    /**
     * Durable once it resolves.
     * @param version at which its agent came here
     * @throws Failure `storage_failed`; `not_ready` when its agent is at another process now
     */
    async write(row: RunRow, version: number, said: readonly EventRow[] = [], hasChanged = true): Promise<void> {
      const { run, agent } = row;
      const rows: StoreWrite[] = said.map((each) => ({
        key: eventKey(run.userId, run.id, each.event.seq),
        value: encode(each),
      }));
      const isDone = runMachine.isTerminal(run.state) && row.outputWritten;
      const last = said.at(-1);
      const bytes = !isDone
        ? 0
        : last === undefined
          ? await sizeOf(run)
          : last.bytes + (last.event.seq + 1) * EVENT_BYTES;
      if (hasChanged) rows.push({ key: runKey(run.userId, run.id), value: encode(isDone ? { ...row, bytes } : row) });
      if (isDone) rows.push({ key: openKey(agent, run.id), value: null });
      if (rows.length === 0) return;
      const guard = { key: agentKey(agent), was: version, next: version };
      if (!(await log.writeIf({ guard, batch: rows }))) throw cameElsewhere();
      if (isDone && noteEnd(run.userId, bytes)) await dropOld(run.userId);
    },

    list,
    /** Events from `fromSeq` on, READ_AT_ONCE at most. */
    events: (user: UserId, id: RunId, fromSeq: number): AsyncIterable<EventRow> => events(user, id, fromSeq),

    async last({ userId, id }: Run): Promise<EventRow | undefined> {
      for await (const row of events(userId, id, 0, true)) return row;
      return undefined;
    },

    /** How many there are of them, to a bound. */
    async countOpen(agent: DeviceId, max: number): Promise<number> {
      let count = 0;
      for await (const _ of store.range({ ...pathRange('n', ['open', agent]), limit: max })) count++;
      return count;
    },

    /** Runs of an agent that did not end, or whose output is not in its document, oldest first. */
    async open(agent: DeviceId): Promise<readonly RunRow[]> {
      const found: RunRow[] = [];
      for await (const [key, user] of store.range(pathRange('n', ['open', agent]))) {
        const value = await store.read(runKey(new TextDecoder().decode(user) as UserId, lastPart(key) as RunId));
        if (value !== undefined) found.push(parse(RowSchema, value));
      }
      return found;
    },
  };
}

/** Reads that fail say so, and may be tried again. */
function readable(store: Pick<Store, 'read' | 'range'>): Pick<Store, 'read' | 'range'> {
  const away = (cause: unknown): Failure =>
    new Failure('storage_failed', 'What is kept of runs cannot be read now. Try again in a moment.', {
      ...{ cause, retryable: true },
    });
  return {
    read: (key) =>
      store.read(key).catch((cause: unknown) => {
        throw away(cause);
      }),
    async *range(range) {
      try {
        yield* store.range(range);
      } catch (cause) {
        throw away(cause);
      }
    },
  };
}

/** Who has an agent. */
export const agentKey = (agent: DeviceId): Uint8Array => pathKey('n', ['agent', agent]);
export const runsKey = (user: UserId): Uint8Array => pathKey('n', ['runs', user]);

/** 0 where nobody else writes, or nothing was said of it yet. */
export async function versionOf(shared: Pick<SharedStore, 'versions'> | null, key: Uint8Array): Promise<number> {
  const [known] = (await shared?.versions(new TextDecoder().decode(key))) ?? [];
  return known?.version ?? 0;
}

export const cameElsewhere = (): Failure =>
  new Failure('not_ready', 'What becomes of this run cannot be noted here at this moment. Try again in a moment.');

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

function parse<T extends z.ZodMiniType>(schema: T, value: Uint8Array): z.output<T> {
  const parsed = schema.safeParse(JSON.parse(new TextDecoder().decode(value)));
  if (!parsed.success)
    throw new Failure('storage_failed', 'What is kept of a run cannot be read. Upgrade this cloud, or restore it.', {
      cause: parsed.error,
    });
  return parsed.data;
}
