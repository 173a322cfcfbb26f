/**
 * One document's own copy in IndexedDB: `y-indexeddb` writes the edits, this says when they are on disk.
 *
 * `y-indexeddb` opens a transaction for each edit and does not tell how it ended. Transactions that write to the same
 * store run in the order they were opened in, so one of ours, opened after theirs and synced to disk, has ended only
 * when theirs have. Theirs that were given up are heard at the database, where that event bubbles to.
 *
 * 1. An edit is told as kept only after a transaction of ours, opened later, was synced, and no earlier one was lost.
 * 2. When one was lost, ours writes the whole document: what was lost is in it.
 * 3. One transaction of ours is under way at a time. One that failed is tried again after 1 s, then half as often
 *    each time, down to once a minute.
 * 4. Before an edit that the device lacks is in the copy, the copy says so: it can be dropped when it does not.
 *    Each page says so under a key of its own; what dead pages said goes once the device has everything.
 */
import { Failure } from '@markco/protocol';
import { IndexeddbPersistence } from 'y-indexeddb';
import { encodeStateAsUpdate, type Doc, type Transaction } from 'yjs';
import { createFact } from '../fact.ts';
import type { Copy, CopyTrouble, Kept } from './copies.ts';

const UPDATES = 'updates';
const CUSTOM = 'custom';
const UNSAVED = 'unsaved-edits';
/** A copy that cannot be read by then is let go: the device has the document. */
const LOAD_MAX_MS = 5_000;
/** Long enough for the device to answer first: then there is nothing to be said of the copy. */
const WRITE_DELAY_MS = 40;
const TIDY_DELAY_MS = 300;
const SLOW_MS = 1_000;
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 60_000;

/** How many edits pages have noted as unsaved, each under its key. */
export function unsavedIn(database: IDBDatabase): Promise<ReadonlyMap<string, number>> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(CUSTOM);
    const marks = new Map<string, number>();
    transaction.objectStore(CUSTOM).openCursor(IDBKeyRange.bound(UNSAVED, `${UNSAVED}/\uffff`)).onsuccess = (event) => {
      const cursor = (event.target as IDBRequest<IDBCursorWithValue | null>).result;
      if (cursor === null) return;
      const value: unknown = cursor.value;
      if (typeof value === 'number') marks.set(String(cursor.key), value);
      cursor.continue();
    };
    transaction.oncomplete = () => resolve(marks);
    transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB gave no reason.'));
  });
}

