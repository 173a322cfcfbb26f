/**
 * The bytes of a file that have come so far, beside where it is to be, until all have come and are what they should be.
 *
 * Who begins again reads what is there into the hash, so that nothing has to be remembered of a fetch that was cut off.
 */
import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { fileFailure, folderOf, joinPath, type Files } from '../../files/files.ts';
import { openToWrite } from './inside.ts';
import type { AssetRow } from './row.ts';

const PREFIX = '.markco-asset-';
const SUFFIX = '.part';
const READ_BYTES = 1024 * 1024;

export const isPartOf = (name: string): boolean => name.startsWith(PREFIX) && name.endsWith(SUFFIX);

export function partPath({ path, hash }: Pick<AssetRow, 'path' | 'hash'>): string {
  return joinPath(folderOf(path), `${PREFIX}${(hash ?? '').slice(0, 32)}${SUFFIX}`);
}

export type Part = {
  readonly path: string;
  /** Bytes that are there. */
  readonly length: number;
  /** How often it was begun from nothing: what was read of it before counts no more. */
  readonly beginnings: number;
  /** Fails with `disk_full` and the like; then nothing of these bytes counts. */
  append(pieces: readonly Uint8Array[]): Promise<void>;
  /** Begins again from nothing. */
  empty(): Promise<void>;
  /** On disk when this resolves; sha-256 of all of it, in hexadecimal. When the disk fails it begins from nothing. */
  finish(): Promise<string>;
  close(): Promise<void>;
};

export async function openPart(root: string, files: Files, row: AssetRow): Promise<Part> {
  const path = partPath(row);
  await files.makeFolder(folderOf(path));
  let handle: FileHandle;
  try {
    handle = await openToWrite(root, path);
  } catch (error) {
    throw fileFailure(error, row.path);
  }
  let hash: Hash = createHash('sha256');
  let length = 0;
  let beginnings = 0;
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, length);
    if (bytesRead === 0 || length + bytesRead > row.size) break;
    hash.update(buffer.subarray(0, bytesRead));
    length += bytesRead;
  }
  await handle.truncate(length);
  async function empty(): Promise<void> {
    hash = createHash('sha256');
    length = 0;
    beginnings++;
    await handle.truncate(0);
  }
  return {
    path,
    get length() {
      return length;
    },
    get beginnings() {
      return beginnings;
    },
    async append(pieces) {
      const written = writeAll(handle, pieces, length);
      // While the disk is at it. Of what could not be written no hash is asked for.
      for (const piece of pieces) hash.update(piece);
      try {
        length += await written;
      } catch (error) {
        throw fileFailure(error, row.path);
      }
    },
    empty,
    async finish() {
      try {
        await handle.sync();
      } catch (error) {
        // The system tells of it once. What is read of it from now on may never reach the disk.
        await empty().catch(() => undefined);
        throw fileFailure(error, row.path);
      }
      return hash.copy().digest('hex');
    },
    close: () => handle.close(),
  };
}

/** Answers how many bytes these are. */
async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[], from: number): Promise<number> {
  let left = [...pieces];
  let at = from;
  while (left.length > 0) {
    const { bytesWritten } = await handle.writev(left, at);
    at += bytesWritten;
    let skip = bytesWritten;
    left = left.flatMap((piece) => {
      const rest = piece.subarray(Math.min(skip, piece.length));
      skip -= piece.length - rest.length;
      return rest.length === 0 ? [] : [rest];
    });
  }
  return at - from;
}
