/**
 * What waits for the log to reach a position. Waiters are asked for in the order of their positions, so the list is
 * sorted and what is due is always at its front.
 */

/** Something to do once the log has reached a position. */
export type Waiting = { seq: number; readonly action: () => void };

/** Does what waited for a position up to `seq`, in the order it was asked for. */
export function reach(waiting: Waiting[], seq: number): void {
  let count = 0;
  while (count < waiting.length && (waiting[count]?.seq ?? 0) <= seq) count++;
  for (const { action } of waiting.splice(0, count)) action();
}
