/**
 * One log for all documents: every update is appended, in the order it came, with one group commit for all of them.
 *
 * Invariants
 * 1. An update is `written` (a kill loses it no more) before it is passed on, but for a store that is far (decision 38),
 *    and `durable` (fdatasync has returned) before it is acknowledged.
 * 2. After a write or a sync has failed, nothing is acknowledged until the store was opened anew and every update
 *    that was not yet durable was written to it again: what the disk said about them before counts for nothing.
 * 3. While the disk refuses, updates are kept in memory and passed on, up to a bound; past it they are refused.
 */
import { Failure, type DocumentId } from '@markco/protocol';
import { keyAt } from '../store/key.ts';
import type { Change } from '../store/shared-store.ts';
import type { Store, StoreWrite } from '../store/store.ts';
import { describeDisk } from './describe-disk.ts';
import { createPassOnFirst } from './pass-on-first.ts';
import { encodeUpdates, type UpdateRecord } from './record.ts';

export type Append = UpdateRecord & {
  readonly documentId: DocumentId;
  /** Its position in the document's log; appended in order. Where others write too it may move until it is durable. */
  seq: number;
  /** How many look on. */
  readonly readers: number;
  /** Before it is written, to who looks on. */
  passOn(isPlaced: boolean): void;
  /** @param isPlaced false when its position may still move */
  written(isPlaced?: boolean): void;
  durable(): void;
};

export type StorageState =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: 'disk_full' | 'storage_failed';
      readonly since: number;
      readonly message: string;
    };

export type LogParts = {
  readonly store: Store;
  readonly now: () => number;
  /** Told once when the disk begins to refuse and once when it takes writes again. */
  readonly onStorage: (state: StorageState, cause?: unknown) => void;
  /** Milliseconds that one fdatasync took. */
  readonly onSync?: (ms: number) => void;
  /** What to tell people when the store fails; where nothing is said, that it is this device's disk. */
  readonly describe?: (cause: unknown) => StorageTrouble;
  /** How long to wait before the store is opened anew, after so many tries. */
  readonly retryMs?: (tries: number) => number;
};

export type StorageTrouble = { readonly code: 'disk_full' | 'storage_failed'; readonly message: string };

/** How long a written update waits for company before it is synced, and the least time between two syncs. */
const SYNC_DELAY_MS = 2;
const SYNC_EVERY_MS = 5;
/**
 * How long what goes to a store that is far waits for who looks on to have it, and the least time between two groups: a
 * commit is work for the machine, which whoever types on would wait for.
 */
const FAR_DELAY_MS = 1;
const FAR_EVERY_MS = 25;
/** After so long without one, an update is written in the turn it comes in, and waits for no others. */
const QUIET_MS = 2;
/** Bytes kept in memory while the disk refuses. */
export const BACKLOG_BYTES_MAX = 64 * 1024 * 1024;
export const RETRY_MS = 500;

const SYNC_MARK = new TextEncoder().encode('msynced');

export type Log = {
  readonly storage: StorageState;
  /** What is appended is passed on before it is written. */
  readonly passesOnFirst: boolean;
  /** Whether a further update of this size may be taken in. Throws what to tell its sender when not. */
  admit(bytes: number): void;
  append(append: Append): void;
  /** A durable write of other rows. Rejects with a Failure; then nothing of it counts. */
  write(batch: readonly StoreWrite[]): Promise<void>;
  /** The same where others write too: false when one of them has changed what it builds on, and nothing was written. */
  writeIf(change: Change): Promise<boolean>;
  /** How many of the last updates of a document may still move, because others write it too. */
  waiting(id: DocumentId): number;
  /** Resolves once everything appended so far is durable, or the disk has begun to refuse. */
  drained(): Promise<void>;
  /** Writes out what is left, while the disk takes it. */
  close(): Promise<void>;
};

