/** What a message costs whoever takes it in: the price list that all streams between devices share. */

/** What each costs of the purse. */
export const COST = {
  repeat: 1,
  question: 1,
  /** Where a caret is. */
  presence: 1 / 4,
  /** A stream that it opens: fifty a second, four hundred at once. */
  stream: 4,
  /** Something that takes long to answer, or to refuse. */
  heavy: 20,
  /** A message that cannot be read, or is larger than there may be: of a later version perhaps, so not cut at once. */
  unreadable: 200,
  /** What an edit that is new here pays for, of every device. */
  news: 4,
} as const;

const BYTES_OF_ONE = 16 * 1024;

/** What a message of these bytes costs: a large one takes as long to look at as many small ones. */
export const costOf = (cost: number, message: Uint8Array): number => cost + Math.floor(message.length / BYTES_OF_ONE);
