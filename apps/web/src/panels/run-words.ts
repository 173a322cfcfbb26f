/** What is said of a run wherever it is listed: what ran, how it is, how long, where and when. */
import { runMachine, type Run } from '@markco/protocol';
import type { PlaceDevice } from '../editor/index.ts';
import { duration, t, timeOfDay, type Key } from '../i18n/words.ts';
import { p } from '../placing/messages.ts';
import { momentOf } from '../placing/place-words.ts';

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

/** @param devices the user's, to name the one that a run is on; with a single one that goes without saying */
export function runFacts(run: Run, now: number, devices: readonly PlaceDevice[]): readonly string[] {
  const took = runTime(run, now);
  const host = devices.find(({ id }) => id === run.routedTo.deviceId)?.name;
  const away = awayFacts(run, now, devices, host);
  if (away.length > 0) return away;
  return [
    run.state === 'queued' && run.queuePosition !== undefined
      ? t('runsBefore', { count: run.queuePosition })
      : t(stateNames[run.state]),
    took === undefined ? undefined : duration(took),
    run.ranOn ?? (devices.length > 1 ? host : undefined),
    timeOfDay(run.createdAt),
  ].filter((fact) => fact !== undefined);
}

/** Of a run whose device is away: that it is, and since when. Empty for any other. */
function awayFacts(
  { state, unreachable, waitsFor }: Run,
  now: number,
  devices: readonly PlaceDevice[],
  host: string | undefined,
): readonly string[] {
  if (runMachine.isTerminal(state)) return [];
  if (unreachable !== undefined)
    return [p('isSilent', { device: host ?? p('itsDevice'), time: momentOf(unreachable, now) })];
  if (waitsFor === undefined) return [];
  const since = devices.find(({ name }) => name === waitsFor)?.awaySince ?? null;
  return [
    p('waitsFor', { device: waitsFor }),
    ...(since === null ? [] : [p('awaySince', { time: momentOf(since, now) })]),
  ];
}
