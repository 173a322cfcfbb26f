/** A document's base and the updates since as one update. */
import * as Y from 'yjs';
import { applyAll } from './apply.ts';

/** Above this many updates it is made by a document that lives for the moment: merging costs their square. */
const MERGED_MAX = 64;

/** Undefined when there is nothing. */
export function stateOf(base: Uint8Array | undefined, tail: readonly Uint8Array[]): Uint8Array | undefined {
  if (tail.length === 0) return base;
  const updates = base === undefined ? tail : [base, ...tail];
  if (updates.length === 1) return updates[0];
  if (tail.length <= MERGED_MAX) return Y.mergeUpdates([...updates]);
  const doc = new Y.Doc({ guid: '' });
  applyAll(doc, updates);
  const state = Y.encodeStateAsUpdate(doc);
  doc.destroy();
  return state;
}
