/**
 * A store on a disk that lies as disks do: what was written but not synced may be gone after a power cut, or there
 * in part. It also fails on command. For tests.
 *
 * It models what a log-structured store shows above itself: batches are kept in order, a power cut keeps a prefix of
 * the unsynced ones, and the batch it cut in two is torn, so it is dropped whole.
 */
import type { LocalStore, StoreWrite } from './store.ts';

type Batch = readonly StoreWrite[];

export type SimulatedDisk = {
  readonly store: LocalStore;
  /** The machine loses power: of the unsynced batches the first `keep` survive. */
  cutPower(keep: number): void;
  /** Unsynced batches now. */
  unsynced(): number;
  /** Called before each write; throw to fail it. */
  fail: ((batch: Batch, sync: boolean) => void) | undefined;
  /** Called after each write; throw to fail it though the disk may have it: like a sync that fails. */
  failAfter: ((batch: Batch, sync: boolean) => void) | undefined;
  /** Called to let a write wait, so that a test decides the order of events. */
  delay: (() => Promise<void>) | undefined;
};

export function createSimulatedDisk(): SimulatedDisk {
  let durable = new Map<string, Uint8Array>();
  let current = new Map<string, Uint8Array>();
  let pending: Batch[] = [];

  function put(batch: Batch, sync: boolean): void {
    disk.fail?.(batch, sync);
    apply(current, batch);
    try {
      disk.failAfter?.(batch, sync);
    } catch (cause) {
      pending.push(batch);
      throw cause;
    }
    if (sync) {
      durable = new Map(current);
      pending = [];
    } else {
      pending.push(batch);
    }
  }

  const disk: SimulatedDisk = {
    fail: undefined,
    failAfter: undefined,
    delay: undefined,
    unsynced: () => pending.length,
    cutPower(keep) {
      for (const batch of pending.slice(0, keep)) apply(durable, batch);
      pending = [];
      current = new Map(durable);
    },
    store: {
      get: (key) => current.get(text(key)),
      read: async (key) => current.get(text(key)),
      async write(batch, { sync }) {
        if (disk.delay !== undefined) await disk.delay();
        put(batch, sync);
      },
      writeNow(batch) {
        if (disk.delay !== undefined) return false;
        put(batch, false);
        return true;
      },
      async *range({ gte, lt, reverse = false, limit = Number.POSITIVE_INFINITY }) {
        const keys = [...current.keys()].filter((key) => key >= text(gte) && key < text(lt)).sort();
        if (reverse) keys.reverse();
        for (const key of keys.slice(0, Math.min(keys.length, limit < 0 ? keys.length : limit))) {
          const value = current.get(key);
          if (value !== undefined) yield [bytes(key), value] as const;
        }
      },
      async reopen() {
        disk.fail?.([], true);
      },
      close: async () => {},
    },
  };
  return disk;
}

function apply(map: Map<string, Uint8Array>, batch: Batch): void {
  for (const { key, value } of batch) {
    if (value === null) map.delete(text(key));
    else map.set(text(key), value.slice());
  }
}

function text(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}

function bytes(key: string): Uint8Array {
  return new Uint8Array(Buffer.from(key, 'latin1'));
}
