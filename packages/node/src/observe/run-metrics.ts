/** What the metrics say of runs, seen from their changes of state: how many wait, how long they waited and took. */
import type { Run, RunId } from '@markco/protocol';
import type { Metrics } from './metrics.ts';

export type RunMetrics = {
  /** Runs that wait now. */
  readonly queued: number;
  /** One change of a run. */
  observe(run: Run): void;
};

export function createRunMetrics(
  metrics: Pick<Metrics, 'queueLatency' | 'runDuration' | 'runs'>,
  now: () => number,
): RunMetrics {
  const waiting = new Set<RunId>();
  return {
    get queued() {
      return waiting.size;
    },
    observe(run) {
      if (run.state === 'queued' || run.state === 'scheduled') waiting.add(run.id);
      if (run.state === 'running' && waiting.delete(run.id))
        metrics.queueLatency.observe(Math.max(0, now() - Date.parse(run.createdAt)));
      if (run.completedAt !== undefined) {
        waiting.delete(run.id);
        metrics.runs.inc({ state: run.state });
        if (run.startedAt !== undefined)
          metrics.runDuration.observe(Date.parse(run.completedAt) - Date.parse(run.startedAt));
      }
    },
  };
}
