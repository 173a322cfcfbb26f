/**
 * The updates of a document that are not compacted yet, read back from the log.
 *
 * Rows may overlap: what a failed disk may or may not have taken is written again, in other rows. The first one of a
 * position counts; both say the same.
 */
import { Failure, type DocumentId } from '@markco/protocol';
import { seqOf, seqRange } from '../store/key.ts';
import type { Store } from '../store/store.ts';
import { decodeUpdates, type UpdateRecord } from './record.ts';

export type TailEntry = UpdateRecord & { readonly seq: number };

/** The updates `from` to `to`, both included, without a hole. Fewer when the log ends before `to`. */
export async function readTail(
  store: Store,
  id: DocumentId,
  from: number,
  to = Number.MAX_SAFE_INTEGER - 1,
): Promise<TailEntry[]> {
  return requireWhole(id, from, await readUpdates(store, id, from, to));
}

/** What there is from `from` to `to`, in order. */
export async function readUpdates(
  store: Store,
  id: DocumentId,
  from: number,
  to = Number.MAX_SAFE_INTEGER - 1,
): Promise<TailEntry[]> {
  const entries: TailEntry[] = [];
  let next = from;
  for await (const [key, value] of store.range(seqRange('u', id, from))) {
    const records = decodeUpdates(value);
    let seq = seqOf(key) - records.length;
    for (const record of records) {
      seq++;
      if (seq < next) continue;
      if (seq > to) return entries;
      entries.push({ ...record, seq });
      next = seq + 1;
    }
    if (next > to) return entries;
  }
  return entries;
}

/** @throws Failure `storage_failed` where one is missing */
export function requireWhole(id: DocumentId, from: number, entries: TailEntry[]): TailEntry[] {
  const last = entries.at(-1);
  if (last === undefined || (entries[0]?.seq === from && last.seq - from + 1 === entries.length)) return entries;
  throw new Failure(
    'storage_failed',
    `The log of document ${id} has a hole. It stays closed so that nothing is overwritten; its file is untouched.`,
  );
}
