/** What is told of a run can come after what was told later. */
import { runMachine, type Run } from '@markco/protocol';

/** Whether this was told before what is known: states go forward, and places in the queue down. */
export function isBehind(told: Run, known: Run): boolean {
  if (runMachine.isTerminal(known.state)) return true;
  if (told.state === known.state) return placeOf(told) > placeOf(known);
  return runMachine.states.indexOf(told.state) < runMachine.states.indexOf(known.state);
}

const placeOf = ({ queuePosition }: Run): number => queuePosition ?? Number.POSITIVE_INFINITY;