export function openIndexedDbCopy(name: string, doc: Doc): Copy {
  const persistence = new IndexeddbPersistence(name, doc);
  const kept = createFact<Kept>({ edits: 0 });
  const ownMark = `${UNSAVED}/${doc.clientID}`;
  let database: IDBDatabase | undefined;
  let isLoaded = false;
  let isLost = false;
  let inherited: ReadonlyMap<string, number> = new Map();
  let inheritedEdits = 0;
  let last = { edits: 0, unsaved: 0 };
  /** What our own mark in the copy says, or is about to say. */
  let marked = 0;
  /** How many edits the device lacked then, those of dead pages too. */
  let noted = 0;
  let isWriting = false;
  const ours = new WeakSet<EventTarget>();
  /** One of theirs was lost: the next of ours writes the whole document. */
  let isTorn = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let slowTimer: ReturnType<typeof setTimeout> | undefined;

  const tell = (edits: number, trouble?: CopyTrouble): void =>
    kept.set(trouble === undefined ? { edits } : { edits, trouble });

  /** It does not answer, or is closed under us: by the browser, or by a tab that drops it. */
  function lose(): void {
    if (isLost) return;
    isLost = true;
    database = undefined;
    clearTimeout(timer);
    clearTimeout(slowTimer);
    tell(kept.get().edits, 'refused');
    // It waits for a database that may never open, and whether it does is of no interest any more.
    persistence.destroy().catch(() => {});
  }

  function begin(durability: IDBTransactionDurability): IDBTransaction | undefined {
    try {
      const transaction = isLoaded ? database?.transaction([UPDATES, CUSTOM], 'readwrite', { durability }) : undefined;
      if (transaction !== undefined) ours.add(transaction);
      return transaction;
    } catch {
      lose();
      return undefined;
    }
  }

  /** Invariant 4. `y-indexeddb` hears of the edit after this, so its transaction comes after ours. */
  const markFirst = (change: Transaction): void => {
    if (!change.local || marked > 0 || (change.changed.size === 0 && change.deleteSet.clients.size === 0)) return;
    const transaction = begin('relaxed');
    if (transaction === undefined) return;
    marked = 1;
    transaction.objectStore(CUSTOM).put(marked, ownMark);
  };

  function mark(custom: IDBObjectStore): void {
    noted = last.unsaved;
    marked = Math.max(0, Math.min(noted, last.edits - inheritedEdits));
    if (marked > 0) custom.put(marked, ownMark);
    else custom.delete(ownMark);
    if (noted > 0) return;
    for (const [key, edits] of inherited) {
      const now = custom.get(key);
      // Another tab may be writing under that key.
      now.addEventListener('success', () => now.result === edits && custom.delete(key));
    }
    inherited = new Map();
  }

  function write(): void {
    timer = undefined;
    const transaction = isWriting ? undefined : begin('strict');
    if (transaction === undefined) return;
    isWriting = true;
    const { edits } = last;
    const isWhole = isTorn;
    if (isWhole) transaction.objectStore(UPDATES).add(encodeStateAsUpdate(doc));
    mark(transaction.objectStore(CUSTOM));
    clearTimeout(slowTimer);
    slowTimer = setTimeout(() => tell(kept.get().edits, kept.get().trouble ?? 'slow'), SLOW_MS);
    transaction.oncomplete = () => {
      done();
      if (isTorn && !isWhole) return later(0);
      isTorn = false;
      failures = 0;
      tell(edits);
      schedule();
    };
    transaction.onabort = () => {
      done();
      fail(transaction);
    };
  }

  function done(): void {
    isWriting = false;
    clearTimeout(slowTimer);
  }

  function fail(transaction: IDBTransaction): void {
    failures++;
    tell(kept.get().edits, transaction.error?.name === 'QuotaExceededError' ? 'full' : 'refused');
    later(Math.min(RETRY_MAX_MS, RETRY_MS * 2 ** (failures - 1)));
  }

  function later(ms: number): void {
    clearTimeout(timer);
    if (database !== undefined) timer = setTimeout(write, ms);
  }

  function schedule(): void {
    // What waits for its next try goes on waiting.
    if (isWriting || failures > 0) return;
    if (isTorn || (last.unsaved > 0 && last.edits > kept.get().edits)) timer ??= setTimeout(write, WRITE_DELAY_MS);
    else if (last.unsaved !== noted || (last.unsaved === 0 && marked > 0)) later(TIDY_DELAY_MS);
  }

  async function load(): Promise<void> {
    const opened = await persistence._db;
    if (isLost) return;
    database = opened;
    opened.addEventListener('abort', ({ target }) => {
      if (target === null || ours.has(target)) return;
      isTorn = true;
      schedule();
    });
    opened.addEventListener('close', lose);
    opened.addEventListener('versionchange', lose);
    // In the same turn as `y-indexeddb` asks for the edits, so that no other tab's come between.
    const marks = await unsavedIn(opened);
    await persistence.whenSynced;
    inherited = marks;
    inheritedEdits = noted = [...marks.values()].reduce((sum, edits) => sum + edits, 0);
    isLoaded = true;
  }

  const loaded = new Promise<void>((resolve, reject) => {
    const giveUp = (cause: unknown): void => {
      lose();
      reject(new Failure('storage_failed', 'This browser does not open its copy of the document.', { cause }));
    };
    const timeout = setTimeout(giveUp, LOAD_MAX_MS);
    load()
      .then(resolve, giveUp)
      .finally(() => clearTimeout(timeout));
  });
  // Whoever cares awaits it; nobody has to.
  loaded.catch(() => {});
  doc.on('afterTransaction', markFirst);

  return {
    loaded,
    unsavedEdits: () => inheritedEdits,
    keep(edits, unsaved) {
      last = { edits, unsaved };
      schedule();
    },
    kept,
    async close() {
      doc.off('afterTransaction', markFirst);
      clearTimeout(timer);
      if (last.unsaved !== noted || (last.unsaved === 0 && marked > 0)) {
        const transaction = begin('relaxed');
        if (transaction !== undefined) mark(transaction.objectStore(CUSTOM));
      }
      isLost = true;
      database = undefined;
      clearTimeout(slowTimer);
      // What was begun is finished before the database is closed.
      await persistence.destroy();
    },
  };
}
