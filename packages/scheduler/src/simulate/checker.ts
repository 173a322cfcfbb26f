/**
 * What must hold whatever goes wrong. Each is checked at the step that could break it, on what that step touched; that
 * no run is met with silence is looked for once a minute, because it is broken by nothing happening.
 *
 * SIM-1 No run starts twice, and none after it ended.
 * SIM-2 A run ends exactly once; one that completed was started.
 * SIM-3 A host executes no more runs than it takes at once, as of its latest change.
 * SIM-4 No run starts on a host that refuses it by its own rules.
 * SIM-5 The runs of a host start by their turns: none is overtaken by as many as its handicap. Runs of a session start
 *       in the order they were submitted.
 * SIM-6 A run that has not ended waits in sight, runs, or is shown as unreachable; once all is well it ends.
 */
import type { RunId } from '@markco/protocol';
import { HANDICAP, type HostQueue, type QueuedRun } from '../queue.ts';
import { ownRefusalOf } from '../refuse.ts';
import { numberOf, type Device } from './fleet.ts';
import type { Offer, RunEnd } from '../start/start-protocol.ts';

export class Violation extends Error {
  readonly runId: RunId | null;

  constructor(rule: string, message: string, runId: RunId | null) {
    super(`${rule}: ${message}`);
    this.name = 'Violation';
    this.runId = runId;
  }
}

type QueueMemory = {
  queue: HostQueue;
  arrivals: number;
  running: ReadonlySet<RunId>;
  readonly waiting: Map<RunId, QueuedRun & { readonly arrival: number; overtaken: number }>;
};

/** Sweeps in a row in which a run may show nothing: what its coordinator knows is at most this old. */
const SILENT_SWEEPS_MAX = 3;

export type Checker = ReturnType<typeof createChecker>;

export function createChecker(runs: number) {
  /** By the number of the run. */
  const starts = new Uint8Array(runs);
  const ends = new Uint8Array(runs);
  const queues = new Map<number, QueueMemory>();
  const lastOfSession = new Map<string, number>();
  const silentSweeps = new Map<RunId, number>();

  const fail = (rule: string, message: string, runId: RunId | null) => {
    throw new Violation(rule, message, runId);
  };

  return {
    /** @param executing how many runs the host executes now, this one among them */
    begins(device: Device, { runId, sessionId, request }: Offer, executing: number, keepsSession: boolean): void {
      const run = numberOf(runId);
      if (starts[run] !== 0) fail('SIM-1', `started a second time, on ${device.name}`, runId);
      if (ends[run] !== 0) fail('SIM-1', `started on ${device.name} after it had ended`, runId);
      starts[run] = 1;
      const { maxConcurrentRuns } = device.capability.policy;
      if (executing > maxConcurrentRuns)
        fail('SIM-3', `${device.name} executes ${executing} runs and takes ${maxConcurrentRuns}`, runId);
      const refusal = ownRefusalOf({ deviceId: device.id, capability: device.capability }, request);
      if (refusal !== null) fail('SIM-4', `started on ${device.name}, which refuses it: ${refusal}`, runId);
      if (!keepsSession) return;
      if ((lastOfSession.get(sessionId) ?? -1) > run) fail('SIM-5', 'started after a later run of its session', runId);
      lastOfSession.set(sessionId, run);
    },

    ends(runId: RunId, end: RunEnd): void {
      const run = numberOf(runId);
      if (ends[run] !== 0) fail('SIM-2', `ended a second time, as ${end}`, runId);
      if (end === 'completed' && starts[run] === 0) fail('SIM-2', 'completed and was never started', runId);
      ends[run] = 1;
      silentSweeps.delete(runId);
    },

    /** After each step that may have touched the queue of a device. */
    queue(device: Device, queue: HostQueue): void {
      const known = queues.get(device.number) ?? remember(device.number, queue);
      if (known.queue === queue) return;
      known.queue = queue;
      const arrival = known.arrivals++;
      const waits = new Set<RunId>();
      for (const run of queue.waiting) {
        waits.add(run.runId);
        if (!known.waiting.has(run.runId)) known.waiting.set(run.runId, { ...run, arrival, overtaken: 0 });
      }
      const busy = new Set(queue.running.map(({ sessionId }) => sessionId));
      const startedArrivals = queue.running
        .filter((run) => !known.running.has(run.runId))
        .map(({ runId }) => known.waiting.get(runId)?.arrival ?? arrival);
      known.running = new Set(queue.running.map(({ runId }) => runId));
      for (const runId of [...known.waiting.keys()]) if (!waits.has(runId)) known.waiting.delete(runId);
      for (const run of known.waiting.values()) {
        if (busy.has(run.sessionId)) continue;
        run.overtaken += startedArrivals.filter((each) => each > run.arrival).length;
        if (run.overtaken > 0 && run.overtaken >= HANDICAP[run.priority])
          fail('SIM-5', `overtaken by ${run.overtaken} later runs on ${device.name}`, run.runId);
      }
    },

    /** A host came back without its memory. */
    forgetsQueue(device: Device): void {
      queues.delete(device.number);
    },

    /** @param shown what a person is shown of it */
    sweep(runId: RunId, shown: string | null): void {
      if (shown !== null) return void silentSweeps.delete(runId);
      const sweeps = (silentSweeps.get(runId) ?? 0) + 1;
      silentSweeps.set(runId, sweeps);
      if (sweeps > SILENT_SWEEPS_MAX) fail('SIM-6', 'nothing was shown of it for minutes', runId);
    },

    neverEnded(runId: RunId, shown: string | null): never {
      throw new Violation('SIM-6', `did not end though all was well for hours: ${shown ?? 'nothing is shown'}`, runId);
    },
  };

  function remember(device: number, queue: HostQueue): QueueMemory {
    const made: QueueMemory = { queue: { ...queue }, arrivals: 0, running: new Set(), waiting: new Map() };
    queues.set(device, made);
    return made;
  }
}
