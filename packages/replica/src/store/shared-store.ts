/**
 * A store that several processes write to at once. None of them leads: each change names the version that it builds
 * on, and is taken only where that is still the version.
 *
 *   u doc[16]       how long the log of a document is
 *   s doc[16]       up to where it is compacted
 *   c project[16]   how often the rows of its documents were changed; `d doc`, `p project` and `m name` say when each was
 *   c               how often the list of projects was
 *   n path          see `agents/run-rows.ts` of the rendezvous
 *
 * Invariants, which `shared-store.contract.ts` shows for every kind
 * 1. Of two changes that build on one version one is taken, and each of a change or nothing.
 * 2. Whoever asks for changes again and again with the cursor of the answer before misses none, however late the
 *    process that made it was told so. The same change may come twice.
 */
import type { Store, StoreWrite } from './store.ts';

/** `was` is 0 where nothing was said of the key yet. */
export type Guard = { readonly key: Uint8Array; readonly was: number; readonly next: number };

export type Change = {
  readonly guard: Guard;
  readonly batch: readonly StoreWrite[];
  /** Rows that others are to read anew. */
  readonly touched?: readonly Uint8Array[];
};

export type Changed = {
  readonly key: Uint8Array;
  readonly version: number;
  /** Of a row of the catalog, a project or a name as it is now. */
  readonly value: Uint8Array | null;
};

export type Changes = { readonly changed: readonly Changed[]; readonly cursor: string; readonly isAll: boolean };

export type SharedStore = Store & {
  /**
   * Which of the changes were taken; no two are of one key. One that rejects may have been taken or not, and may be yet.
   */
  commit(changes: readonly Change[]): Promise<readonly boolean[]>;
  /** What changed since, or a part of it; from null on nothing but where to begin. */
  changes(cursor: string | null): Promise<Changes>;
  /** Takes back what was said of the versions of these keys, which begin anew, while another key has this version. */
  forget(keys: readonly Uint8Array[], guard: { readonly key: Uint8Array; readonly version: number }): Promise<void>;
  /** The versions of all keys that begin with this: a letter, or a letter and a path. */
  versions(prefix: string): Promise<readonly Omit<Changed, 'value'>[]>;
};
