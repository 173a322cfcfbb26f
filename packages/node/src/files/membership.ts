/**
 * Which files are documents of the project: what appeared, was deleted or renamed, by id.
 *
 * 1. A document keeps its id when its file is renamed: the same inode, or the same content, appears where none was.
 * 2. A file that is missing is believed to be deleted `BELIEF_MS` later, and only while the folder itself is there.
 * 3. A deleted document is a tombstone. A file that appears under its name later is a new document.
 * 4. Changes of membership happen one after another, in the order in which they were seen.
 */
import {
  documentPathOf,
  filePathOf,
  LIMITS,
  newId,
  type DocumentId,
  type IdSource,
  type ProjectId,
} from '@markco/protocol';
import type { Catalog, DocumentRecord } from '@markco/replica/documents/document-record';
import { contentHash } from './content-hash.ts';
import { decodeFile, isText } from './endings.ts';
import type { FolderEvent, LeftAloneReason } from './events.ts';
import { folderOf, type Files } from './files.ts';
import {
  hasNoFileYet,
  isSameInode,
  isUnchanged,
  newRow,
  toRenamed,
  twinsOf,
  type HasFile,
  type Hashed,
} from './rows.ts';
import { wait, type Timer } from './timer.ts';
import { withTitle, writtenTitle } from './written-title.ts';
import { inspect, reasonAgainstPath, walk, type Found, type Walked } from './walk.ts';

const BELIEF_MS = 300;
/** Rows that are put at once. */
const BATCH = 500;
const READS_PARALLEL = 16;
/** Paths in one message of the watcher beyond which the whole folder is looked through instead. */
const PATHS_MAX = 5_000;

export type MembershipParts = {
  readonly files: Files;
  readonly catalog: Catalog;
  readonly timer: Timer;
  readonly ids: IdSource;
  readonly touch: (id: DocumentId) => void;
  readonly emit: (event: FolderEvent) => void;
  readonly leave: (path: string, reason: LeftAloneReason) => void;
  readonly pause: () => Promise<void> | undefined;
  readonly bytesMax: number;
};

export type Membership = {
  /** Looks through the whole folder. */
  scan(signal: AbortSignal): Promise<Walked>;
  /** Looks at paths that a watcher named. */
  look(paths: readonly string[]): Promise<void>;
  /** A document's file is not there. */
  missing(id: DocumentId): void;
  /** Runs `work` between two changes of membership. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when it is known of every file that is missing now whether it was deleted. */
  believed(): Promise<void>;
  /** Puts the row of a document whose file has a new name. */
  renamed(record: DocumentRecord, filePath: string): Promise<DocumentRecord>;
  diskPathOf(record: DocumentRecord): string;
  close(): Promise<void>;
};

