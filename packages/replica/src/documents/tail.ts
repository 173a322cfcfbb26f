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
  const entries: TailEntry[] = [];
  let next = from;
  for await (const [key, value] of store.range(seqRange('u', id, from))) {
    const records = decodeUpdates(value);
    let seq = seqOf(key) - records.length;
    for (const record of records) {
      seq++;
      if (seq < next) continue;
      if (seq > to) return entries;
      if (seq > next) {
        throw new Failure(
          'storage_failed',
          `The log of document ${id} has a hole. It stays closed so that nothing is overwritten; its file is untouched.`,
        );
      }
      entries.push({ ...record, seq });
      next++;
    }
    if (next > to) return entries;
  }
  return entries;
}
