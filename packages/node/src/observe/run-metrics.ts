/**
 * What the metrics say of runs, seen from their changes of state: how many wait, how long they waited and took, where they
 * ended and how, and where they were sent and why.
 *
 * 1. A run counts once, as one of the device that it ran on. Of devices, HOSTS_MAX are told apart.
 */
import type { Run, RunId } from '@markco/protocol';
import type { Metrics } from './metrics.ts';

const HOSTS_MAX = 50;
const OTHERS = 'other devices';
/** Ends that were counted: a run elsewhere may be told of again. */
const ENDS_MAX = 1_000;

/** Since the device started. */
export type RunCounts = {
  readonly ended: Readonly<Record<string, { readonly completed: number; readonly failed: number }>>;
  readonly routed: Readonly<Record<string, number>>;
};

export type RunMetrics = {
  /** Runs that wait now. */
  readonly queued: number;
  /** One change of a run of this device. */
  observe(run: Run): void;
  /** One change of a run that this device placed on another. */
  observeElsewhere(run: Run): void;
  /** One that runs here, whoever decided it. */
  ranHere(reason: string): void;
  /** A decision where a run goes, for whoever asked. Without a reason it waits, or goes nowhere. */
  decided(reason: string | null): void;
  counts(): RunCounts;
};

export function createRunMetrics(
  metrics: Pick<Metrics, 'queueLatency' | 'runDuration' | 'runs' | 'routed'>,
  now: () => number,
): RunMetrics {
  const waiting = new Set<RunId>();
  const ends = new Set<RunId>();
  const ended = new Map<string, { completed: number; failed: number }>();
  const routed = new Map<string, number>();

  function end({ id, state, completedAt, ranOn = 'no device' }: Run): void {
    if (completedAt === undefined || ends.has(id)) return;
    ends.add(id);
    const [oldest] = ends;
    if (ends.size > ENDS_MAX && oldest !== undefined) ends.delete(oldest);
    const host = ended.has(ranOn) || ended.size < HOSTS_MAX ? ranOn : OTHERS;
    metrics.runs.inc({ state, host });
    const count = ended.get(host) ?? { completed: 0, failed: 0 };
    count[state === 'completed' ? 'completed' : 'failed'] += 1;
    ended.set(host, count);
  }

  return {
    get queued() {
      return waiting.size;
    },
    observe(run) {
      if (run.state === 'queued' || run.state === 'scheduled') waiting.add(run.id);
      if (run.state === 'running' && waiting.delete(run.id))
        metrics.queueLatency.observe(Math.max(0, now() - Date.parse(run.createdAt)));
      if (run.completedAt === undefined) return;
      waiting.delete(run.id);
      end(run);
      if (run.startedAt !== undefined)
        metrics.runDuration.observe(Date.parse(run.completedAt) - Date.parse(run.startedAt));
    },
    observeElsewhere: end,
    ranHere: (reason) => metrics.routed.inc({ host_type: 'device', reason }),
    decided(reason) {
      const why = reason ?? 'waits';
      metrics.routed.inc({ host_type: 'elsewhere', reason: why });
      routed.set(why, (routed.get(why) ?? 0) + 1);
    },
    counts: () => ({ ended: Object.fromEntries(ended), routed: Object.fromEntries(routed) }),
  };
}
