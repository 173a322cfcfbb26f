/** What people read when a session has met a limit. */
import type { LimitsMet, SessionLimits } from './limits.ts';

const MB = 1024 * 1024;

const memory = ({ memoryBytes }: SessionLimits): string =>
  memoryBytes >= 1024 * MB ? `${(memoryBytes / (1024 * MB)).toFixed(1)} GB` : `${Math.round(memoryBytes / MB)} MB`;

const cores = (cpus: number): string => (cpus === 1 ? '1 core' : `${cpus} cores`);

/**
 * Why a session is gone, or null when it was no limit.
 *
 * @param how how its worker ended: the system ends who takes too much with SIGKILL; null when nobody knows
 */
export function whyEnded(how: string | null, before: LimitsMet, now: LimitsMet, limits: SessionLimits): string | null {
  if (now.memory <= before.memory || (how !== null && how !== 'signal SIGKILL')) return null;
  return `It was out of memory: a session of this device may use ${memory(limits)}.`;
}

/** Less than this is no more than a burst. */
const WAITED_TENTHS_MIN = 10;

export const waitedLong = (before: LimitsMet, now: LimitsMet): boolean => now.cpu - before.cpu >= WAITED_TENTHS_MIN;

/** What a run that goes on is told, one sentence a limit. */
export function notices(before: LimitsMet, now: LimitsMet, limits: SessionLimits): readonly string[] {
  return [
    ...(limits.cpus !== null && waitedLong(before, now)
      ? [`This session keeps ${cores(limits.cpus)} busy, the most it may have. It goes on more slowly than it could.`]
      : []),
    ...(now.processes > before.processes
      ? [`This session has ${limits.processes} processes and threads, the most it may have. It cannot start another.`]
      : []),
    ...(now.memory > before.memory
      ? [`This session reached its memory limit of ${memory(limits)}; a program that it started was ended.`]
      : []),
  ];
}
