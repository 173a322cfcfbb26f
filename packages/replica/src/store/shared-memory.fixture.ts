/** For tests: a store in memory that several share, and that lies on purpose. */
import type { Changed, SharedStore } from './shared-store.ts';
import type { KeyRange, StoreWrite } from './store.ts';

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex');
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

export type SharedMemory = {
  open(): SharedStore;
  /** From now on a change may fail although it was taken, or be taken only later. */
  lies: boolean;
};

/** @param random 0 to 1 */
export function createSharedMemory(random: () => number): SharedMemory {
  const rows = new Map<string, Uint8Array>();
  const versions = new Map<string, { version: number; at: number }>();
  let at = 0;
  const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, random() * 3));

  function write(batch: readonly StoreWrite[]): void {
    for (const { key, value } of batch)
      if (value === null) rows.delete(hex(key));
      else rows.set(hex(key), value.slice());
  }

  function take({ guard, batch, touched = [] }: Parameters<SharedStore['commit']>[0][number]): boolean {
    if ((versions.get(hex(guard.key))?.version ?? 0) !== guard.was) return false;
    at++;
    for (const key of [guard.key, ...touched]) versions.set(hex(key), { version: guard.next, at });
    write(batch);
    return true;
  }

  const memory: SharedMemory = {
    lies: false,
    open: () => ({
      async read(key) {
        await later();
        return rows.get(hex(key));
      },
      async write(batch) {
        await later();
        write(batch);
      },
      writeNow: () => false,
      async *range({ gte, lt, reverse = false, limit = -1 }: KeyRange) {
        await later();
        const keys = [...rows.keys()].filter((key) => key >= hex(gte) && key < hex(lt)).toSorted();
        if (reverse) keys.reverse();
        for (const key of limit < 0 ? keys : keys.slice(0, limit)) {
          const value = rows.get(key);
          if (value !== undefined) yield [bytes(key), value] as const;
        }
      },
      async commit(changes) {
        const copy = structuredClone(changes);
        await later();
        const chance = random();
        if (memory.lies && chance < 0.05) {
          // The server takes it up once nobody waits for it any more.
          setTimeout(() => copy.forEach(take), random() * 20);
          throw new Error('the store does not answer');
        }
        const taken = copy.map(take);
        if (memory.lies && chance < 0.1) throw new Error('the answer was lost');
        await later();
        return taken;
      },
      async changes(cursor) {
        await later();
        const since = cursor === null ? at + 1 : Number(cursor);
        const changed: Changed[] = [...versions]
          .filter(([, each]) => each.at >= since)
          .map(([key, { version }]) => ({ key: bytes(key), version, value: rows.get(key) ?? null }));
        // Those that came last come again.
        return { changed, cursor: String(Math.max(0, at - 1)), isAll: true };
      },
      async forget(keys, guard) {
        await later();
        if (versions.get(hex(guard.key))?.version !== guard.version) return;
        for (const key of keys) versions.delete(hex(key));
      },
      async versions(prefix) {
        await later();
        return [...versions]
          .map(([key, { version }]) => ({ key: bytes(key), version }))
          .filter(({ key }) => Buffer.from(key).toString('latin1').startsWith(prefix));
      },
      reopen: later,
      close: later,
    }),
  };
  return memory;
}