export function createLog({
  store,
  now,
  onStorage,
  onSync,
  describe = describeDisk,
  retryMs = () => RETRY_MS,
}: LogParts): Log {
  const isFar = store.isFar === true;
  const passOnFirst = createPassOnFirst(true);
  let state: StorageState = { ok: true };
  let queued: Append[] = [];
  /** Written since the last sync began. */
  let unsynced: Append[] = [];
  /** In a sync that has not returned. */
  let syncing: Append[] = [];
  let backlogBytes = 0;
  let writing = false;
  let flushPlanned = false;
  /** When the last group was written. */
  let flushedAt = Number.NEGATIVE_INFINITY;
  let syncTimer: ReturnType<typeof setTimeout> | undefined;
  /** When the last sync began. */
  let syncedAt = 0;
  let syncCount = 0;
  let idle: (() => void)[] = [];
  /** Writes of this log that have not returned; the store is not opened anew under them. */
  let underWay = 0;
  let failures = 0;
  let closed = false;
  let recovery: Promise<void> | undefined;

  function requireOk(): void {
    if (!state.ok) throw new Failure(state.code, state.message, { retryable: true });
  }

  function planFlush(): void {
    if (flushPlanned || writing || !state.ok) return;
    if (isFar) return planFarFlush();
    // One who types waits for nobody; what comes right after another one waits for the rest of its turn.
    if (performance.now() - flushedAt > QUIET_MS && flushNow()) return;
    flushPlanned = true;
    setImmediate(beginFlush);
  }

  /** Nobody but the writer waits for it. What comes within the time between two is one statement. */
  function planFarFlush(): void {
    flushPlanned = true;
    setTimeout(beginFlush, farWait(flushedAt, performance.now()));
  }

  function beginFlush(): void {
    flushPlanned = false;
    flushedAt = performance.now();
    void flush();
  }

  /**
   * Writes and passes on what is queued before it returns: whoever waits for it waits for no turn of the loop. False
   * when the store has to be waited for. A failure starts the recovery.
   */
  function flushNow(): boolean {
    flushedAt = performance.now();
    const group = queued;
    queued = [];
    try {
      if (!store.writeNow(rowsOf(group))) {
        queued = group;
        return false;
      }
    } catch (cause) {
      queued = group;
      fail(cause);
      return true;
    }
    for (const append of group) unsynced.push(append);
    try {
      for (const append of group) append.written();
    } finally {
      // Who looks on waits for what comes before this, and nobody for a timer.
      planSync();
    }
    return true;
  }

  /** Never rejects: a failure starts the recovery. */
  async function flush(): Promise<void> {
    if (writing || queued.length === 0 || !state.ok) return;
    writing = true;
    const group = queued;
    queued = [];
    const began = performance.now();
    const before = failures;
    try {
      await write(rowsOf(group), { sync: isFar });
    } catch (cause) {
      writing = false;
      queued = group.concat(queued);
      fail(cause);
      park();
      return;
    }
    writing = false;
    if (isFar && failures === before) {
      onSync?.(performance.now() - began);
      for (const append of group) append.written();
      settle(group);
    } else {
      for (const append of group) unsynced.push(append);
      for (const append of group) append.written();
      if (!state.ok) {
        park();
        return;
      }
      planSync();
    }
    if (queued.length > 0) planFlush();
  }

  async function write(batch: readonly StoreWrite[], options: { readonly sync: boolean }): Promise<void> {
    underWay++;
    try {
      await store.write(batch, options);
    } finally {
      underWay--;
    }
  }

  function planSync(): void {
    const wait = Math.max(SYNC_DELAY_MS, syncedAt + SYNC_EVERY_MS - performance.now());
    syncTimer ??= setTimeout(() => void sync(), wait);
  }

  /** Never rejects. */
  async function sync(): Promise<void> {
    syncTimer = undefined;
    if (syncing.length > 0 || unsynced.length === 0 || !state.ok) return;
    syncing = unsynced;
    unsynced = [];
    const began = performance.now();
    syncedAt = began;
    const mark = new Uint8Array(8);
    new DataView(mark.buffer).setFloat64(0, ++syncCount);
    const before = failures;
    try {
      await write([{ key: SYNC_MARK, value: mark }], { sync: true });
    } catch (cause) {
      unsynced = syncing.concat(unsynced);
      syncing = [];
      fail(cause);
      return;
    }
    if (failures !== before) {
      unsynced = syncing.concat(unsynced);
      syncing = [];
      return;
    }
    onSync?.(performance.now() - began);
    settle(syncing.splice(0));
    if (unsynced.length > 0) planSync();
  }

  function settle(done: readonly Append[]): void {
    for (const append of done) append.durable();
    if (queued.length === 0 && unsynced.length === 0 && !writing) release();
  }

  function fail(cause: unknown): void {
    failures++;
    if (!state.ok || closed) return;
    state = { ok: false, since: now(), ...describe(cause) };
    onStorage(state, cause);
    park();
    release();
    recovery = recover();
  }

  function release(): void {
    const waiting = idle;
    idle = [];
    for (const resolve of waiting) resolve();
  }

  /**
   * While the disk refuses: passed on, but not acknowledged; their writers keep them until the disk has them. What is
   * being written comes before them, so they wait for its outcome: the order of the log is the order of arrival.
   */
  function park(): void {
    if (writing) return;
    const waiting = queued;
    queued = [];
    for (const append of waiting) {
      unsynced.push(append);
      backlogBytes += append.update.length;
    }
    for (const append of waiting) append.written();
  }

  async function recover(): Promise<void> {
    /** Written since the store was opened anew, not yet synced. */
    const again: Append[] = [];
    for (let tries = 0; !closed; tries++) {
      await new Promise((resolve) => setTimeout(resolve, retryMs(tries)));
      if (underWay > 0) continue;
      try {
        await store.reopen();
        syncing = unsynced;
        unsynced = [];
        if (syncing.length > 0) await store.write(rowsOf(syncing), { sync: true });
        settle(syncing.splice(0));
        // What came meanwhile is only written, and synced as usual: else whoever types through each sync keeps it for ever.
        while (unsynced.length > 0) {
          const rest = unsynced;
          unsynced = [];
          again.push(...rest);
          await store.write(rowsOf(rest), { sync: false });
        }
        unsynced = again.splice(0);
        backlogBytes = 0;
        state = { ok: true };
        onStorage(state);
        if (unsynced.length > 0) planSync();
        planFlush();
        return;
      } catch {
        unsynced = [...syncing, ...again.splice(0), ...unsynced];
        syncing = [];
      }
    }
  }

  return {
    get storage() {
      return state;
    },
    passesOnFirst: isFar,

    admit(bytes) {
      if (state.ok || backlogBytes + bytes <= BACKLOG_BYTES_MAX) return;
      throw new Failure(state.code, state.message, { retryable: true });
    },

    append(append) {
      if (isFar) passOnFirst(append);
      queued.push(append);
      if (state.ok) planFlush();
      else park();
    },

    async write(batch) {
      requireOk();
      const before = failures;
      try {
        await write(batch, { sync: true });
      } catch (cause) {
        fail(cause);
        throw new Failure(describe(cause).code, describe(cause).message, { cause, retryable: true });
      }
      // What a disk says after it has failed counts for nothing, even of a write asked for before.
      if (failures !== before) requireOk();
    },

    async writeIf({ batch }) {
      await this.write(batch);
      return true;
    },

    waiting: () => 0,

    async drained() {
      if (queued.length === 0 && unsynced.length === 0 && syncing.length === 0 && !writing) return;
      await new Promise<void>((resolve) => idle.push(resolve));
    },

    async close() {
      if (state.ok) await this.drained();
      closed = true;
      clearTimeout(syncTimer);
      await recovery;
    },
  };
}

/** How long to wait with a group for a store that is far. */
export const farWait = (begunAt: number, now: number): number => Math.max(FAR_DELAY_MS, begunAt + FAR_EVERY_MS - now);

/** One row a document: its updates of this group. */
function rowsOf(group: readonly Append[]): StoreWrite[] {
  const [first, ...others] = group;
  if (first !== undefined && others.length === 0) return [rowOf(first.documentId, first.seq, group)];
  const byDocument = new Map<DocumentId, Append[]>();
  for (const append of group) {
    const list = byDocument.get(append.documentId);
    if (list === undefined) byDocument.set(append.documentId, [append]);
    else list.push(append);
  }
  const rows: StoreWrite[] = [];
  for (const [documentId, list] of byDocument) rows.push(rowOf(documentId, list.at(-1)?.seq ?? 0, list));
  return rows;
}

export const rowOf = (documentId: DocumentId, seq: number, updates: readonly Append[]): StoreWrite => ({
  key: keyAt('u', documentId, seq),
  value: encodeUpdates(updates),
});
