/**
 * Edits of documents that nobody looks at, which the other device of a stream gets from their writer itself: nothing is
 * said of them here, and no channel opened. Once that is over for QUIET_MS, or has gone on for LONG_MS, the two compare
 * what they have in one message (`rows.ts`), and exchange what did not arrive after all.
 */
const QUIET_MS = 5_000;
const LONG_MS = 30_000;

export function createRelied(compare: () => void): { note(): void; end(): void } {
  let quiet: NodeJS.Timeout | undefined;
  let long: NodeJS.Timeout | undefined;

  function end(): void {
    clearTimeout(quiet);
    clearTimeout(long);
    quiet = long = undefined;
  }

  function over(): void {
    end();
    compare();
  }

  return {
    note() {
      long ??= setTimeout(over, LONG_MS).unref();
      if (quiet === undefined) quiet = setTimeout(over, QUIET_MS).unref();
      else quiet.refresh();
    },
    end,
  };
}
