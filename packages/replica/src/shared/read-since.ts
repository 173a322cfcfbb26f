/** What other processes wrote of a document since a position. */
import type { DocumentId } from '@markco/protocol';
import { decodeStateRecord, type StateRecord } from '../documents/record.ts';
import { readUpdates, requireWhole, type TailEntry } from '../documents/tail.ts';
import { keyOf } from '../store/key.ts';
import type { Store } from '../store/store.ts';

export type Since = {
  /** Where the updates were compacted before they could be read: a state that has them. */
  readonly state: StateRecord | undefined;
  /** What came after that. */
  readonly entries: readonly TailEntry[];
};

/** @throws Failure `storage_failed` where something is missing */
export async function readSince(store: Store, id: DocumentId, after: number): Promise<Since> {
  // The updates first: what is compacted meanwhile is in the state then.
  const entries = await readUpdates(store, id, after + 1);
  const isWhole = entries.every(({ seq }, at) => seq === after + 1 + at);
  if (isWhole && entries.length > 0) return { state: undefined, entries };
  const row = await store.read(keyOf('s', id));
  const state = row === undefined ? undefined : decodeStateRecord(row);
  const from = Math.max(after, state?.seq ?? 0);
  const rest = requireWhole(
    id,
    from + 1,
    entries.filter(({ seq }) => seq > from),
  );
  return { state: from > after ? state : undefined, entries: rest };
}
