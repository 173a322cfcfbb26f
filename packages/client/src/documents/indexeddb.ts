/** A browser's own copies, in IndexedDB: one database a document, known to other tabs by a lock of the same name. */
import type { DocumentId } from '@markco/protocol';
import { IndexeddbPersistence } from 'y-indexeddb';
import type { Copies } from './copies.ts';
import { openIndexedDbCopy, unsavedIn } from './indexeddb-copy.ts';

const PREFIX = 'markco-document-';
/** Copies looked at in one call of `drop`; the rest waits for the next. */
const LOOKED_AT_MAX = 200;

const settled = (request: IDBOpenDBRequest): Promise<IDBDatabase | undefined> =>
  new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB gave no reason.')));
    // It was dropped meanwhile: it must not be made again by looking.
    request.addEventListener('upgradeneeded', () => request.transaction?.abort());
  });

async function isAllSaved(name: string): Promise<boolean> {
  const database = await settled(indexedDB.open(name)).catch(() => undefined);
  if (database === undefined) return false;
  try {
    const marks = await unsavedIn(database);
    return [...marks.values()].every((edits) => edits === 0);
  } catch {
    return false;
  } finally {
    database.close();
  }
}

export function indexedDbCopies(): Copies {
  // Absent where the page has no secure origin. Nothing is dropped there: another tab may be at work on it.
  const locks = typeof navigator === 'undefined' ? undefined : (navigator.locks as LockManager | undefined);

  async function dropOne(name: string): Promise<boolean> {
    if (!(await isAllSaved(name))) return false;
    await settled(indexedDB.deleteDatabase(name));
    return true;
  }

  return {
    keep(documentId, doc) {
      const name = `${PREFIX}${documentId}`;
      const { promise: closed, resolve: release } = Promise.withResolvers<void>();
      locks?.request(name, { mode: 'shared' }, () => closed).catch(() => {});
      const copy = openIndexedDbCopy(name, doc);
      return { ...copy, close: () => copy.close().finally(release) };
    },
    isOwn: (origin) => origin instanceof IndexeddbPersistence,

    async drop(isWanted, signal) {
      if (locks === undefined || typeof indexedDB === 'undefined' || !('databases' in indexedDB)) return 0;
      let dropped = 0;
      let looked = 0;
      for (const { name = '' } of await indexedDB.databases()) {
        if (!name.startsWith(PREFIX) || isWanted(name.slice(PREFIX.length) as DocumentId)) continue;
        if (signal.aborted || ++looked > LOOKED_AT_MAX) break;
        const gone = await locks.request(name, { ifAvailable: true }, (lock) =>
          lock === null ? false : dropOne(name).catch(() => false),
        );
        if (gone) dropped++;
      }
      return dropped;
    },
  };
}
