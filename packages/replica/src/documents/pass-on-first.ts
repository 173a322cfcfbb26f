/**
 * Passes on what is appended to a store that is far, before it is written there: who looks on waits for no disk.
 *
 * What comes after a rest goes at once, what comes right after that together with the rest of its turn. Passing on to
 * many takes time, most of it for each message by itself, so there what comes meanwhile goes together (`pace.ts`).
 */
import type { Append } from './log.ts';
import { createPace } from './pace.ts';

/** @param isPlaced false when positions may still move */
export function createPassOnFirst(isPlaced: boolean): (append: Append) => void {
  let waiting: Append[] = [];
  let next: NodeJS.Immediate | undefined;
  let late: NodeJS.Timeout | undefined;
  const pace = createPace(() => performance.now());

  function passOn(turn: readonly Append[]): void {
    const began = performance.now();
    let readers = 0;
    for (const append of turn) {
      append.passOn(isPlaced);
      readers = Math.max(readers, append.readers);
    }
    // Documents join what they pass on at the end of the turn, connections write what they were given after that.
    queueMicrotask(() => queueMicrotask(() => pace.took(began, readers)));
  }

  function passOnAll(): void {
    clearImmediate(next);
    clearTimeout(late);
    next = late = undefined;
    const turn = waiting;
    waiting = [];
    pace.goes(turn.length);
    passOn(turn);
  }

  return (append) => {
    if (waiting.length === 0 && pace.isQuiet()) return passOn([append]);
    const wait = pace.waits(waiting.push(append));
    if (wait === 0) next ??= setImmediate(passOnAll);
    else late ??= setTimeout(passOnAll, wait);
  };
}
