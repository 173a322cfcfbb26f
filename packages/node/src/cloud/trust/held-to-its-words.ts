/**
 * What a cloud said that it keeps, to this device and to others of the user, held against what it shows later. Pure but
 * for the clock it is given.
 *
 * 1. What it said is saved it has: a later state that lacks some of it has gone back, or is not the one that others see.
 * 2. A state that is shown within SETTLE_MS of the promise proves nothing: one of several processes may not have heard.
 *    So of what it said of a document the newest that is older than that counts, however often it says more.
 * 3. A writer writes in one document; whoever is met in a second one was put there.
 */
import { reaches, type DeviceId, type DocumentId } from '@markco/protocol';
import type { Clocks } from '@markco/replica/replicate/witness';

/** Longer than it takes the processes of one cloud to hear of each other. */
export const SETTLE_MS = 5_000;
/** Documents of which it is remembered; of more, those heard of last. */
const DOCUMENTS_MAX = 20_000;
const WRITERS_MAX = 200_000;
/** The newest that counts, the next that will, and the last. */
const WORDS_MAX = 3;
/** Programs that begin a document by a fixed id use a small one. */
const RANDOM_FROM = 2 ** 16;

type Said = { readonly clocks: Clocks; readonly at: number };
/** To another device of the user, which may be with another cloud. */
type SaidThere = Said & { readonly to: DeviceId; readonly by: DeviceId };

export type Broken =
  | { readonly what: 'went-back'; readonly id: DocumentId }
  | { readonly what: 'two-faces'; readonly id: DocumentId; readonly to: DeviceId }
  | { readonly what: 'spliced'; readonly id: DocumentId; readonly of: DocumentId };

export type HeldToItsWords = {
  /** It said that it keeps at least this. */
  has(id: DocumentId, clocks: Clocks): void;
  /** A cloud said so to another device, some time ago. */
  hadThere(id: DocumentId, clocks: Clocks, by: DeviceId, to: DeviceId, agoMs: number): Broken | null;
  /** It said that this is all it has. */
  shows(id: DocumentId, clocks: Clocks): Broken | null;
  /** It brings edits of these writers. */
  brings(id: DocumentId, writers: Iterable<number>): Broken | null;
  /** What it said to this device last, and since when. */
  said(): Iterable<readonly [DocumentId, Said]>;
  /** What it had said before this device was started. */
  remember(id: DocumentId, said: Said): void;
  /** It is another one from now on. What was heard of others stays. */
  clear(): void;
};

/** @param cloud the one that this device is with */
export function createHeldToItsWords(now: () => number, cloud: () => DeviceId | undefined): HeldToItsWords {
  /** Oldest first, at most WORDS_MAX of a document. */
  const own = new Map<DocumentId, readonly Said[]>();
  const there = new Map<DocumentId, SaidThere>();
  const shown = new Map<DocumentId, Said>();
  const writers = new Map<number, DocumentId>();

  function keep<T>(into: Map<DocumentId, T>, id: DocumentId, said: T): void {
    into.delete(id);
    into.set(id, said);
    const [oldest] = into.keys();
    if (into.size > DOCUMENTS_MAX && oldest !== undefined) into.delete(oldest);
  }

  function known(id: DocumentId, clocks: Clocks): void {
    for (const client of clocks.keys())
      if (client >= RANDOM_FROM && writers.size < WRITERS_MAX && !writers.has(client)) writers.set(client, id);
  }

  /** Whether the state that it showed last lacks what it said, long enough before. */
  function breaks(id: DocumentId, said: Said): boolean {
    const state = shown.get(id);
    return state !== undefined && state.at >= said.at + SETTLE_MS && !reaches(state.clocks, said.clocks);
  }

  /** With what it says now: what it had said before stands where it says no more, and else counts until that does. */
  function withWord(words: readonly Said[], clocks: Clocks): readonly Said[] {
    const last = words.at(-1);
    if (last !== undefined && reaches(last.clocks, clocks)) return words;
    const settled = words.findLastIndex(({ at }) => now() >= at + SETTLE_MS);
    const kept = words.slice(Math.max(0, settled));
    return [...(kept.length < WORDS_MAX ? kept : kept.slice(0, -1)), { clocks, at: now() }];
  }

  function ownWord(id: DocumentId): Broken | null {
    if (own.get(id)?.some((said) => breaks(id, said)) !== true) return null;
    // Once is enough: what is missing is brought to it.
    own.delete(id);
    return { what: 'went-back', id };
  }

  function wordThere(id: DocumentId): Broken | null {
    const said = there.get(id);
    if (said === undefined || said.by !== cloud() || !breaks(id, said)) return null;
    there.delete(id);
    return { what: 'two-faces', id, to: said.to };
  }

  return {
    has(id, clocks) {
      known(id, clocks);
      keep(own, id, withWord(own.get(id) ?? [], clocks));
    },
    hadThere(id, clocks, by, to, agoMs) {
      keep(there, id, { clocks, at: now() - agoMs, by, to });
      return wordThere(id);
    },
    shows(id, clocks) {
      known(id, clocks);
      keep(shown, id, { clocks, at: now() });
      return ownWord(id) ?? wordThere(id);
    },
    brings(id, of) {
      for (const client of of) {
        const first = writers.get(client);
        if (first !== undefined && first !== id) return { what: 'spliced', id, of: first };
      }
      return null;
    },
    *said() {
      for (const [id, words] of own) {
        const last = words.at(-1);
        if (last !== undefined) yield [id, last];
      }
    },
    remember(id, said) {
      known(id, said.clocks);
      keep(own, id, [said]);
    },
    clear() {
      for (const each of [own, shown, writers]) each.clear();
    },
  };
}
