/** Bringing a Y.Doc up to date with updates that were taken in before, so that they are known to be whole. */
import * as Y from 'yjs';

/**
 * Updates in one transaction. What a transaction costs beside its edits (its sets, its events) is more than a typed
 * letter costs; without a bound the list that each edit is searched in would grow until the end.
 */
const TRANSACTION_MAX = 1_000;

export function applyAll(doc: Y.Doc, updates: readonly Uint8Array[]): void {
  for (let from = 0; from < updates.length; from += TRANSACTION_MAX) {
    doc.transact(() => {
      for (const update of updates.slice(from, from + TRANSACTION_MAX)) Y.applyUpdate(doc, update);
    });
  }
}
