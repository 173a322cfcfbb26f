/**
 * The files of one project that all devices of its user have: what is on this disk, and what is to be.
 *
 * 1. Everything happens one after another; a row of another device is judged against what the disk has in that moment.
 * 2. A file that changed here gets a new stamp. One that is missing is believed to be deleted BELIEF_MS later, and only
 *    while the folder of the project is there and has something in it.
 * 3. No bytes are lost to another device: those it did not know of when it replaced or deleted are kept beside.
 */
import { Failure, type DeviceId, type ProjectId } from '@markco/protocol';
import { createHash } from 'node:crypto';
import type { Files, FileStat } from '../../files/files.ts';
import { fileKey, filesRange } from '@markco/replica/store/key';
import type { LocalStore } from '@markco/replica/store/store';
import type { Stamp } from '@markco/replica/documents/document-record';
import { openToRead } from './inside.ts';
import { isPartOf, partPath } from './part.ts';
import {
  AssetRowSchema,
  besidePath,
  countsOver,
  groupHashes,
  isAssetPath,
  isKept,
  nextRow,
  type AssetRow,
} from './row.ts';

/** Files of one project, deleted ones included. Further ones stay on their device, and the log says so. */
const FILES_MAX = 20_000;
const BELIEF_MS = 2_000;
/** A large file and an empty one are listed when they have not changed for so long: somebody may still be writing them. */
const AT_REST_MS = 1_000;
const LARGE_BYTES = 4 * 1024 * 1024;
const READ_BYTES = 1024 * 1024;

/** The bytes that are on this disk, and the file they were seen in. */
type Here = Pick<FileStat, 'ino' | 'size' | 'mtimeMs'> & { readonly hash: string };
type Held = { readonly row: AssetRow; readonly here: Here | null };

