/** What a simulation comes to, in memory that does not grow with the number of runs. */
import type { RunEnd } from './start-protocol.ts';

export type Report = {
  readonly seed: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly decisions: number;
  /** Among decisions that had a choice and made one: see `simulate.ts`. */
  readonly freeDecisions: number;
  readonly wrongPlacements: number;
  /** Runs whose session stayed behind on another device. */
  readonly leftSessions: number;
  readonly ends: Readonly<Record<RunEnd, number>>;
  /** From submission to start, in milliseconds, for runs that started. */
  readonly queueMs: { readonly p50: number; readonly p95: number; readonly p99: number };
};

/** Figures are kept by the power of this: a quantile is off by at most 1 %. */
const BASE = 1.02;
/** Enough for a year in milliseconds. */
const BUCKETS = 1_300;

export function createHistogram() {
  const counts = new Uint32Array(BUCKETS);
  let total = 0;
  return {
    add(value: number): void {
      const bucket = Math.min(BUCKETS - 1, Math.floor(Math.log(Math.max(0, value) + 1) / Math.log(BASE)));
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      total += 1;
    },
    /** @param part 0 to 1; NaN when nothing was added */
    quantile(part: number): number {
      let left = Math.ceil(part * total);
      if (total === 0) return Number.NaN;
      const bucket = counts.findIndex((count) => (left -= count) <= 0);
      return BASE ** (bucket + 0.5) - 1;
    },
  };
}
