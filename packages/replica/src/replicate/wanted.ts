/**
 * Documents that are to be exchanged with another device, until their turn comes: those that somebody looks at first.
 * One that has come meanwhile from elsewhere is passed over: who joins many devices at once would get all from each.
 */
import type { DeviceId, DocumentId } from '@markco/protocol';

export type Wanted = {
  readonly isEmpty: boolean;
  /** @param digest what the other one has of it, where that is known */
  add(id: DocumentId, digest?: string): void;
  delete(id: DocumentId): void;
  /** The next one, which is none of these any more. */
  next(): DocumentId | undefined;
};

export function createWanted(parts: {
  readonly isSeen: (id: DocumentId) => boolean;
  /** Of what is here now; undefined where it would have to be read. */
  readonly digestNow: (id: DocumentId) => string | undefined;
}): Wanted {
  const waiting = new Map<DocumentId, string | undefined>();

  function first(): DocumentId | undefined {
    for (const id of waiting.keys()) if (parts.isSeen(id)) return id;
    return waiting.keys().next().value;
  }

  return {
    get isEmpty() {
      return waiting.size === 0;
    },
    add: (id, digest) => void waiting.set(id, digest),
    delete: (id) => void waiting.delete(id),
    next() {
      for (let id = first(); id !== undefined; id = first()) {
        const digest = waiting.get(id);
        waiting.delete(id);
        if (digest === undefined || parts.digestNow(id) !== digest) return id;
      }
      return undefined;
    },
  };
}

/** The same, begun at another place for each device: of several that have all, each is asked for others first. */
export function inOrderOf<T>(device: DeviceId, all: readonly T[]): readonly T[] {
  const start = all.length === 0 ? 0 : Number.parseInt(device.slice(-6), 16) % all.length;
  return [...all.slice(start), ...all.slice(0, start)];
}
