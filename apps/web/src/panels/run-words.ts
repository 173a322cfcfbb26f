/** What is said of a run wherever it is listed: what ran, how it is, how long, where and when. */
import type { Run } from '@markco/protocol';
import { duration, t, timeOfDay, type Key } from '../i18n/words.ts';

const stateNames: Readonly<Record<Run['state'], Key>> = {
  queued: 'runQueued',
  scheduled: 'runScheduled',
  running: 'runRunning',
  completed: 'runCompleted',
  failed: 'runFailed',
  cancelled: 'runCancelled',
};

/** How long it ran, or runs until now; nothing while it waits. */
function runTime(run: Pick<Run, 'startedAt' | 'completedAt'>, now: number): number | undefined {
  if (run.startedAt === undefined) return undefined;
  return (run.completedAt === undefined ? now : Date.parse(run.completedAt)) - Date.parse(run.startedAt);
}

/** The label of its cell, else the first line of its code. */
export function runName(run: Run): string {
  const label = run.cellId !== undefined && !/^\d+-\d+$/.test(run.cellId) ? run.cellId : undefined;
  return label ?? run.code.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#|')) ?? run.language;
}

export function runFacts(run: Run, now: number): readonly string[] {
  const took = runTime(run, now);
  return [
    run.state === 'queued' && run.queuePosition !== undefined
      ? t('runsBefore', { count: run.queuePosition })
      : t(stateNames[run.state]),
    took === undefined ? undefined : duration(took),
    run.ranOn,
    timeOfDay(run.createdAt),
  ].filter((fact) => fact !== undefined);
}
