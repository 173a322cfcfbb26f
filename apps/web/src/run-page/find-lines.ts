/** Finds a text in all lines of a log, a slice at a time, so that the page goes on meanwhile. */
import type { RunLog } from './run-log.ts';

export type Found = {
  /** Numbers of the lines, counted in the whole. */
  readonly lines: readonly number[];
  /** There are more than are listed. */
  readonly more: boolean;
  readonly done: boolean;
};

const FOUND_MAX = 10_000;
const SLICE_MS = 12;
/** Lines looked at between two looks at the clock. */
const STRIDE = 500;

export type Finder = { readonly found: Found; stop(): void; goOn(): void };

/**
 * @param onFound told after each slice
 * @param later does the next slice: a timer in a page
 */
export function findLines(
  log: RunLog,
  needle: string,
  onFound: (found: Found) => void,
  later: (work: () => void) => () => void,
  now: () => number = () => performance.now(),
): Finder {
  const wanted = needle.toLowerCase();
  const lines: number[] = [];
  let next = 0;
  let cancel: (() => void) | undefined;
  const finder = {
    found: { lines, more: false, done: false } as Found,
    stop: (): void => cancel?.(),
    /** More lines have come. */
    goOn(): void {
      cancel ??= later(slice);
    },
  };

  function slice(): void {
    cancel = undefined;
    const until = now() + SLICE_MS;
    next = Math.max(next, log.dropped);
    // The last line may still be written: it is looked at again with the next.
    for (; next < log.dropped + log.length && lines.length < FOUND_MAX; next++) {
      if (next % STRIDE === 0 && now() > until) break;
      if (
        log
          .plain(next - log.dropped)
          .toLowerCase()
          .includes(wanted) &&
        lines.at(-1) !== next
      )
        lines.push(next);
    }
    const done = next >= log.dropped + log.length || lines.length >= FOUND_MAX;
    finder.found = { lines, more: lines.length >= FOUND_MAX, done };
    if (done) next = Math.max(0, next - 1);
    else cancel = later(slice);
    onFound(finder.found);
  }

  finder.goOn();
  return finder;
}
