/**
 * Passes on what is appended to a store that is far, before it is written there: who looks on waits for no disk.
 *
 * What comes after a rest goes at once, what comes right after that together with the rest of its turn. Passing on to
 * many takes time, most of it for each message by itself: then as much time goes by before the next, and what comes
 * meanwhile goes together. So a document with a hundred readers takes at most half of the time from all others.
 */
import type { Append } from './log.ts';

const QUIET_MS = 2;
/** What took longer was not passing on, but a machine that had something else to do. */
const REST_MS_MAX = 5;
/** A timer is no more exact. */
const REST_MS_MIN = 0.5;

/** @param isPlaced false when positions may still move */
export function createPassOnFirst(isPlaced: boolean): (append: Append) => void {
  let waiting: Append[] = [];
  let passedOnAt = Number.NEGATIVE_INFINITY;
  let rest = 0;

  function passOn(turn: readonly Append[]): void {
    const began = performance.now();
    for (const append of turn) append.passOn(isPlaced);
    // Documents join what they pass on at the end of the turn, connections write what they were given after that.
    queueMicrotask(() => queueMicrotask(() => note(began)));
  }

  function note(began: number): void {
    passedOnAt = performance.now();
    rest = Math.min(REST_MS_MAX, passedOnAt - began);
  }

  function passOnAll(): void {
    const turn = waiting;
    waiting = [];
    passOn(turn);
  }

  return (append) => {
    const since = performance.now() - passedOnAt;
    if (waiting.length === 0 && since > Math.max(QUIET_MS, rest)) return passOn([append]);
    if (waiting.push(append) > 1) return;
    if (rest - since >= REST_MS_MIN) setTimeout(passOnAll, rest - since);
    else setImmediate(passOnAll);
  };
}
