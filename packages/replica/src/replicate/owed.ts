/**
 * What the other device of a channel gets from a third one itself, which both are connected to (`links.ts`).
 *
 * It is not passed on then. Each says to the other what has come to its disk that way, a moment later and for many
 * edits at once; what is not said in time is passed on after all. So an edit goes to each device once, and a
 * connection that is half open costs a moment and no edit.
 */
import {
  absorb,
  decodeSummary,
  emptySummary,
  encodeSummary,
  includes,
  type DeviceId,
  type News,
  type Summary,
} from '@markco/protocol';

/** What came meanwhile is said together. */
const SAY_MS = 250;
/** What is owed for longer than one of these, and less than two, is passed on. */
const OWED_MS = 1_000;
/** Of how many writers it is remembered what the other device has; of more it is forgotten, and passed on at worst. */
const WRITERS_MAX = 1_000;

/** Since before which position of the room. */
type Owed = { readonly summary: Summary; readonly from: number };

export type Owing = {
  /** True when the other one gets it from there. */
  hears(from: DeviceId, news: News, seq: number): boolean;
  /** The other device says what it has. Throws when it cannot be read. */
  heard(summary: Uint8Array): void;
  /** Nothing is owed. */
  readonly isClear: boolean;
  end(): void;
};

export function createOwing(parts: {
  readonly isLinked: (from: DeviceId) => boolean;
  /** Says what is on the disk here. */
  readonly say: (summary: Uint8Array) => void;
  /** Passes on everything since a position. */
  readonly passOn: (seq: number) => void;
  /** Nothing is owed any more. */
  readonly cleared: () => void;
}): Owing {
  let theirs = emptySummary();
  let news: Summary | null = null;
  let older: Owed | null = null;
  let newer: Owed | null = null;
  let saying: NodeJS.Timeout | undefined;
  let owing: NodeJS.Timeout | undefined;

  const lacks = (owed: Owed | null): Owed | null => (owed === null || includes(theirs, owed.summary) ? null : owed);

  function say(): void {
    saying = undefined;
    if (news !== null) parts.say(encodeSummary(news));
    news = null;
  }

  function turn(): void {
    owing = undefined;
    const late = older;
    [older, newer] = late === null ? [newer, null] : [null, null];
    if (late !== null) parts.passOn(late.from);
    if (older !== null) owing = setTimeout(turn, OWED_MS).unref();
    else parts.cleared();
  }

  return {
    hears(from, found, seq) {
      if (!parts.isLinked(from)) return false;
      absorb((news ??= emptySummary()), found);
      saying ??= setTimeout(say, SAY_MS).unref();
      if (includes(theirs, found)) return true;
      absorb((newer ??= { summary: emptySummary(), from: seq - 1 }).summary, found);
      owing ??= setTimeout(turn, OWED_MS).unref();
      return true;
    },
    heard(bytes) {
      if (theirs.clocks.size > WRITERS_MAX) theirs = emptySummary();
      absorb(theirs, decodeSummary(bytes));
      [older, newer] = [lacks(older), lacks(newer)];
      if (older !== null || newer !== null) return;
      clearTimeout(owing);
      owing = undefined;
      parts.cleared();
    },
    get isClear() {
      return older === null && newer === null;
    },
    end() {
      clearTimeout(saying);
      clearTimeout(owing);
    },
  };
}