export type ListParts = {
  readonly projectId: ProjectId;
  /** As `realpath` names it. */
  readonly root: string;
  readonly files: Files;
  readonly store: LocalStore;
  readonly device: DeviceId;
  readonly now: () => number;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export type AssetList = Awaited<ReturnType<typeof openAssetList>>;

export async function openAssetList(parts: ListParts) {
  const { projectId, root, files, store } = parts;
  const held = new Map<string, Held>();
  const byHash = new Map<string, string>();
  const listeners = new Set<(rows: readonly AssetRow[], from: DeviceId | null) => void>();
  const timers = new Set<NodeJS.Timeout>();
  let latest = 0;
  let groups: Uint8Array | null = null;
  let isFull = false;
  let isClosed = false;
  let turn: Promise<unknown> = Promise.resolve();

  for await (const [, value] of store.range(filesRange(projectId))) {
    const { row, here } = JSON.parse(new TextDecoder().decode(value)) as Held;
    if (AssetRowSchema.safeParse(row).success) remember({ row, here });
  }

  function remember(next: Held): void {
    held.set(next.row.path, next);
    if (next.here !== null) byHash.set(next.here.hash, next.row.path);
    latest = Math.max(latest, next.row.named.at);
    groups = null;
  }

  async function put(changed: readonly Held[]): Promise<void> {
    if (changed.length === 0) return;
    for (const each of changed) remember(each);
    const batch = changed.map((each) => ({
      key: fileKey(projectId, each.row.path),
      value: new TextEncoder().encode(JSON.stringify(each)),
    }));
    await store.write(batch, { sync: true });
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(() => {
      if (isClosed) throw new Failure('not_ready', 'The project is being closed.');
      return work();
    });
    turn = done.catch(() => undefined);
    return done;
  }

  function later(ms: number, work: () => Promise<unknown>): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!isClosed) work().catch((cause: unknown) => parts.onTrouble('looking at files', cause));
    }, ms).unref();
    timers.add(timer);
  }

  function hasRoomFor(path: string): boolean {
    if (held.has(path) || held.size < FILES_MAX) return true;
    if (!isFull) parts.onTrouble('listing files', new Failure('too_many', `A project has at most ${FILES_MAX} files.`));
    isFull = true;
    return false;
  }

  const stamp = (at: number): Stamp => ({ at: Math.max(at, latest + 1), by: parts.device });

  /** What the disk has at a path now, as a row: the one there was, or one with a new stamp. Undefined: nothing is known. */
  async function current(path: string, isBelieved: boolean): Promise<Held | undefined> {
    const before = held.get(path);
    const stat = await files.stat(path);
    if (stat?.kind !== 'file') {
      if (before === undefined || before.here === null) return before;
      const isReplacedFolder = stat !== undefined;
      if (!isBelieved && !isReplacedFolder) {
        later(BELIEF_MS, () => inTurn(() => lookNow([path], true)));
        return before;
      }
      if (before.row.hash !== before.here.hash) return { row: before.row, here: null };
      if ((await files.list('').catch(() => [])).length === 0) return before;
      return {
        row: nextRow(before.row, before.here.hash, { path, hash: null, size: 0, named: stamp(parts.now()) }),
        here: null,
      };
    }
    if (before?.here !== null && before?.here !== undefined && isAsSeen(before.here, stat)) return before;
    const mayGrow = stat.size > LARGE_BYTES || stat.size === 0;
    if (mayGrow && parts.now() - stat.mtimeMs < AT_REST_MS) {
      later(AT_REST_MS, () => inTurn(() => lookNow([path], false)));
      return before;
    }
    const here = await hashOf(path);
    if (here === null) return before;
    if (here === 'changed') {
      later(AT_REST_MS, () => inTurn(() => lookNow([path], false)));
      return before;
    }
    if (before !== undefined && (here.hash === before.row.hash || here.hash === before.here?.hash))
      return { row: before.row, here };
    // Of a file that was never seen before it is not known when it came; of one that was, it is: now.
    const at = before === undefined ? Math.min(parts.now(), Math.floor(stat.mtimeMs)) : parts.now();
    const named = before === undefined ? { at: Math.max(0, at), by: parts.device } : stamp(at);
    return {
      row: nextRow(before?.row, before?.here?.hash ?? null, { path, hash: here.hash, size: here.size, named }),
      here,
    };
  }

  /** Null when it is reached by a link, or is no file. */
  async function hashOf(path: string): Promise<Here | 'changed' | null> {
    const handle = await openToRead(root, path).catch(() => null);
    if (handle === null) return null;
    try {
      const [hash, before] = [createHash('sha256'), await handle.stat()];
      if (!before.isFile()) return null;
      const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(1, before.size)));
      for (let at = 0; ;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
      const { ino, size, mtimeMs } = await handle.stat();
      const here = { ino, size, mtimeMs, hash: hash.digest('hex') };
      return isAsSeen(here, before) ? here : 'changed';
    } finally {
      await handle.close();
    }
  }

  async function lookNow(paths: Iterable<string>, isBelieved: boolean): Promise<void> {
    const changed: Held[] = [];
    const told: AssetRow[] = [];
    for (const path of paths) {
      if (!isAssetPath(path) || !hasRoomFor(path)) continue;
      const before = held.get(path);
      const found = await current(path, isBelieved);
      if (found === undefined || found === before) continue;
      changed.push(found);
      // So that of two files that changed in one look the second is later.
      latest = Math.max(latest, found.row.named.at);
      if (found.row !== before?.row) told.push(found.row);
    }
    await put(changed);
    tell(told, null);
  }

  function tell(rows: readonly AssetRow[], from: DeviceId | null): void {
    for (const listener of listeners) listener(rows, from);
  }

  /** Files below `_assets`, and what is left of those that were on their way. */
  async function walk(from = '_assets'): Promise<{ readonly found: string[]; readonly rests: string[] }> {
    const [found, rests, folders] = [[] as string[], [] as string[], [from]];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      if ((await files.stat(folder))?.kind !== 'folder') continue;
      for (const { name, kind } of await files.list(folder)) {
        const path = `${folder}/${name}`;
        if (kind === 'folder' && !name.startsWith('.')) folders.push(path);
        else if (kind === 'file' && isPartOf(name)) rests.push(path);
        else if (kind === 'file' && found.length < FILES_MAX) found.push(path);
      }
    }
    return { found, rests };
  }

  /** Gets what is here out of the way of a row that counts over it. False when it changed in this moment. */
  async function clear({ row, here }: Held, next: AssetRow): Promise<boolean> {
    if (here === null) return true;
    const isKnown = next.replaced.includes(here.hash) || next.hash === here.hash;
    if (!isKnown) {
      const beside = besidePath(row.path, here.hash);
      if (!(await files.move(row.path, beside))) return false;
      await lookNow([beside], false);
      return true;
    }
    return (
      next.hash !== null || (await files.remove(row.path, (there) => there !== undefined && isAsSeen(here, there)))
    );
  }

  /** A file that got another name elsewhere gets it here too, so that nobody has to be asked for its bytes. */
  async function bequeath({ row, here }: Held): Promise<Held | undefined> {
    const heir = [...held.values()].find(
      (each) => isMissing(each) && each.here === null && each.row.hash === here?.hash,
    );
    if (heir === undefined || here === null || !(await files.move(row.path, heir.row.path))) return undefined;
    const moved = await hashOf(heir.row.path);
    return moved === null || moved === 'changed' ? undefined : { row: heir.row, here: moved };
  }

  const isMissing = ({ row, here }: Held): boolean => row.hash !== null && row.hash !== here?.hash;

  return {
    projectId,
    root,
    files,
    rows: (): Iterable<AssetRow> => [...held.values()].map(({ row }) => row),
    row: (path: string): AssetRow | undefined => held.get(path)?.row,
    /** Rows whose bytes are not here yet. */
    missing: (): AssetRow[] => [...held.values()].filter(isMissing).map(({ row }) => row),
    isMissing: (path: string): boolean => {
      const found = held.get(path);
      return found !== undefined && isMissing(found);
    },
    /** A file here that had these bytes when it was last seen. */
    holder(hash: string): { readonly path: string; readonly here: Here } | undefined {
      const path = byHash.get(hash);
      const of = (each: Held | undefined) =>
        each?.here?.hash === hash ? { path: each.row.path, here: each.here } : undefined;
      return (
        of(path === undefined ? undefined : held.get(path)) ??
        [...held.values()].map(of).find((each) => each !== undefined)
      );
    },
    groups: (): Uint8Array => (groups ??= groupHashes([...held.values()].map(({ row }) => row))),
    onChange(listener: (rows: readonly AssetRow[], from: DeviceId | null) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /** Somebody says that these may have changed; those that are none of ours are passed over. */
    look: (paths: readonly string[]): Promise<void> =>
      inTurn(async () => {
        const ours = paths.filter((path) => isKept(path) || held.has(path));
        // What came into a new folder before it was watched is told by nobody.
        const within = await Promise.all(ours.map(async (path) => (await walk(path)).found));
        await lookNow(new Set([...ours, ...within.flat()]), false);
      }),

    /** Another device shows this picture: from now on all have it. */
    adopt: (path: string): Promise<void> => inTurn(() => lookNow([path], false)),

    scan: (): Promise<void> =>
      inTurn(async () => {
        const { found, rests } = await walk();
        await lookNow(new Set([...found, ...held.keys()]), false);
        const due = new Set([...held.values()].filter(isMissing).map(({ row }) => partPath(row)));
        for (const rest of rests) if (!due.has(rest)) await files.remove(rest, () => true);
      }),

    /** Rows of another device. Paths that lead anywhere but to a file of this project are passed over. */
    take: (rows: readonly AssetRow[], from: DeviceId): Promise<void> =>
      inTurn(async () => {
        await lookNow(
          rows.map(({ path }) => path),
          false,
        );
        const taken: Held[] = [];
        for (const row of rows) {
          if (!isAssetPath(row.path) || !hasRoomFor(row.path)) continue;
          const mine = held.get(row.path);
          if (!countsOver(row, mine?.row)) continue;
          const heir = row.hash === null && mine !== undefined ? await bequeath(mine) : undefined;
          if (heir !== undefined) taken.push(heir);
          else if (row.hash === null && mine !== undefined && !(await clear(mine, row))) continue;
          taken.push({ row, here: row.hash === null ? null : (mine?.here ?? null) });
        }
        await put(taken);
        tell(
          taken.map(({ row }) => row),
          from,
        );
      }),

    /** Gives verified bytes their name, if they are still wanted there; else they are removed. */
    place: (temp: string, wanted: AssetRow): Promise<boolean> =>
      inTurn(async () => {
        const { path, hash } = wanted;
        await lookNow([path], false);
        const mine = held.get(path);
        const isWanted = mine !== undefined && mine.row.hash === hash && isMissing(mine);
        const there = await files.stat(path);
        const isExpected = (now: FileStat | undefined): boolean =>
          now === undefined ||
          (now.kind === 'file' && mine?.here !== null && mine?.here !== undefined && isAsSeen(mine.here, now));
        if (!isWanted || hash === null || !isExpected(there) || !(await clear(mine, mine.row))) {
          await files.remove(temp, () => true);
          return false;
        }
        if (!(await files.replace(temp, path, isExpected))) return false;
        await files.syncFolder(path.slice(0, path.lastIndexOf('/') + 1).replace(/\/$/, ''));
        const placed = await files.stat(path);
        if (placed === undefined) return false;
        const { ino, size, mtimeMs } = placed;
        await put([{ row: mine.row, here: { ino, size, mtimeMs, hash } }]);
        return true;
      }),

    async close(): Promise<void> {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
      await turn;
    },
  };
}

const isAsSeen = (
  here: Pick<FileStat, 'ino' | 'size' | 'mtimeMs'>,
  stat: Pick<FileStat, 'ino' | 'size' | 'mtimeMs'>,
): boolean => here.ino === stat.ino && here.size === stat.size && here.mtimeMs === stat.mtimeMs;
