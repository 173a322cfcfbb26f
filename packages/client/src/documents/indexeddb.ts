/** A browser's own copies, in IndexedDB through `y-indexeddb`: one database a document. */
import { IndexeddbPersistence } from 'y-indexeddb';
import type { Copies } from './copies.ts';

const UNSAVED = 'unsaved-edits';

export function indexedDbCopies(): Copies {
  return {
    keep(documentId, doc) {
      const persistence = new IndexeddbPersistence(`markco-document-${documentId}`, doc);
      let unsaved = 0;
      let noted = 0;
      return {
        loaded: persistence.whenSynced.then(async () => {
          const kept: unknown = await persistence.get(UNSAVED);
          unsaved = noted = typeof kept === 'number' ? kept : 0;
        }),
        unsavedEdits: () => unsaved,
        noteUnsaved(edits) {
          if (edits === noted) return;
          noted = edits;
          // Without it the page says less than it could; the edits themselves are kept apart.
          persistence.set(UNSAVED, edits).catch(() => {});
        },
        close: () => persistence.destroy(),
      };
    },
    isOwn: (origin) => origin instanceof IndexeddbPersistence,
  };
}
