/**
 * Ordered bytes that last: the one interface below everything a replica remembers.
 *
 * Invariants, which `store.contract.ts` shows for every kind
 * 1. A batch is all or nothing, also across a crash.
 * 2. When `write` resolves, or `writeNow` is true, the process may be killed and the batch is there. With `sync`, or where it is far, the power may fail.
 * 3. A write is durable no later than one that was asked for after it.
 */
export type StoreWrite =
  | { readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly key: Uint8Array; readonly value: null };

export type KeyRange = {
  readonly gte: Uint8Array;
  readonly lt: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
};

export type Store = {
  /** On another machine: each write is synced when it resolves, and takes its way there. */
  readonly isFar?: true;
  /** A missing key is undefined. */
  read(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** A `null` value removes the key. Rejects with what the disk said; then nothing of the batch may be relied on. */
  write(batch: readonly StoreWrite[], options: { readonly sync: boolean }): Promise<void>;
  /**
   * An unsynced `write` that is done when this returns, in the turn it is asked for. False where nothing was written,
   * because other writes come first or it has to wait: then `write` it. Throws as that rejects.
   */
  writeNow(batch: readonly StoreWrite[]): boolean;
  range(range: KeyRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** Closes and opens again, reading back what is really on disk. Rejects while the disk refuses. */
  reopen(): Promise<void>;
  close(): Promise<void>;
};

/** A store on a disk of this machine. */
export type LocalStore = Store & {
  /** Reads at once; a missing key is undefined. */
  get(key: Uint8Array): Uint8Array | undefined;
};
