import 'fake-indexeddb/auto';
import { newId, type DocumentId } from '@markco/protocol';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as Y from 'yjs';
import type { Fact } from '../fact.ts';
import type { Copy, Kept } from './copies.ts';
import { indexedDbCopies } from './indexeddb.ts';

const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
const newDocument = (): DocumentId => newId<DocumentId>({ now: () => 1_000, randomBytes });
const soon = (): AbortSignal => AbortSignal.timeout(5_000);

/** Resolves once the fact is so. */
function becomes<T>(fact: Fact<T>, isSo: (value: T) => boolean): Promise<T> {
  return new Promise((resolve, reject) => {
    const signal = soon();
    const look = (): void => {
      if (!isSo(fact.get())) return;
      stop();
      resolve(fact.get());
    };
    const stop = fact.subscribe(look);
    signal.addEventListener('abort', () => reject(new Error(`It stays ${JSON.stringify(fact.get())}.`)));
    look();
  });
}

const keptUpTo = (copy: Copy, edits: number): Promise<Kept> => becomes(copy.kept, (kept) => kept.edits >= edits);

async function opened(id: DocumentId): Promise<{ readonly doc: Y.Doc; readonly text: Y.Text; readonly copy: Copy }> {
  const doc = new Y.Doc();
  const copy = indexedDbCopies().keep(id, doc);
  await copy.loaded;
  return { doc, text: doc.getText('content'), copy };
}

const isThere = async (id: DocumentId): Promise<boolean> =>
  (await indexedDB.databases()).some(({ name }) => name === `markco-document-${id}`);

type Write = { readonly stores: readonly string[]; readonly transaction: IDBTransaction };
const { transaction: begin } = IDBDatabase.prototype;
const { add, put } = IDBObjectStore.prototype;

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

afterEach(() => {
  Object.assign(IDBDatabase.prototype, { transaction: begin });
  Object.assign(IDBObjectStore.prototype, { add, put });
});

/** Gives up transactions that this picks, after their first write and for want of room. Answers those it saw. */
function withoutRoom(isPicked: (write: Write) => boolean): Write[] {
  const seen: Write[] = [];
  const spoil = (store: IDBObjectStore, request: IDBRequest<IDBValidKey>): IDBRequest<IDBValidKey> => {
    const { transaction } = store;
    const write = { stores: [...transaction.objectStoreNames], transaction };
    if (!seen.some((other) => other.transaction === transaction)) seen.push(write);
    if (isPicked(write))
      request.addEventListener('success', () => {
        Object.defineProperty(transaction, 'error', { value: new DOMException('No room.', 'QuotaExceededError') });
        transaction.abort();
      });
    return request;
  };
  Object.assign(IDBObjectStore.prototype, {
    add(this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
      return spoil(this, key === undefined ? add.call(this, value) : add.call(this, value, key));
    },
    put(this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
      return spoil(this, put.call(this, value, key));
    },
  });
  return seen;
}

const isTheirs = ({ stores }: Write): boolean => stores.length === 1;

test('an edit is kept once a transaction opened after its own has ended, and is read again with how many were unsaved', async () => {
  const id = newDocument();
  const first = await opened(id);
  first.text.insert(0, 'typed');
  first.copy.keep(1, 1);
  expect(first.copy.kept.get()).toEqual({ edits: 0 });
  await keptUpTo(first.copy, 1);
  // As if the page were killed: nothing is closed, nothing noted any more.
  const second = await opened(id);
  expect(second.text.toString()).toBe('typed');
  expect(second.copy.unsavedEdits()).toBe(1);
  await second.copy.close();
  await first.copy.close();
});

test('edits made while one is being written are kept by the next write, one at a time', async () => {
  const id = newDocument();
  const { text, copy } = await opened(id);
  const writes = withoutRoom(() => false);
  let open = 0;
  let most = 0;
  Object.assign(IDBDatabase.prototype, {
    transaction(this: IDBDatabase, ...input: Parameters<typeof begin>) {
      const transaction = begin.apply(this, input);
      if (input[2]?.durability === 'strict') {
        most = Math.max(most, ++open);
        transaction.addEventListener('complete', () => open--);
      }
      return transaction;
    },
  });
  for (let edit = 1; edit <= 50; edit++) {
    text.insert(0, 'x');
    copy.keep(edit, edit);
  }
  await keptUpTo(copy, 50);
  expect(most).toBe(1);
  expect(writes.filter((write) => !isTheirs(write)).length).toBeLessThanOrEqual(3);
  await copy.close();
});

