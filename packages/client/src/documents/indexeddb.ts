/** A browser's own copies, in IndexedDB through `y-indexeddb`: one database a document. */
import { IndexeddbPersistence } from 'y-indexeddb';
import type { Copies } from './copies.ts';

export function indexedDbCopies(): Copies {
  return {
    keep(documentId, doc) {
      const persistence = new IndexeddbPersistence(`markco-document-${documentId}`, doc);
      return {
        loaded: persistence.whenSynced.then(() => undefined),
        close: () => persistence.destroy(),
      };
    },
    isOwn: (origin) => origin instanceof IndexeddbPersistence,
  };
}
