/**
 * The log of documents that several processes write at once: what `log.ts` is where one process writes alone.
 *
 * The store decides in which order updates are in the log. What was taken in here waits until the store has it; what
 * another process wrote meanwhile comes before it, and moves it on.
 *
 * Invariants
 * 1. An update is acknowledged once the store has it at its position. It is passed on before (decision 38).
 * 2. Every room has the log without a hole: what is not heard of the other processes is read from the store.
 * 3. What the store said last before it failed counts for nothing: whether it took something is read there.
 * 4. While the store refuses, updates are kept in memory and passed on, up to a bound; past it they are refused.
 */
import { Failure, sameBytes, type DocumentId } from '@markco/protocol';
import { describeDisk } from '../documents/describe-disk.ts';
import {
  BACKLOG_BYTES_MAX,
  farWait,
  RETRY_MS,
  rowOf,
  type Append,
  type Log,
  type LogParts,
  type StorageState,
} from '../documents/log.ts';
import { createPassOnFirst } from '../documents/pass-on-first.ts';
import type { Room } from '../documents/room.ts';
import type { TailEntry } from '../documents/tail.ts';
import { keyOf } from '../store/key.ts';
import type { Change, SharedStore } from '../store/shared-store.ts';
import { insert, leap } from './insert.ts';
import { readSince } from './read-since.ts';

/** Documents and bytes of one change of the store; more wait for the next. */
const DOCUMENTS_AT_ONCE = 1_000;
const GROUP_BYTES_MAX = 16 * 1024 * 1024;
/** Documents of which it is remembered how far they are in the store; of more, the latest. */
const KNOWN_MAX = 50_000;

/** `told`: it was passed on while the store refused. */
type Waiting = { readonly append: Append; isTold: boolean };

export type Committed = { readonly documentId: DocumentId; readonly entries: readonly TailEntry[] };

export type SharedLogParts = Omit<LogParts, 'store'> & {
  readonly store: SharedStore;
  readonly rooms: { peek(id: DocumentId): Room | undefined; all(): Iterable<Room> };
  /** The store has taken it. */
  readonly onCommitted: (committed: Committed) => void;
  /** Positions were moved: what was made of the document before counts for nothing. */
  readonly onMoved: (id: DocumentId) => void;
  /** What another process wrote of a document that nobody has open here. */
  readonly onElsewhere: (id: DocumentId, seq: number) => void;
  /** A room cannot be brought up to date: it is to be loaded anew. */
  readonly onBroken: (room: Room, cause: unknown) => void;
};

export type SharedLog = Log & {
  /** What another process says that it wrote. */
  hear(committed: Committed): void;
  /** How far a document is in the store. */
  isAt(id: DocumentId, seq: number): void;
  /** It is gone from the store: one of this id begins anew. */
  forget(id: DocumentId): void;
  /** A document was loaded: more may have come meanwhile. */
  loaded(id: DocumentId): void;
  /** Reads what is known to be in the store and could not be read before. */
  catchUp(): void;
};

