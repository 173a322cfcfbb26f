/**
 * A store on LevelDB, with its unsynced writes in a write-ahead file.
 *
 * LevelDB's own writes go through another thread, which costs a short write more in waiting than in work. So an
 * unsynced batch is one `write` call in the turn it comes in, and LevelDB gets it with the next synced one.
 *
 * Batches reach LevelDB in the order they were asked for, one group at a time.
 */
import { Failure } from '@markco/protocol';
import { Level } from 'level';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalStore, StoreWrite } from './store.ts';
import { openWriteAhead, readAhead, type WriteAhead } from './write-ahead.ts';

/** Unsynced bytes kept in memory; past it a writer waits until LevelDB has them. */
const PENDING_BYTES_MAX = 8 * 1024 * 1024;
/** What opening anew writes, and some more. */
const ROOM_BYTES = 1024 * 1024;
/** The number of the last entry of the write-ahead files that LevelDB has, under the one key that is no key of a store: the empty one. */
const AHEAD_KEY = new Uint8Array();

type Waiter = { readonly sync: boolean; resolve(): void; reject(cause: unknown): void };

export async function openLevelStore(folder: string): Promise<LocalStore> {
  const level = new Level<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' });
  const aheadFolder = join(folder, 'ahead');
  let ahead: WriteAhead;
  /** Not yet in LevelDB, in order; `moving` is on its way there. */
  let pending: StoreWrite[] = [];
  let pendingBytes = 0;
  let moving: StoreWrite[] = [];
  let waiters: Waiter[] = [];
  let work: Promise<void> | undefined;
  /** Why LevelDB took no write; nothing more is written until it was opened anew, so that no entry is passed over. */
  let broken: Error | undefined;

  async function open(): Promise<void> {
    await level.open();
    const mark = level.getSync(AHEAD_KEY);
    let last = mark === undefined ? 0 : Number(new DataView(mark.buffer, mark.byteOffset).getBigUint64(0));
    const missing = readAhead(aheadFolder, last);
    last = missing.at(-1)?.number ?? last;
    if (missing.length > 0)
      await put(
        missing.flatMap(({ batch }) => batch),
        last,
        true,
      );
    ahead = openWriteAhead(aheadFolder, last);
    pending = [];
    pendingBytes = 0;
    broken = undefined;
  }

  async function put(rows: readonly StoreWrite[], last: number, sync: boolean): Promise<void> {
    const mark = new Uint8Array(8);
    new DataView(mark.buffer).setBigUint64(0, BigInt(last));
    const operations = [...rows, { key: AHEAD_KEY, value: mark }].map(({ key, value }) =>
      value === null ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
    );
    await level.batch(operations, { sync });
  }

  /** Resolves once everything asked for so far is in LevelDB. */
  function settle(sync: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      waiters.push({ sync, resolve, reject });
      work ??= moveAll().finally(() => {
        work = undefined;
      });
    });
  }

  /** Never rejects: those who wait are told. */
  async function moveAll(): Promise<void> {
    while (waiters.length > 0) {
      const group = waiters;
      waiters = [];
      moving = pending;
      pending = [];
      pendingBytes = 0;
      try {
        if (broken !== undefined) throw broken;
        const sealed = ahead.seal();
        await put(
          moving,
          sealed.last,
          group.some(({ sync }) => sync),
        );
        sealed.release();
        for (const { resolve } of group) resolve();
      } catch (cause) {
        broken = cause instanceof Error ? cause : new Error(String(cause));
        for (const { reject } of group) reject(cause);
      }
      moving = [];
    }
  }

  function keep(batch: readonly StoreWrite[]): void {
    for (const row of batch) {
      pending.push(row);
      pendingBytes += row.key.length + (row.value?.length ?? 0);
    }
  }

  try {
    await open();
  } catch (cause) {
    throw openFailure(folder, cause);
  }
  function get(key: Uint8Array): Uint8Array | undefined {
    const row = findLast(pending, key) ?? findLast(moving, key);
    return row === undefined ? level.getSync(key) : (row.value ?? undefined);
  }
  return {
    get,
    read: async (key) => get(key),
    async write(batch, { sync }) {
      if (broken !== undefined) throw broken;
      // Who asked for an unsynced write may use its bytes again at once.
      keep(sync ? batch : ahead.append(batch));
      if (sync || pendingBytes > PENDING_BYTES_MAX) await settle(sync);
    },
    writeNow(batch) {
      if (broken !== undefined) throw broken;
      if (pendingBytes > PENDING_BYTES_MAX) return false;
      keep(ahead.append(batch));
      return true;
    },
    async *range({ gte, lt, reverse = false, limit = -1 }) {
      if (pending.length + moving.length > 0) await settle(false);
      yield* level.iterator({ gte, lt, reverse, limit });
    },
    async reopen() {
      await work;
      await requireRoom(folder);
      ahead.close();
      await level.close();
      await open();
    },
    async close() {
      if (pending.length + moving.length > 0) await settle(true);
      ahead.close();
      await level.close();
    },
  };
}

/** LevelDB needs room to open: a disk that still refuses would leave readers without a store, so it is asked first. */
async function requireRoom(folder: string): Promise<void> {
  const probe = join(folder, 'room');
  try {
    await writeFile(probe, new Uint8Array(ROOM_BYTES), { flush: true });
  } finally {
    await rm(probe, { force: true });
  }
}

function findLast(rows: readonly StoreWrite[], key: Uint8Array): StoreWrite | undefined {
  return rows.findLast((row) => row.key.length === key.length && Buffer.compare(row.key, key) === 0);
}

function openFailure(folder: string, cause: unknown): Failure {
  const inner = cause instanceof Error ? cause.cause : undefined;
  if (inner instanceof Error && 'code' in inner && inner.code === 'LEVEL_LOCKED') {
    return new Failure(
      'conflict',
      `Another MarkCo uses ${folder}. Stop it, or set MARKCO_HOME to a folder of its own.`,
      { cause },
    );
  }
  return new Failure(
    'storage_failed',
    `Cannot open the store in ${folder}. Nothing was changed; free space or repair the disk, then start again.`,
    { cause },
  );
}
