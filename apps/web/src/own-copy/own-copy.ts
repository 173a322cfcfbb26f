/**
 * What the page keeps on this device to open without asking anybody: the list of projects, their documents, where one
 * was last. One IndexedDB table of small values. Losing it costs a moment, never work: documents have their own copies.
 *
 * 1. What is read is checked by the schema it was written with; an older shape counts as nothing.
 * 2. Where there is no storage (private windows, quota), reads give nothing and writes are dropped.
 */
import type * as z from 'zod/mini';

export type OwnCopy = {
  read<S extends z.ZodMiniType>(key: string, schema: S): Promise<z.output<S> | undefined>;
  write(key: string, value: unknown): Promise<void>;
  /** Forgets the values whose keys start so, but for those to keep. */
  forget(prefix: string, keep: ReadonlySet<string>): Promise<void>;
};

/** Where nothing is to be kept. */
export const noOwnCopy: OwnCopy = {
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  forget: () => Promise.resolve(),
};

const table = 'values';

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('The browser gave no reason.'));
  });
}

export function createOwnCopy(factory: IDBFactory): OwnCopy {
  let opened: Promise<IDBDatabase> | undefined;
  const database = (): Promise<IDBDatabase> => {
    if (opened === undefined) {
      const request = factory.open('markco-page', 1);
      request.onupgradeneeded = () => request.result.createObjectStore(table);
      opened = settled(request);
    }
    return opened;
  };
  return {
    async read(key, schema) {
      try {
        const value: unknown = await settled((await database()).transaction(table).objectStore(table).get(key));
        const parsed = schema.safeParse(value);
        return parsed.success ? parsed.data : undefined;
      } catch {
        return undefined;
      }
    },
    async write(key, value) {
      try {
        await settled((await database()).transaction(table, 'readwrite').objectStore(table).put(value, key));
      } catch {
        // Invariant 2: the page goes on without its own copy.
      }
    },
    async forget(prefix, keep) {
      try {
        const store = (await database()).transaction(table, 'readwrite').objectStore(table);
        const keys = await settled(store.getAllKeys(IDBKeyRange.bound(prefix, `${prefix}\uffff`)));
        for (const key of keys) if (!keep.has(String(key))) store.delete(key);
      } catch {
        // Invariant 2, and what is forgotten late takes no more than its room.
      }
    },
  };
}
