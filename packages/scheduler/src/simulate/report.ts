/** What a simulation comes to, in memory that does not grow with the number of runs. */
import type { RunEnd } from '../start/start-protocol.ts';

export type Report = {
  readonly steps: number;
  readonly virtualMs: number;
  readonly decisions: number;
  /** Among decisions that had a choice and made one: see `simulate.ts`. */
  readonly freeDecisions: number;
  readonly wrongPlacements: number;
  /** Runs whose session stayed behind on another device. */
  readonly leftSessions: number;
  readonly ends: Readonly<Record<RunEnd, number>>;
  /** From submission to start, for runs that started: read it with `quantileOf`. */
  readonly queueTimes: Histogram;
};

/** How many values of each size there were: sizes in powers of `BASE`, so that a quantile is off by at most 1 %. */
export type Histogram = Uint32Array;

const BASE = 1.02;
/** Enough for a year in milliseconds. */
const BUCKETS = 1_300;

export const emptyHistogram = (): Histogram => new Uint32Array(BUCKETS);

export function addTo(histogram: Histogram, value: number): void {
  const bucket = Math.min(BUCKETS - 1, Math.floor(Math.log(Math.max(0, value) + 1) / Math.log(BASE)));
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

/** @param part 0 to 1; NaN when nothing was added */
export function quantileOf(histogram: Histogram, part: number): number {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  if (total === 0) return Number.NaN;
  let left = Math.max(1, Math.ceil(part * total));
  return BASE ** (histogram.findIndex((count) => (left -= count) <= 0) + 0.5) - 1;
}

/** Several simulations as one: meshes know nothing of each other, so it is all the same which were simulated together. */
export function sumOf([first, ...others]: readonly [Report, ...Report[]]): Report {
  return others.reduce(
    (sum, report) => ({
      steps: sum.steps + report.steps,
      virtualMs: Math.max(sum.virtualMs, report.virtualMs),
      decisions: sum.decisions + report.decisions,
      freeDecisions: sum.freeDecisions + report.freeDecisions,
      wrongPlacements: sum.wrongPlacements + report.wrongPlacements,
      leftSessions: sum.leftSessions + report.leftSessions,
      ends: {
        completed: sum.ends.completed + report.ends.completed,
        failed: sum.ends.failed + report.ends.failed,
        cancelled: sum.ends.cancelled + report.ends.cancelled,
        lost: sum.ends.lost + report.ends.lost,
      },
      queueTimes: sum.queueTimes.map((count, bucket) => count + (report.queueTimes[bucket] ?? 0)),
    }),
    first,
  );
}
