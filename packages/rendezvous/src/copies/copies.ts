/**
 * Copies of the files that documents name, so that they are shown while every device is off.
 *
 *   b file/PROJECT/PATH    which bytes are at a path
 *   b bytes/PROJECT/HASH   the bytes, once for all paths that have them
 *
 * 1. Bytes are what their sha-256 says, or they are not taken.
 * 2. A project has so many bytes at most: at it, what documents have not named for longest goes.
 */
import { Failure, isFilePath, type ProjectId, LIMITS } from '@markco/protocol';
import type { Log } from '@markco/replica/documents/log';
import { pathKey, pathRange } from '@markco/replica/store/key';
import type { Store, StoreWrite } from '@markco/replica/store/store';
import { createHash } from 'node:crypto';

export type Copy = {
  readonly contentHash: string;
  readonly sizeBytes: number;
  /** When a device said last that documents name it; Unix milliseconds. */
  readonly namedAt: number;
};

export type CopiesParts = {
  readonly store: Pick<Store, 'read' | 'range'>;
  readonly log: Pick<Log, 'write'>;
  readonly now: () => number;
  /** Of one project. */
  readonly bytesMax?: number;
};

const PROJECT_BYTES_MAX = 512 * 1024 * 1024;
/** That a file is named again is written down so often. */
const NAMED_MS = 24 * 3_600_000;

export type Copies = ReturnType<typeof createCopies>;

export function createCopies({ store, log, now, bytesMax = PROJECT_BYTES_MAX }: CopiesParts) {
  const fileKey = (id: ProjectId, path: string) => pathKey('b', ['file', id, path]);
  const bytesKey = (id: ProjectId, hash: string) => pathKey('b', ['bytes', id, hash]);
  const fileRow = (id: ProjectId, path: string, copy: Copy): StoreWrite => ({
    key: fileKey(id, path),
    value: new TextEncoder().encode(JSON.stringify(copy)),
  });
  const parse = (row: Uint8Array): Copy => JSON.parse(new TextDecoder().decode(row)) as Copy;
  let changing: Promise<unknown> = Promise.resolve();
  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = changing.catch(() => undefined).then(change);
    changing = done;
    return done;
  }

  async function list(id: ProjectId): Promise<Map<string, Copy>> {
    const prefix = fileKey(id, '').length;
    const found = new Map<string, Copy>();
    for await (const [key, value] of store.range(pathRange('b', ['file', id])))
      found.set(new TextDecoder().decode(key.subarray(prefix)), parse(value));
    return found;
  }

  return {
    list,

    async read(id: ProjectId, path: string): Promise<(Copy & { readonly bytes: Uint8Array }) | undefined> {
      const row = isFilePath(path) ? await store.read(fileKey(id, path)) : undefined;
      if (row === undefined) return undefined;
      const copy = parse(row);
      const bytes = await store.read(bytesKey(id, copy.contentHash));
      return bytes === undefined ? undefined : { ...copy, bytes };
    },

    /** Takes what is here under other names already, and answers whose bytes are wanted. */
    offer: (id: ProjectId, files: readonly ({ readonly path: string } & Omit<Copy, 'namedAt'>)[]) =>
      inTurn(async () => {
        const here = await list(id);
        const hashes = new Set([...here.values()].map(({ contentHash }) => contentHash));
        const wanted: string[] = [];
        const rows: StoreWrite[] = [];
        for (const { path, contentHash, sizeBytes } of files) {
          if (!isFilePath(path) || sizeBytes > LIMITS.copyBytesMax) continue;
          const before = here.get(path);
          if (!hashes.has(contentHash)) wanted.push(path);
          else if (before?.contentHash !== contentHash || now() - before.namedAt > NAMED_MS)
            rows.push(fileRow(id, path, { contentHash, sizeBytes, namedAt: now() }));
        }
        if (rows.length > 0) await log.write(rows);
        return wanted;
      }),

    /** @throws Failure `bad_request` for other bytes than the hash says, and for what is no file of a project */
    put: (id: ProjectId, path: string, contentHash: string, bytes: Uint8Array) =>
      inTurn(async () => {
        if (!isFilePath(path))
          throw new Failure('bad_request', 'This is no name of a file in a project. Nothing was stored.');
        if (createHash('sha256').update(bytes).digest('hex') !== contentHash)
          throw new Failure('bad_request', 'The bytes are not those that the hash is of. Nothing was stored.');
        const after = await list(id);
        const rows: StoreWrite[] = [{ key: bytesKey(id, contentHash), value: bytes }];
        const before = new Set([...after.values()].map((copy) => copy.contentHash));
        after.delete(path);
        // The oldest first, and this one last: it is never the one that goes.
        const inOrder = [...after].toSorted(([, a], [, b]) => a.namedAt - b.namedAt);
        after.set(path, { contentHash, sizeBytes: bytes.length, namedAt: now() });
        rows.push(fileRow(id, path, { contentHash, sizeBytes: bytes.length, namedAt: now() }));
        for (const [oldest] of inOrder) {
          if (bytesOf(after.values()) <= bytesMax && after.size <= LIMITS.copiesMax) break;
          after.delete(oldest);
          rows.push({ key: fileKey(id, oldest), value: null });
        }
        const kept = new Set([...after.values()].map((copy) => copy.contentHash));
        for (const hash of before) if (!kept.has(hash)) rows.push({ key: bytesKey(id, hash), value: null });
        await log.write(rows);
      }),
  };
}

function bytesOf(copies: Iterable<Copy>): number {
  const sizes = new Map([...copies].map(({ contentHash, sizeBytes }) => [contentHash, sizeBytes]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
