/** Runs that were canceled while their hosts were silent: those are told when they are back. */
import type { DeviceId, RunId } from '@markco/protocol';
import type { PlacedRow } from './placed-rows.ts';

/** Of more, the newest are kept. */
const UNTOLD_MAX = 500;

export type Untold = ReturnType<typeof createUntold>;

export function createUntold() {
  const kept = new Map<RunId, { readonly host: DeviceId; readonly fence: number }>();
  return {
    /** Keeps a run that is over, if its host may not know. */
    note({ run, state }: PlacedRow): void {
      const { host, fence, end, isStarted, startsUntilMs } = state;
      if (host === null || end !== 'cancelled' || isStarted || startsUntilMs === null) return;
      kept.set(run.id, { host, fence });
      const [oldest] = kept.keys();
      if (kept.size > UNTOLD_MAX && oldest !== undefined) kept.delete(oldest);
    },

    /** Its host has said how it ended. */
    told: (id: RunId): void => void kept.delete(id),

    of: (device: DeviceId) =>
      [...kept].filter(([, { host }]) => host === device).map(([runId, { fence }]) => ({ runId, fence })),
  };
}
