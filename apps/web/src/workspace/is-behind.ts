/** What is told of a run can come after what was told later. */
import { runMachine, type Run } from '@markco/protocol';

/**
 * Whether this was told before what is known: states go forward, and places in the queue down. That a device is waited
 * for, or does not answer, comes and goes within a state, so what is told last of it counts.
 */
export function isBehind(told: Run, known: Run): boolean {
  if (runMachine.isTerminal(known.state)) return true;
  if (told.state === known.state)
    return (
      told.waitsFor === known.waitsFor &&
      told.unreachable === known.unreachable &&
      told.routedTo.deviceId === known.routedTo.deviceId &&
      placeOf(told) > placeOf(known)
    );
  return runMachine.states.indexOf(told.state) < runMachine.states.indexOf(known.state);
}

const placeOf = ({ queuePosition }: Run): number => queuePosition ?? Number.POSITIVE_INFINITY;
