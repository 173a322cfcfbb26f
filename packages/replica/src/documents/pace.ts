/**
 * How many edits are waited for before they are passed on together. Pure, but for the clock that it is given.
 *
 * Whoever writes without a pause goes on as others hear of it, and so do those who answer them. So as many are waited
 * for as went together the last time, and now and then for one more, ever more seldom while that one does not come. Where
 * fewer come, they go once passing on might have been done twice over, and the next time one fewer is waited for. Who writes
 * after a rest waits for nobody.
 */
const QUIET_MS = 2;
/**
 * Passing on to fewer is not worth waiting for. Not by the time that it takes: a process that has only a share of the
 * machine is stopped within it, and many documents with a reader each take long and get no cheaper.
 */
export const READERS_MANY = 32;
/** A timer is no more exact; and what took longer was a machine that had something else to do. */
const [WAIT_MS_MIN, WAIT_MS_MAX] = [1, 5];
/** So many waits long without an edit are a rest. */
const RESTS = 4;
/** So often what came together last time is enough, before one more is waited for: at first, and where it never comes. */
const [STEADY, STEADY_MAX] = [16, 512];
/** More at once are no cheaper. */
const TOGETHER_MAX = 64;

export type Pace = {
  /** Whether what comes now comes after a rest. */
  isQuiet(): boolean;
  /** For how many milliseconds so many have to wait for others; 0: for the rest of their turn. */
  waits(count: number): number;
  /** So many go together. */
  goes(count: number): void;
  /** They have gone, which began at this time, each to no more than so many. */
  took(began: number, readers: number): void;
};

export function createPace(now: () => number): Pace {
  let expected = 1;
  let steady = 0;
  let patience = STEADY;
  let isTrying = false;
  /** In milliseconds, where there were many to pass on to. */
  let lasted: number | undefined;
  let passedAt = Number.NEGATIVE_INFINITY;
  const wait = (): number => (lasted === undefined ? 0 : Math.min(WAIT_MS_MAX, Math.max(WAIT_MS_MIN, 2 * lasted)));

  return {
    isQuiet() {
      const isQuiet = now() - passedAt > Math.max(QUIET_MS, RESTS * wait());
      if (isQuiet) [expected, steady, patience, isTrying] = [1, 0, STEADY, false];
      return isQuiet;
    },
    waits: (count) => (count >= expected ? 0 : wait()),
    goes(count) {
      if (count < expected) {
        if (isTrying) patience = Math.min(STEADY_MAX, 2 * patience);
        [expected, steady, isTrying] = [Math.max(count, expected - 1), patience, false];
        return;
      }
      if (isTrying) patience = STEADY;
      isTrying = --steady < 0;
      expected = Math.min(TOGETHER_MAX, isTrying ? count + 1 : count);
    },
    took(began, readers) {
      passedAt = now();
      lasted = readers < READERS_MANY ? undefined : passedAt - began;
    },
  };
}
