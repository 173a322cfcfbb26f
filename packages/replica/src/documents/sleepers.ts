/**
 * Who has a document open that is not loaded: what they have is what was here when it was given back, so it is not
 * loaded for them until something happens to it. Who comes back with thousands of documents waits for none of them.
 */
import { sameBytes, type DocumentId, type Failure } from '@markco/protocol';

export type Sleeper = {
  /** The document is loaded, or is not what it was. */
  wake(): void;
  refuse(failure: Failure): void;
};

/** Documents of which it is remembered what they were; of more, the latest. */
const RESTING_MAX = 50_000;

export type Sleepers = ReturnType<typeof createSleepers>;

export function createSleepers() {
  const resting = new Map<DocumentId, Uint8Array>();
  const sleepers = new Map<DocumentId, Set<Sleeper>>();

  return {
    /** It is given back, all of it durable. */
    rests(id: DocumentId, digest: Uint8Array): void {
      resting.delete(id);
      resting.set(id, digest);
      const [oldest] = resting.keys();
      if (resting.size > RESTING_MAX && oldest !== undefined) resting.delete(oldest);
    },

    /** It is loaded, or another process has changed it. */
    stirs(id: DocumentId): void {
      resting.delete(id);
      const waking = sleepers.get(id);
      sleepers.delete(id);
      for (const each of waking ?? []) each.wake();
    },

    /** Whether it is known to be this without being loaded. */
    restsAt(id: DocumentId, digest: Uint8Array): boolean {
      const known = resting.get(id);
      return known !== undefined && sameBytes(known, digest);
    },

    add(id: DocumentId, sleeper: Sleeper): void {
      const known = sleepers.get(id);
      if (known === undefined) sleepers.set(id, new Set([sleeper]));
      else known.add(sleeper);
    },

    delete(id: DocumentId, sleeper: Sleeper): void {
      const known = sleepers.get(id);
      known?.delete(sleeper);
      if (known?.size === 0) sleepers.delete(id);
    },

    refuse(id: DocumentId, failure: Failure): void {
      for (const each of [...(sleepers.get(id) ?? [])]) each.refuse(failure);
    },
  };
}
