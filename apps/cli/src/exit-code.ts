/** What a run's end means to a script: the code that the cell's program ended with where it says one, else 1. */
import type { Run } from '@markco/protocol';

/** As `timeout` says it. */
export const TIMED_OUT = 124;

export function exitCodeOf({ state, error }: Pick<Run, 'state' | 'error'>): number {
  if (state === 'completed') return 0;
  const said =
    error?.type === 'ExitCode'
      ? /^exit code (\d{1,3})$/.exec(error.message)?.[1]
      : error?.type === 'SystemExit'
        ? /^(\d{1,3})$/.exec(error.message)?.[1]
        : undefined;
  const code = Number(said ?? 1);
  return code >= 1 && code <= 255 ? code : 1;
}
