/**
 * A file of a project as devices tell each other of it: which bytes are at a path, since when, or that nothing is any
 * more. Pure.
 *
 * 1. Of two rows of one path the later one counts, by its stamp as with documents' names; every device decides alike.
 * 2. A row names the bytes it took the place of, so that a device can tell what was replaced knowingly from what was
 *    made apart: bytes that nobody replaced knowingly are kept beside under another name.
 */
import { checkDocumentPath, DeviceIdSchema, splitExt } from '@markco/protocol';
import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { isLater } from '@markco/replica/documents/document-record';

const FOLDER = '_assets/';
/** What a page shows besides what is under `_assets`, wherever it is. */
const PICTURE = /\.(?:png|jpe?g|gif|webp|avif|svg)$/i;
/** Bytes that a row took the place of, the newest last. A device that was away for longer keeps what it had beside. */
const REPLACED_MAX = 8;
const GROUPS = 256;
const HASH_BYTES = 8;

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));
export const AssetRowSchema = z.object({
  path: z.string().check(z.maxLength(1_024)),
  /** sha-256 of the bytes in hexadecimal; null: the file was deleted. */
  hash: z.nullable(hash),
  /** Bytes; 0 when it was deleted. */
  size: z.int().check(z.nonnegative()),
  named: z.object({ at: z.int().check(z.nonnegative()), by: DeviceIdSchema }),
  replaced: z.array(hash).check(z.maxLength(REPLACED_MAX)),
});
export type AssetRow = z.infer<typeof AssetRowSchema>;

/** Whether a file of this name may be an asset at all: a relative path in one spelling, no document, not hidden. */
export function isAssetPath(path: string): boolean {
  return checkDocumentPath(path) === path && splitExt(path) === null && (isKept(path) || PICTURE.test(path));
}

/** Whether every device has it without having been asked: what is under `_assets`. */
export const isKept = (path: string): boolean => path.startsWith(FOLDER) && path.length > FOLDER.length;

export function countsOver(theirs: AssetRow, mine: AssetRow | undefined): boolean {
  if (mine === undefined || isLater(theirs.named, mine.named)) return true;
  if (isLater(mine.named, theirs.named)) return false;
  // One stamp for two files comes of a fault; every device mends it alike.
  return (theirs.hash ?? '') > (mine.hash ?? '');
}

/** The row that takes the place of another one here. @param had the bytes that this device had there until now */
export function nextRow(mine: AssetRow | undefined, had: string | null, now: Omit<AssetRow, 'replaced'>): AssetRow {
  const replaced = [...(mine?.replaced ?? []), ...(had === null ? [] : [had])].filter((each) => each !== now.hash);
  return { ...now, replaced: [...new Set(replaced)].slice(-REPLACED_MAX) };
}

/** Where bytes go that were made apart and came second: `a/plot.png` → `a/plot (1f3a9c20).png`, the same everywhere. */
export function besidePath(path: string, contentHash: string): string {
  const at = path.lastIndexOf('.') > path.lastIndexOf('/') + 1 ? path.lastIndexOf('.') : path.length;
  return `${path.slice(0, at)} (${contentHash.slice(0, 8)})${path.slice(at)}`;
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Which group a row is in, 0 to 255. */
export const groupOf = (path: string): number => digestOf(path)[0] ?? 0;

/** A digest of each group, in a row: the same for the same rows in any order. */
export function groupHashes(rows: Iterable<AssetRow>): Uint8Array {
  const hashes = new Uint8Array(GROUPS * HASH_BYTES);
  for (const { path, hash: contentHash, named } of rows) {
    const digest = digestOf(JSON.stringify([path, contentHash, named.at, named.by]));
    const from = groupOf(path) * HASH_BYTES;
    for (let i = 0; i < HASH_BYTES; i++) hashes[from + i] = (hashes[from + i] ?? 0) ^ (digest[i] ?? 0);
  }
  return hashes;
}

/** One digest of a whole list; of an empty one always the same. */
export const listHash = (groups: Uint8Array): string =>
  createHash('sha256')
    .update(groups)
    .digest('hex')
    .slice(0, 2 * HASH_BYTES);

/** The groups in which two lists differ; all of them when `theirs` is no such list. */
export function differingGroups(mine: Uint8Array, theirs: Uint8Array): ReadonlySet<number> {
  const differing = new Set<number>();
  for (let i = 0; i < mine.length; i++) if (mine[i] !== theirs[i]) differing.add(Math.floor(i / HASH_BYTES));
  return differing;
}
