/**
 * What two devices tell each other of a project's documents besides their text: names, deletions, and a digest of
 * everything, so that little is said where little differs. Pure.
 *
 * A project is told in three steps, each only where the one before differed: one digest of all; one of each of
 * BUCKETS groups of documents; the rows of the groups that differ.
 */
import { DeviceIdSchema, DocumentIdSchema, type DocumentId, type ProjectId } from '@markco/protocol';
import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import { isLater, type DocumentRecord, type Stamp } from '../documents/document-record.ts';

export const BUCKETS = 256;
const HASH_BYTES = 8;

/** A document as another device is told of it. */
export const RowSchema = z.object({
  id: DocumentIdSchema,
  path: z.string().check(z.maxLength(1_024)),
  ext: z.enum(['.md', '.qmd']),
  createdAt: z.iso.datetime(),
  deletedAt: z.optional(z.iso.datetime()),
  named: z.object({ at: z.int().check(z.nonnegative()), by: DeviceIdSchema }),
  /** Of the text and its history (`digestOf`), in hexadecimal. */
  digest: z.string().check(z.regex(/^[0-9a-f]{16}$/)),
});
export type Row = z.infer<typeof RowSchema>;

/** `known` in rows of before there were stamps: older than any that was given. */
const FIRST_STAMP = { at: 0, by: '00000000-0000-0000-0000-000000000000' } as Stamp;

/** A row that did not change is the same object, so that what was computed of it is not computed again. */
const rows = new WeakMap<DocumentRecord, Row>();

export function rowOf(record: DocumentRecord, digest: string): Row {
  const before = rows.get(record);
  if (before?.digest === digest) return before;
  const { id, path, ext, createdAt, deletedAt, named = FIRST_STAMP } = record;
  const row = { id, path, ext, createdAt, named, digest, ...(deletedAt === undefined ? {} : { deletedAt }) };
  rows.set(record, row);
  return row;
}

/** What has to be done here about a row of another device. */
export type Verdict = {
  /** Whose name, or deletion, counts. */
  readonly names: 'same' | 'theirs' | 'mine';
  /** Whether the texts have to be exchanged; never of what is deleted. */
  readonly texts: boolean;
};

export function compareRow(mine: Row | undefined, theirs: Row): Verdict {
  if (mine === undefined) return { names: 'theirs', texts: theirs.deletedAt === undefined };
  // What was deleted stays deleted, whatever it was called meanwhile: an id is never used again.
  const isGone = [mine, theirs].map(({ deletedAt }) => deletedAt !== undefined);
  if (isGone[0] !== isGone[1]) return { names: isGone[0] === true ? 'mine' : 'theirs', texts: false };
  const names = isLater(theirs.named, mine.named)
    ? 'theirs'
    : isLater(mine.named, theirs.named)
      ? 'mine'
      : // One stamp for two names comes of a fault; every device mends it alike.
        theirs.path > mine.path
        ? 'theirs'
        : theirs.path < mine.path
          ? 'mine'
          : 'same';
  return { names, texts: isGone[0] !== true && mine.digest !== theirs.digest };
}

/** Which group a document is in: by the end of its id, which is random. */
export const bucketOf = (id: DocumentId): number => Number.parseInt(id.slice(-2), 16);

const hashes = new WeakMap<Row, Uint8Array>();

function hashOf(row: Row): Uint8Array {
  const before = hashes.get(row);
  if (before !== undefined) return before;
  const isGone = row.deletedAt !== undefined;
  const text = JSON.stringify([
    row.id,
    row.path,
    row.ext,
    isGone,
    row.named.at,
    row.named.by,
    isGone ? '' : row.digest,
  ]);
  const hash = createHash('sha256').update(text).digest().subarray(0, HASH_BYTES);
  hashes.set(row, hash);
  return hash;
}

/** A digest of each group, HASH_BYTES each, in a row: the same for the same rows in any order. */
export function bucketHashes(all: Iterable<Row>): Uint8Array {
  const buckets = new Uint8Array(BUCKETS * HASH_BYTES);
  for (const row of all) {
    const hash = hashOf(row);
    const at = bucketOf(row.id) * HASH_BYTES;
    for (let i = 0; i < HASH_BYTES; i++) buckets[at + i] = (buckets[at + i] ?? 0) ^ (hash[i] ?? 0);
  }
  return buckets;
}

/** One digest of a whole project. */
export function projectHash(projectId: ProjectId, buckets: Uint8Array): string {
  return createHash('sha256')
    .update(projectId)
    .update(buckets)
    .digest('hex')
    .slice(0, 2 * HASH_BYTES);
}

/** The groups in which two projects differ. */
export function differingBuckets(mine: Uint8Array, theirs: Uint8Array): readonly number[] {
  return Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter((bucket) => {
    const at = bucket * HASH_BYTES;
    for (let i = at; i < at + HASH_BYTES; i++) if (mine[i] !== theirs[i]) return true;
    return false;
  });
}