export function createMembership(
  parts: MembershipParts,
  { projectId, tag }: { readonly projectId: ProjectId; readonly tag: string },
): Membership {
  const { files, catalog, timer, ids, touch, emit, leave, pause, bytesMax } = parts;
  const awaited = new Map<DocumentId, () => void>();
  /** Only those whose file is spelled otherwise than the document. */
  const spelledOtherwise = new Map<string, string>();
  let turn: Promise<unknown> = Promise.resolve();
  let home: number | undefined;
  /** The folder was found empty, and what it held before was not believed to be deleted. */
  let isDoubted = false;
  let isClosed = false;

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = turn.then(work);
    turn = next.catch(() => undefined);
    return next;
  };

  const diskPathOf = (record: DocumentRecord): string => {
    const filePath = filePathOf(record);
    return spelledOtherwise.get(filePath) ?? filePath;
  };
  const noteSpelling = ({ filePath, diskPath }: Pick<Found, 'filePath' | 'diskPath'>): void => {
    if (filePath === diskPath) spelledOtherwise.delete(filePath);
    else spelledOtherwise.set(filePath, diskPath);
  };

  const hashOf = async (found: Found): Promise<Hashed | undefined> => {
    try {
      const resolved = await files.resolve(found.diskPath);
      const open = typeof resolved === 'string' ? undefined : await files.open(resolved.path);
      if (open === undefined) return undefined;
      try {
        const bytes = await open.read(bytesMax);
        if (bytes === null) leave(found.diskPath, 'too-large');
        else if (!isText(bytes)) leave(found.diskPath, 'not-text');
        else {
          const title = writtenTitle(decodeFile(bytes).text);
          return { ...found, stat: { ...found.stat, size: bytes.length }, hash: await contentHash(bytes), title };
        }
      } finally {
        await open.close();
      }
    } catch {
      leave(found.diskPath, 'unreadable');
    }
    return undefined;
  };

  const hashAll = async (list: readonly Found[]): Promise<Hashed[]> => {
    const hashed: Hashed[] = [];
    for (let i = 0; i < list.length; i += READS_PARALLEL) {
      await pause();
      for (const one of await Promise.all(list.slice(i, i + READS_PARALLEL).map(hashOf)))
        if (one !== undefined) hashed.push(one);
    }
    return hashed;
  };

  const renamed = async (
    record: DocumentRecord,
    to: Pick<Found, 'filePath' | 'diskPath'>,
    hasFile: HasFile,
  ): Promise<DocumentRecord> => {
    const from = filePathOf(record);
    const now = catalog.get(record.id);
    const named = documentPathOf(to.filePath, hasFile);
    if (named === null || now === undefined || now.deletedAt !== undefined) return record;
    awaited.get(record.id)?.();
    noteSpelling(to);
    const moved = twinsOf(catalog, projectId, to.filePath).filter(({ id }) => id !== record.id);
    const row = { ...now, ...named };
    await catalog.put([row, ...moved]);
    for (const event of [
      { type: 'renamed', id: record.id, from, filePath: to.filePath } as const,
      ...moved.map(toRenamed),
    ])
      emit(event);
    touch(record.id);
    return row;
  };

  /** Tells those that were renamed from those that are new. `gone`: documents whose file is missing. */
  const settleNew = async (
    list: readonly Found[],
    gone: readonly DocumentRecord[],
    hasFile: HasFile,
  ): Promise<void> => {
    const left = new Map(gone.map((record) => [record.id, record]));
    const byInode = new Map(gone.map((record) => [record.file?.ino ?? 0, record]));
    const byHash = new Map<string, DocumentRecord[]>();
    for (const record of gone) byHash.set(record.contentHash, [...(byHash.get(record.contentHash) ?? []), record]);
    let rows: DocumentRecord[] = [];
    let added: FolderEvent[] = [];
    const putRows = async (): Promise<void> => {
      await catalog.put(rows);
      for (const event of added) emit(event);
      rows = [];
      added = [];
    };
    let room = LIMITS.documentsPerProjectMax - (list.length === 0 ? 0 : [...catalog.list(projectId)].length);
    for (const found of await hashAll(list)) {
      if (catalog.byPath(projectId, found.filePath) !== undefined) continue;
      const sameInode = byInode.get(found.stat.ino);
      const alike = (byHash.get(found.hash) ?? []).filter(({ id }) => left.has(id));
      const name = nameOf(found.filePath);
      const known =
        sameInode !== undefined && left.has(sameInode.id) && isSameInode(sameInode, found)
          ? sameInode
          : found.stat.size === 0
            ? undefined
            : (alike.find((record) => nameOf(filePathOf(record)) === name) ?? alike[0]);
      if (known !== undefined) {
        left.delete(known.id);
        await renamed(known, found, hasFile);
        continue;
      }
      if (room-- <= 0) {
        leave(found.diskPath, 'too-many');
        continue;
      }
      noteSpelling(found);
      const row = newRow(found, { id: newId<DocumentId>(ids), projectId }, hasFile);
      const moved = twinsOf(catalog, projectId, found.filePath);
      rows.push(row, ...moved);
      added.push({ type: 'added', id: row.id, filePath: found.filePath }, ...moved.map(toRenamed));
      if (rows.length >= BATCH) await putRows();
    }
    if (rows.length > 0) await putRows();
    for (const id of left.keys()) missing(id);
  };

  const missing = (id: DocumentId): void => {
    const record = catalog.get(id);
    if (awaited.has(id) || isClosed || record === undefined || hasNoFileYet(record)) return;
    const cancel = timer.after(BELIEF_MS, () => {
      awaited.delete(id);
      void inTurn(() => believe(id)).catch(() => missing(id));
    });
    awaited.set(id, () => {
      cancel();
      awaited.delete(id);
    });
  };

  const believe = async (id: DocumentId): Promise<void> => {
    const record = catalog.get(id);
    if (record === undefined || record.deletedAt !== undefined || hasNoFileYet(record) || isClosed) return;
    // What cannot be looked at is not believed to be gone.
    const there = await files.stat(diskPathOf(record)).catch(() => 'unknown' as const);
    if (there !== undefined) {
      if (there !== 'unknown') touch(id);
      return;
    }
    const root = await files.stat('').catch(() => undefined);
    if (root === undefined || root.ino !== home) return;
    const now = catalog.get(id);
    if (now === undefined || now.deletedAt !== undefined) return;
    spelledOtherwise.delete(filePathOf(now));
    await catalog.put([{ ...now, deletedAt: new Date(ids.now()).toISOString() }]);
    emit({ type: 'removed', id, filePath: filePathOf(now) });
  };

  const scan = async (signal: AbortSignal): Promise<Walked> => {
    home ??= (await files.stat(''))?.ino;
    const walked = await walk({ files, leave, pause }, { from: '', tag }, signal);
    const { found } = walked;
    const records = [...catalog.list(projectId)];
    isDoubted = walked.isEmpty && records.length > 0;
    if (isDoubted) {
      leave('', 'folder-empty');
      return walked;
    }
    const gone: DocumentRecord[] = [];
    const stale: { readonly record: DocumentRecord; readonly found: Found }[] = [];
    const known = new Set<string>();
    for (const record of records) {
      await pause();
      const hit = found.get(filePathOf(record));
      if (hit === undefined) {
        if (!hasNoFileYet(record)) gone.push(record);
        continue;
      }
      known.add(hit.filePath);
      noteSpelling(hit);
      if (isUnchanged(record, hit)) continue;
      if (record.file !== null && record.file.seq < 0) stale.push({ record, found: hit });
      else touch(record.id);
    }
    await refresh(stale);
    await settleNew(
      [...found.values()].filter(({ filePath }) => !known.has(filePath)),
      gone,
      (filePath) => found.has(filePath),
    );
    return walked;
  };

  /** Documents that nobody opened yet and whose files changed: only their rows. */
  const refresh = async (
    stale: readonly { readonly record: DocumentRecord; readonly found: Found }[],
  ): Promise<void> => {
    const hashed = new Map((await hashAll(stale.map(({ found }) => found))).map((one) => [one.filePath, one]));
    let rows: DocumentRecord[] = [];
    for (const { record, found } of stale) {
      const seen = hashed.get(found.filePath);
      const now = catalog.get(record.id);
      if (seen === undefined || now === undefined || now.deletedAt !== undefined) continue;
      if (now.file !== null && now.file.seq >= 0) {
        touch(now.id);
        continue;
      }
      const { mtimeMs, ino, size } = seen.stat;
      rows.push({
        ...withTitle(now, seen.title),
        sizeBytes: size,
        contentHash: seen.hash,
        updatedAt: new Date(mtimeMs).toISOString(),
        file: { seq: -1, mtimeMs, ino, size, hash: seen.hash },
      });
      if (seen.hash !== now.contentHash) emit({ type: 'changed', id: now.id, filePath: found.filePath });
      if (rows.length < BATCH) continue;
      await catalog.put(rows);
      rows = [];
    }
    if (rows.length > 0) await catalog.put(rows);
  };

  const lookNow = async (paths: readonly string[]): Promise<void> => {
    if (isDoubted || paths.length > PATHS_MAX) {
      await scan(new AbortController().signal);
      return;
    }
    const fresh = new Map<string, Found>();
    const goneFolders = new Set<string>();
    for (const path of new Set(paths)) {
      await pause();
      const there = await files.stat(path).catch(() => undefined);
      const record = catalog.byPath(projectId, path.normalize('NFC'));
      if (record !== undefined) {
        if (there === undefined && diskPathOf(record) !== path) continue;
        touch(record.id);
      } else if (there === undefined) {
        goneFolders.add(path);
      } else if ((await reasonAgainstPath(files, there.kind === 'folder' ? `${path}/x` : path)) === null) {
        if (there.kind === 'folder') {
          const { found } = await walk({ files, leave, pause }, { from: path, tag }, new AbortController().signal);
          for (const [filePath, hit] of found) {
            const known = catalog.byPath(projectId, filePath);
            if (known === undefined) fresh.set(filePath, hit);
            else if (!isUnchanged(known, hit)) touch(known.id);
          }
        } else {
          const hit = await inspect({ files, leave }, path);
          if (hit !== undefined) fresh.set(hit.filePath, hit);
        }
      }
    }
    if (goneFolders.size > 0) touchBelow(goneFolders);
    if (fresh.size === 0) return;
    const gone = await goneFor([...fresh.values()]);
    await settleNew(
      [...fresh.values()],
      gone,
      (filePath) => fresh.has(filePath) || catalog.byPath(projectId, filePath) !== undefined,
    );
  };

  const touchBelow = (folders: ReadonlySet<string>): void => {
    for (const record of catalog.list(projectId)) {
      for (let folder = folderOf(filePathOf(record)); folder !== ''; folder = folderOf(folder)) {
        if (folders.has(folder)) touch(record.id);
      }
    }
  };

  /** Documents whose file is missing and could be one of these. */
  const goneFor = async (list: readonly Found[]): Promise<readonly DocumentRecord[]> => {
    const inodes = new Set(list.map(({ stat }) => stat.ino));
    const sizes = new Set(list.map(({ stat }) => stat.size));
    const gone: DocumentRecord[] = [];
    for (const record of catalog.list(projectId)) {
      if (hasNoFileYet(record)) continue;
      const isAlike = awaited.has(record.id) || inodes.has(record.file?.ino ?? 0) || sizes.has(record.sizeBytes);
      if (isAlike && !(await isThere(record, list))) gone.push(record);
    }
    return gone;
  };

  /** Whether the file is still there under its own name: on a file system without case `A.md` also answers to `a.md`. */
  const isThere = async (record: DocumentRecord, list: readonly Found[]): Promise<boolean> => {
    const path = diskPathOf(record);
    if ((await files.stat(path).catch(() => undefined)) === undefined) return false;
    const isCaseOnly = list.some(
      ({ diskPath }) =>
        diskPath !== path && diskPath.toLowerCase().normalize('NFC') === path.toLowerCase().normalize('NFC'),
    );
    if (!isCaseOnly) return true;
    return (await files.list(folderOf(path))).some(({ name }) => name === nameOf(path));
  };

  return {
    scan: (signal) => inTurn(() => scan(signal)),
    look: (paths) => inTurn(() => lookNow(paths)),
    missing,
    inTurn,
    async believed() {
      if (awaited.size > 0) await wait(timer, BELIEF_MS);
      await turn;
    },
    renamed: (record, filePath) =>
      renamed(record, { filePath, diskPath: filePath }, (other) => catalog.byPath(projectId, other) !== undefined),
    diskPathOf,
    async close() {
      isClosed = true;
      for (const cancel of [...awaited.values()]) cancel();
      await turn;
    },
  };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
