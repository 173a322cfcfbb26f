/**
 * Channels that were closed because nobody had used them for a while. The other one may have said something on one of them
 * before it heard of that: then its document is exchanged again, as nobody would tell of it a second time.
 */
import type { DocumentId } from '@markco/protocol';

/** Of more, those that were closed last. */
const RESTED_MAX = 1_000;

export type Rested = {
  note(channel: number, id: DocumentId): void;
  /** Whether what comes on this channel was on its way when it was closed. True once of each. */
  wakes(channel: number): boolean;
};

export function createRested(want: (id: DocumentId) => void): Rested {
  const rested = new Map<number, DocumentId>();
  return {
    note(channel, id) {
      rested.set(channel, id);
      const [oldest] = rested.keys();
      if (rested.size > RESTED_MAX && oldest !== undefined) rested.delete(oldest);
    },
    wakes(channel) {
      const id = rested.get(channel);
      if (id === undefined) return false;
      rested.delete(channel);
      want(id);
      return true;
    },
  };
}
