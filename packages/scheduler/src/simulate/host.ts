/** A simulated device as a host: its executor, the runs it executes, and what waits until it wakes. */
import { type RunId } from '@markco/protocol';
import { ownRefusalOf } from '../refuse.ts';
import { createExecutor, type ExecutorParts, type Sabotage } from './executor.ts';
import type { Device } from './fleet.ts';
import type { Offer } from '../start/start-protocol.ts';

type Execution = { readonly offer: Offer; readonly awakeAtMs: number; readonly durationMs: number };

export type HostParts = Pick<ExecutorParts, 'send' | 'later'> & {
  /** The time of the simulation. */
  readonly now: () => number;
  readonly durationMs: (runId: RunId) => number;
  readonly onBegin: (offer: Offer, executing: number) => void;
  /** Calls `done` in so long. */
  readonly doneIn: (runId: RunId, delayMs: number) => void;
};

export type Host = ReturnType<typeof createHost>;

export function createHost(device: Device, parts: HostParts, sabotage: Sabotage | null) {
  const executing = new Map<RunId, Execution>();
  const awakeMs = () => parts.now() - device.sleptMs;

  const executor = createExecutor(
    {
      now: () => clockOf(device, parts.now()),
      send: parts.send,
      later: parts.later,
      capability: () => device.capability,
      refuses: ({ request }) => ownRefusalOf({ deviceId: device.id, capability: device.capability }, request),
      begin(offer) {
        const durationMs = parts.durationMs(offer.runId);
        executing.set(offer.runId, { offer, awakeAtMs: awakeMs(), durationMs });
        parts.onBegin(offer, executing.size);
        parts.doneIn(offer.runId, durationMs);
      },
      stop(runId) {
        if (executing.delete(runId)) executor.ended(runId, 'cancelled');
      },
    },
    sabotage,
  );

  return {
    executor,

    /** A run may be over: not if the device slept in between. One in twenty fails. */
    done(runId: RunId, fails: boolean): void {
      const execution = executing.get(runId);
      if (execution === undefined) return;
      const leftMs = execution.awakeAtMs + execution.durationMs - awakeMs();
      if (leftMs > 1) return parts.doneIn(runId, leftMs);
      executing.delete(runId);
      executor.ended(runId, fails ? 'failed' : 'completed');
    },

    crash(): void {
      executing.clear();
      executor.restart();
    },
  };
}

/** What the device's own clock shows; it goes on while the device sleeps. */
export function clockOf(device: Device, nowMs: number): number {
  return device.clockOffsetMs + nowMs * device.clockRate;
}
