/**
 * Queues of runs: one lane a session, one run at a time in each, first come, first served.
 *
 * 1. What waits in all lanes together is bounded by LIMITS.queuedRunsMax; a place is taken before
 *    anything is written, so two submits at once cannot both take the last one.
 */
import { Failure, LIMITS, type RunId, type SessionId } from '@markco/protocol';

type Lane = { readonly waiting: RunId[]; busy: RunId | null; loop: Promise<void> };

export type Lanes = ReturnType<typeof createLanes>;

/** `carry` takes a run from here to its end; it does not reject. `onShift` is told of runs that moved up. */
export function createLanes(carry: (run: RunId) => Promise<void>, onShift: (runs: readonly RunId[]) => void) {
  const lanes = new Map<SessionId, Lane>();
  let taken = 0;
  let closed = false;

  async function drain(session: SessionId, lane: Lane): Promise<void> {
    for (let run = lane.waiting.shift(); run !== undefined && !closed; run = lane.waiting.shift()) {
      lane.busy = run;
      taken--;
      onShift(lane.waiting);
      await carry(run);
      lane.busy = null;
    }
    lanes.delete(session);
  }

  return {
    /** Takes a place in the queue. `too_many` when there is none. */
    reserve(): void {
      if (taken >= LIMITS.queuedRunsMax) {
        throw new Failure(
          'too_many',
          `${LIMITS.queuedRunsMax} runs are waiting on this device, the most it takes. Wait until one has ended, or cancel one.`,
        );
      }
      taken++;
    },

    /** Gives back a place that was reserved and not used. */
    release(): void {
      taken--;
    },

    /** Puts a run into its session's lane, on a place that was reserved (or, at a start, on one it had before). */
    enter(session: SessionId, run: RunId): void {
      const lane = lanes.get(session);
      if (lane !== undefined) return void lane.waiting.push(run);
      const made: Lane = { waiting: [run], busy: null, loop: Promise.resolve() };
      lanes.set(session, made);
      made.loop = drain(session, made);
    },

    /** Runs found in the journal have a place even when there are too many of them. */
    readmit(): void {
      taken++;
    },

    /** Takes a waiting run out. Whether it was waiting. */
    leave(session: SessionId, run: RunId): boolean {
      const lane = lanes.get(session);
      const index = lane?.waiting.indexOf(run) ?? -1;
      if (lane === undefined || index < 0) return false;
      lane.waiting.splice(index, 1);
      taken--;
      onShift(lane.waiting.slice(index));
      return true;
    },

    /** Takes all waiting runs of a session out. */
    clear(session: SessionId): readonly RunId[] {
      const out = lanes.get(session)?.waiting.splice(0) ?? [];
      taken -= out.length;
      return out;
    },

    /** How many runs wait for a session, without the one that is on. */
    waiting: (session: SessionId): number => lanes.get(session)?.waiting.length ?? 0,

    /** Whether a run is on in a session, or waits for it. */
    isBusy: (session: SessionId): boolean => lanes.has(session),

    sessions: (): readonly SessionId[] => [...lanes.keys()],

    /** How many runs of its session come before a waiting run; null when it does not wait. */
    position(session: SessionId, run: RunId): number | null {
      const lane = lanes.get(session);
      const index = lane?.waiting.indexOf(run) ?? -1;
      return lane === undefined || index < 0 ? null : index + (lane.busy === null ? 0 : 1);
    },

    /** Starts no further run; resolves when those on their way have come back. */
    async close(): Promise<void> {
      closed = true;
      await Promise.all([...lanes.values()].map((lane) => lane.loop));
    },
  };
}
