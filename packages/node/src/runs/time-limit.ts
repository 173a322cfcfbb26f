/**
 * The time a cell gave itself (`#| timeout: 5m`): when it is over, the run is interrupted and says why it ended.
 *
 * 1. It counts from the start of the run, also when this host has been started anew meanwhile.
 * 2. A run without the option has no limit, however long it takes and however silent it is.
 */
import { codeOptions, type Run } from '@markco/protocol';

/** The longest that a timer of Node takes in one piece. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export type TimeLimit = {
  /** The sentence for people, once the time is over. */
  readonly reached: string | null;
  clear(): void;
};

export const NO_LIMIT: TimeLimit = { reached: null, clear: () => undefined };

export function limitTime(run: Run, now: number, onReached: (why: string) => void): TimeLimit {
  const { timeoutMs } = codeOptions(run.code, run.language);
  if (timeoutMs === null) return NO_LIMIT;
  const dueAt = (run.startedAt === undefined ? now : Date.parse(run.startedAt)) + timeoutMs;
  let reached: string | null = null;
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    timer = setTimeout(
      () => {
        if (leftMs > TIMER_MS_MAX) return wait(leftMs - TIMER_MS_MAX);
        reached = `It ran longer than the ${written(timeoutMs)} that its \`timeout\` allows, and was interrupted.`;
        onReached(reached);
      },
      Math.min(Math.max(0, leftMs), TIMER_MS_MAX),
    );
  };
  wait(dueAt - now);
  return {
    get reached() {
      return reached;
    },
    clear: () => clearTimeout(timer),
  };
}

function written(ms: number): string {
  const units = [
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ] as const;
  const [size, name] = units.find(([each]) => ms >= each && ms % each === 0) ?? [1, 'ms'];
  return `${ms / size} ${name}`;
}