test('an edit whose own transaction was given up is not told as kept before the whole document is', async () => {
  const id = newDocument();
  const { text, copy } = await opened(id);
  const told: Kept[] = [];
  copy.kept.subscribe((kept) => told.push(kept));
  let lost = 0;
  withoutRoom((write) => isTheirs(write) && ++lost === 1);
  text.insert(0, 'lost ');
  copy.keep(1, 1);
  text.insert(5, 'and found');
  copy.keep(2, 2);
  await keptUpTo(copy, 2);
  expect(lost).toBeGreaterThan(0);
  expect(told.map(({ edits }) => edits)).toEqual([2]);
  const again = await opened(id);
  expect(again.text.toString()).toBe('lost and found');
  await again.copy.close();
  await copy.close();
});

test('without room it says so and claims nothing, tries again by itself, and keeps everything once there is room', async () => {
  const id = newDocument();
  const { text, copy } = await opened(id);
  let isFull = true;
  const writes = withoutRoom(() => isFull);
  text.insert(0, 'a');
  copy.keep(1, 1);
  await becomes(copy.kept, ({ trouble }) => trouble === 'full');
  expect(copy.kept.get()).toEqual({ edits: 0, trouble: 'full' });
  const tries = (): number => writes.filter((write) => !isTheirs(write)).length;
  const before = tries();
  for (let edit = 2; edit <= 20; edit++) {
    text.insert(0, 'b');
    copy.keep(edit, edit);
  }
  expect(tries()).toBe(before);
  isFull = false;
  await keptUpTo(copy, 20);
  expect(copy.kept.get()).toEqual({ edits: 20 });
  const again = await opened(id);
  expect(again.text.length).toBe(20);
  await again.copy.close();
  await copy.close();
});

test('a copy that another tab takes away says that it keeps nothing any more, and typing goes on', async () => {
  const id = newDocument();
  const { text, copy } = await opened(id);
  const gone = Promise.withResolvers<void>();
  indexedDB.deleteDatabase(`markco-document-${id}`).addEventListener('success', () => gone.resolve());
  await becomes(copy.kept, ({ trouble }) => trouble === 'refused');
  await gone.promise;
  text.insert(0, 'a');
  copy.keep(1, 1);
  expect(text.toString()).toBe('a');
  expect(copy.kept.get()).toEqual({ edits: 0, trouble: 'refused' });
  await copy.close();
});

test('what a dead page had not saved counts until the device has everything, then no more', async () => {
  const id = newDocument();
  const dead = await opened(id);
  dead.text.insert(0, 'two');
  dead.copy.keep(2, 2);
  await keptUpTo(dead.copy, 2);
  const next = await opened(id);
  expect(next.copy.unsavedEdits()).toBe(2);
  next.text.insert(0, 'three ');
  next.copy.keep(3, 3);
  await keptUpTo(next.copy, 3);
  const third = await opened(id);
  expect(third.copy.unsavedEdits()).toBe(3);
  await third.copy.close();
  next.copy.keep(3, 0);
  await next.copy.close();
  const last = await opened(id);
  expect(last.copy.unsavedEdits()).toBe(0);
  await last.copy.close();
  await dead.copy.close();
});

test('that the device lacks an edit is in the copy before the edit is', async () => {
  const { text, copy } = await opened(newDocument());
  const writes = withoutRoom(() => false);
  text.insert(0, 'a');
  copy.keep(1, 1);
  expect(writes.map(({ stores }) => stores)).toEqual([['custom', 'updates'], ['updates']]);
  text.insert(0, 'b');
  copy.keep(2, 2);
  expect(writes.slice(2).map(({ stores }) => stores)).toEqual([['updates']]);
  await copy.close();
});

test('copies that nobody wants are dropped, but none that is open, and none with an edit that the device lacks', async () => {
  const [wanted, unwanted, open, unsaved] = [newDocument(), newDocument(), newDocument(), newDocument()];
  for (const id of [wanted, unwanted, unsaved]) {
    const { text, copy } = await opened(id);
    text.insert(0, 'text');
    copy.keep(1, id === unsaved ? 1 : 0);
    await copy.close();
  }
  const held = await opened(open);
  const copies = indexedDbCopies();
  const left = (): Promise<boolean[]> => Promise.all([wanted, unwanted, open, unsaved].map(isThere));
  expect(await copies.drop((id) => id === wanted, AbortSignal.abort())).toBe(0);
  expect(await left()).toEqual([true, true, true, true]);
  expect(await copies.drop((id) => id === wanted, soon())).toBe(1);
  expect(await left()).toEqual([true, false, true, true]);
  await held.copy.close();
  await expect.poll(() => copies.drop((id) => id === wanted, soon())).toBe(1);
  expect(await left()).toEqual([true, false, false, true]);
});