export function createSharedLog(parts: SharedLogParts): SharedLog {
  const { store, rooms, now, onStorage, describe = describeDisk, retryMs = () => RETRY_MS } = parts;
  const passOnFirst = createPassOnFirst(false);
  let state: StorageState = { ok: true };
  const waiting = new Map<DocumentId, Waiting[]>();
  /** How far documents are in the store, as far as that was said. */
  const known = new Map<DocumentId, number>();
  /** Documents that are being read, each with the reading that comes after. */
  const reading = new Map<DocumentId, { work: Promise<void>; again: Promise<void> | undefined }>();
  let backlogBytes = 0;
  let work: Promise<void> | undefined;
  let planned = false;
  /** When the last group was begun. */
  let begunAt = Number.NEGATIVE_INFINITY;
  let idle: (() => void)[] = [];
  let closed = false;
  let recovery: Promise<void> | undefined;

  function note(id: DocumentId, seq: number): void {
    if ((known.get(id) ?? 0) >= seq) return;
    known.delete(id);
    known.set(id, seq);
    const [oldest] = known.keys();
    if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest);
  }

  function plan(): void {
    if (planned || work !== undefined || !state.ok || waiting.size === 0) return;
    planned = true;
    // A group takes about the same, however much is in it.
    setTimeout(begin, farWait(begunAt, performance.now()));
  }

  function begin(): void {
    planned = false;
    if (!state.ok || work !== undefined) return;
    begunAt = performance.now();
    work = commitAll().finally(() => {
      work = undefined;
      if (waiting.size === 0) release();
      plan();
    });
  }

  /** Never rejects: a failure starts the recovery. */
  async function commitAll(): Promise<void> {
    const groups: { id: DocumentId; was: number; appends: Append[] }[] = [];
    let bytes = 0;
    for (const [id, list] of waiting) {
      const appends = list.map(({ append }) => append);
      groups.push({ id, was: (appends[0]?.seq ?? 0) - 1, appends });
      for (const { update } of appends) bytes += update.length;
      if (bytes <= GROUP_BYTES_MAX && groups.length < DOCUMENTS_AT_ONCE) continue;
      // Who is left out waits for nobody to come along.
      begunAt = Number.NEGATIVE_INFINITY;
      break;
    }
    try {
      const began = performance.now();
      const taken = await store.commit(groups.map(changeOf));
      parts.onSync?.(performance.now() - began);
      const refused: DocumentId[] = [];
      for (const [index, { id, was, appends }] of groups.entries()) {
        if (taken[index] === true) commit(id, was, appends);
        // What was moved meanwhile has its reason already.
        else if ((waiting.get(id)?.[0]?.append.seq ?? 0) - 1 === was) refused.push(id);
      }
      await Promise.all(refused.map(read));
    } catch (cause) {
      fail(cause);
    }
  }

  /** The store has these updates after position `was`. */
  function commit(id: DocumentId, was: number, appends: readonly Append[]): void {
    note(id, was + appends.length);
    for (const append of appends) settle(id, append);
    parts.onCommitted({
      documentId: id,
      entries: appends.map(({ origin, at, update }, index) => ({ origin, at, update, seq: was + 1 + index })),
    });
  }

  function settle(id: DocumentId, append: Append): void {
    const list = waiting.get(id);
    // It may have been read in the store before the store had answered.
    if (list?.[0]?.append !== append) return;
    const [first] = list.splice(0, 1);
    if (list.length === 0) waiting.delete(id);
    if (first?.isTold === false) append.written();
    append.durable();
  }

  /** The next updates of the log, those that are not here yet. False when others come before them. */
  function take(room: Room, entries: readonly TailEntry[]): boolean {
    let others: TailEntry[] = [];
    let next = room.placedSeq + 1;
    const put = (): void => {
      if (others.length === 0) return;
      for (const { append } of waiting.get(room.id) ?? []) append.seq += others.length;
      if (waiting.has(room.id)) parts.onMoved(room.id);
      insert(room, others);
      others = [];
    };
    for (const entry of entries) {
      if (entry.seq < next) continue;
      if (entry.seq > next) {
        put();
        return false;
      }
      next++;
      const own = waiting.get(room.id)?.[0]?.append;
      if (own === undefined || !sameBytes(own.update, entry.update)) others.push(entry);
      else {
        put();
        settle(room.id, own);
      }
    }
    put();
    return true;
  }

  /** It was given back before what others wrote was in place there. */
  function missed(id: DocumentId): void {
    const seq = known.get(id);
    if (seq !== undefined) parts.onElsewhere(id, seq);
  }

  async function readNow(id: DocumentId): Promise<void> {
    const room = rooms.peek(id);
    if (room === undefined) return missed(id);
    const { state: ahead, entries } = await readSince(store, id, room.placedSeq);
    if (rooms.peek(id) !== room) return missed(id);
    try {
      if (ahead !== undefined && ahead.seq > room.placedSeq) {
        const moved = ahead.seq - room.placedSeq;
        for (const { append } of waiting.get(id) ?? []) append.seq += moved;
        parts.onMoved(id);
        leap(room, ahead);
      }
      take(room, entries);
    } catch (cause) {
      waiting.delete(id);
      parts.onBroken(room, cause);
    }
  }

  /** One after another, and no more than one that waits: it reads all there is by then. Rejects as the store does. */
  function read(id: DocumentId): Promise<void> {
    const running = reading.get(id);
    if (running !== undefined) return (running.again ??= running.work.catch(() => undefined).then(() => read(id)));
    const begun = { work: readNow(id), again: undefined };
    reading.set(id, begun);
    begun.work = begun.work.finally(() => reading.delete(id));
    return begun.work;
  }

  /** What cannot be read now is read at the next look. */
  const readSoon = (id: DocumentId): void => void read(id).catch(() => undefined);

  function fail(cause: unknown): void {
    if (!state.ok || closed) return;
    state = { ok: false, since: now(), ...describe(cause) };
    onStorage(state, cause);
    for (const list of waiting.values()) for (const each of list) park(each);
    release();
    recovery = recover();
  }

  function park(each: Waiting): void {
    if (each.isTold) return;
    each.isTold = true;
    backlogBytes += each.append.update.length;
    each.append.written(false);
  }

  async function recover(): Promise<void> {
    for (let tries = 0; !closed; tries++) {
      await new Promise((resolve) => setTimeout(resolve, retryMs(tries)));
      try {
        await store.reopen();
        await Promise.all([...waiting.keys()].map(read));
        backlogBytes = 0;
        state = { ok: true };
        onStorage(state);
        plan();
        return;
      } catch {
        // The next try says it again.
      }
    }
  }

  function release(): void {
    const done = idle;
    idle = [];
    for (const resolve of done) resolve();
  }

  function requireOk(): void {
    if (!state.ok) throw new Failure(state.code, state.message, { retryable: true });
  }

  async function guarded<T>(write: () => Promise<T>): Promise<T> {
    requireOk();
    try {
      return await write();
    } catch (cause) {
      fail(cause);
      throw new Failure(describe(cause).code, describe(cause).message, { cause, retryable: true });
    }
  }

  return {
    get storage() {
      return state;
    },
    passesOnFirst: true,
    admit(bytes) {
      if (state.ok || backlogBytes + bytes <= BACKLOG_BYTES_MAX) return;
      throw new Failure(state.code, state.message, { retryable: true });
    },
    append(append) {
      passOnFirst(append);
      const each = { append, isTold: false };
      const list = waiting.get(append.documentId);
      if (list === undefined) waiting.set(append.documentId, [each]);
      else list.push(each);
      if (state.ok) plan();
      else park(each);
    },
    write: (batch) => guarded(() => store.write(batch, { sync: true })),
    writeIf: (change) => guarded(async () => (await store.commit([change]))[0] === true),
    waiting: (id) => waiting.get(id)?.length ?? 0,
    hear({ documentId: id, entries }) {
      const last = entries.at(-1);
      if (last === undefined) return;
      const room = rooms.peek(id);
      if (room === undefined) return this.isAt(id, last.seq);
      note(id, last.seq);
      try {
        if (!take(room, entries)) readSoon(id);
      } catch (cause) {
        waiting.delete(id);
        parts.onBroken(room, cause);
      }
    },
    isAt(id, seq) {
      if ((known.get(id) ?? 0) >= seq) return;
      note(id, seq);
      const room = rooms.peek(id);
      if (room === undefined) parts.onElsewhere(id, seq);
      else if (room.placedSeq < seq) readSoon(id);
    },
    loaded(id) {
      if ((rooms.peek(id)?.placedSeq ?? 0) < (known.get(id) ?? 0)) readSoon(id);
    },
    forget: (id) => void known.delete(id),
    catchUp() {
      for (const { id } of rooms.all()) this.loaded(id);
    },
    async drained() {
      if (waiting.size === 0 || !state.ok) return;
      await new Promise<void>((resolve) => idle.push(resolve));
    },
    async close() {
      if (state.ok) await this.drained();
      closed = true;
      await work;
      await recovery;
    },
  };
}

const changeOf = ({
  id,
  was,
  appends,
}: {
  readonly id: DocumentId;
  readonly was: number;
  readonly appends: readonly Append[];
}): Change => ({
  guard: { key: keyOf('u', id), was, next: was + appends.length },
  batch: [rowOf(id, was + appends.length, appends)],
});
