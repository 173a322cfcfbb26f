/**
 * Documents that are to be exchanged with another device, until their turn comes: those that somebody looks at first.
 * One that has come meanwhile from elsewhere is passed over: who joins many devices at once would get all from each.
 */
import type { DeviceId, DocumentId } from '@markco/protocol';

/** Documents that are on their way at once. */
const LOADS_AT_ONCE = 32;

export type Wanted = {
  readonly isEmpty: boolean;
  /** Said again once somebody looks at it. @param digest what the other one has of it, where that is known */
  add(id: DocumentId, digest?: string): void;
  delete(id: DocumentId): void;
  /** The next one; none while as many are on their way as may be. */
  next(): DocumentId | undefined;
  /** One is on its way, on this channel. */
  began(channel: number): void;
  /** It has come, or comes no more. */
  ended(channel: number): void;
};

export function createWanted(parts: {
  readonly isSeen: (id: DocumentId) => boolean;
  /** Of what is here now; undefined where it would have to be read. */
  readonly digestNow: (id: DocumentId) => string | undefined;
}): Wanted {
  const seen = new Map<DocumentId, string | undefined>();
  const others = new Map<DocumentId, string | undefined>();
  const underWay = new Set<number>();

  return {
    get isEmpty() {
      return seen.size + others.size === 0;
    },
    add(id, digest) {
      const comesFirst = seen.has(id) || parts.isSeen(id);
      if (comesFirst) others.delete(id);
      (comesFirst ? seen : others).set(id, digest);
    },
    delete(id) {
      seen.delete(id);
      others.delete(id);
    },
    next() {
      if (underWay.size >= LOADS_AT_ONCE) return undefined;
      for (const waiting of [seen, others])
        for (const [id, digest] of waiting) {
          waiting.delete(id);
          if (digest === undefined || parts.digestNow(id) !== digest) return id;
        }
      return undefined;
    },
    began: (channel) => void underWay.add(channel),
    ended: (channel) => void underWay.delete(channel),
  };
}

/** The same, begun at another place for each device: of several that have all, each is asked for others first. */
export function inOrderOf<T>(device: DeviceId, all: readonly T[]): readonly T[] {
  const start = all.length === 0 ? 0 : Number.parseInt(device.slice(-6), 16) % all.length;
  return [...all.slice(start), ...all.slice(0, start)];
}
