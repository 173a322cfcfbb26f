/**
 * The last hour of this process of a cloud, for its operator's page.
 *
 * 1. Bounded: SAMPLES_MAX samples; of a time that is measured often, the last VALUES_MAX between two samples.
 * 2. A sample says what happened since the one before, and a spread of no values is null: nothing was measured.
 */
export const SAMPLE_MS = 15_000;
export const SAMPLES_MAX = 240;
const VALUES_MAX = 2_000;

/** Milliseconds. */
export type Spread = { readonly p50: number; readonly p95: number; readonly p99: number } | null;

/** What the device beside this cloud counted since it started. */
export type RunCounts = {
  /** Runs that ended, by the device that they ran on. */
  readonly ended: Readonly<Record<string, { readonly completed: number; readonly failed: number }>>;
  /** Where runs were sent, by the reason. */
  readonly routed: Readonly<Record<string, number>>;
};

export type Sample = {
  /** Unix milliseconds. */
  readonly at: number;
  readonly connections: number;
  readonly devices: number;
  readonly residentBytes: number;
  readonly acknowledged: Spread;
  readonly persisted: Spread;
  readonly opened: Spread;
  readonly updates: number;
  readonly errors: number;
  readonly runs: Readonly<Record<string, number>>;
  readonly failedRuns: number;
  readonly routed: number;
  readonly fallbacks: number;
};

export type RecentFacts = {
  readonly connections: () => number;
  readonly devices: () => number;
  readonly residentBytes: () => number;
  readonly runs: () => RunCounts;
};

export type Recent = ReturnType<typeof createRecent>;

export function createRecent(facts: RecentFacts) {
  const samples: Sample[] = [];
  const acknowledged = createSpread();
  const persisted = createSpread();
  const opened = createSpread();
  let updates = 0;
  let errors = 0;
  let before = facts.runs();

  return {
    acknowledged: acknowledged.add,
    persisted: persisted.add,
    opened: opened.add,
    updated: (count: number): void => void (updates += count),
    failed: (): void => void (errors += 1),

    /** @param at Unix milliseconds */
    sample(at: number): void {
      const now = facts.runs();
      const ran = Object.entries(now.ended).map(([host, { completed, failed }]) => {
        const last = before.ended[host] ?? { completed: 0, failed: 0 };
        return { host, ended: completed + failed - last.completed - last.failed, failed: failed - last.failed };
      });
      const routed = Object.entries(now.routed).map(
        ([why, count]) => [why, count - (before.routed[why] ?? 0)] as const,
      );
      samples.push({
        at,
        connections: facts.connections(),
        devices: facts.devices(),
        residentBytes: facts.residentBytes(),
        acknowledged: acknowledged.take(),
        persisted: persisted.take(),
        opened: opened.take(),
        ...{ updates, errors },
        runs: Object.fromEntries(ran.filter(({ ended }) => ended > 0).map(({ host, ended }) => [host, ended])),
        failedRuns: ran.reduce((sum, { failed }) => sum + failed, 0),
        routed: routed.reduce((sum, [, count]) => sum + count, 0),
        fallbacks: routed.find(([why]) => why === 'fallback')?.[1] ?? 0,
      });
      if (samples.length > SAMPLES_MAX) samples.shift();
      updates = 0;
      errors = 0;
      before = now;
    },

    /** Oldest first. */
    samples: (): readonly Sample[] => samples,
  };
}

function createSpread() {
  let values: number[] = [];
  let count = 0;
  return {
    add(ms: number): void {
      values[count++ % VALUES_MAX] = ms;
    },
    /** Of all since it was last asked. */
    take(): Spread {
      const sorted = values.toSorted((a, b) => a - b);
      values = [];
      count = 0;
      const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
      return sorted.length === 0 ? null : { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
    },
  };
}
