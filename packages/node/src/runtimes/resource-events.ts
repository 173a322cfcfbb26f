/**
 * How near a session is to the memory it may have, as events: one each time that it comes to a level it was below, and
 * what is done about it. Measured, by whatever holds the session; a level is left a little below where it begins, so that
 * a session that wavers there says it once.
 */
import type { Cost, SessionLimits } from './limits/limits.ts';

export type ResourceEvent = {
  readonly event: 'pre-provision' | 'migrate' | 'urgent-migrate' | 'critical';
  readonly percent: number;
  /** What whoever has a run on is told; null for nothing. */
  readonly told: string | null;
};

const LEVELS = [
  { from: 50, event: 'pre-provision' },
  { from: 75, event: 'migrate' },
  { from: 90, event: 'urgent-migrate' },
  { from: 95, event: 'critical' },
] as const;
const LEFT_BELOW = 5;
/** Earlier there is nothing to be done yet. */
const TOLD_FROM = 75;
const MB = 1024 * 1024;

export function createResourceWatch({ memoryBytes }: Pick<SessionLimits, 'memoryBytes'>) {
  let level = 0;

  /** What has happened since it was last asked; null for nothing. */
  return (cost: Cost | null): ResourceEvent | null => {
    const percent = cost === null ? 0 : Math.round((100 * cost.memoryBytes) / memoryBytes);
    while (level > 0 && percent < (LEVELS[level - 1]?.from ?? 0) - LEFT_BELOW) level--;
    const before = level;
    while (percent >= (LEVELS[level]?.from ?? Number.POSITIVE_INFINITY)) level++;
    const reached = LEVELS[level - 1];
    if (level === before || reached === undefined) return null;
    const { event, from } = reached;
    const told =
      from < TOLD_FROM
        ? null
        : `This session uses ${percent} % of the ${Math.round(memoryBytes / MB)} MB that it may have. Over it, it ends.`;
    return { event, percent, told };
  };
}
