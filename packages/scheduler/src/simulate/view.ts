/**
 * What one device believes of the others: their latest heartbeats, which may be old, and what it has sent them since.
 * Its snapshot is the one the scheduler decides on.
 */
import type { DeviceId } from '@markco/protocol';
import { SILENT_AFTER_MS } from '../refuse.ts';
import type { DeviceFacts, Snapshot } from '../snapshot.ts';
import { numberOf, type Device } from './fleet.ts';
import type { HostState } from '../start/start-protocol.ts';

export const HEARTBEAT_MS = 30_000;
/** The last of these are remembered, one bit each. */
const REMEMBERED = 20;
const ALL = (1 << REMEMBERED) - 1;
const DISTRUST_MS = 2 * SILENT_AFTER_MS;

export type Heartbeat = { readonly type: 'heartbeat' } & HostState;

type Memory = { missed: number; lost: number; distrustedUntilMs: number };

export type View = ReturnType<typeof createView>;

/**
 * @param mesh the devices of its mesh, numbered one after another
 * @param nowMs its own clock: all of them have just been heard
 */
export function createView(self: Device, mesh: readonly Device[], nowMs: number) {
  const first = mesh[0]?.number ?? 0;
  const memories: Memory[] = mesh.map(() => ({ missed: 0, lost: 0, distrustedUntilMs: -Infinity }));
  const facts: DeviceFacts[] = mesh.map((device) => ({
    deviceId: device.id,
    name: device.name,
    host: device.kind.host,
    capability: device.capability,
    heardAtMs: nowMs,
    runningRuns: 0,
    queuedRuns: 0,
    latencyMs: device === self ? 0 : self.latencyMs + device.latencyMs,
    heartbeatsMissed: 0,
    runsLost: 0,
  }));
  const placeOf = (id: DeviceId) => numberOf(id) - first;

  function change(id: DeviceId, changes: (known: DeviceFacts, memory: Memory) => Partial<DeviceFacts>): void {
    const at = placeOf(id);
    const [known, memory] = [facts[at], memories[at]];
    if (known !== undefined && memory !== undefined) facts[at] = { ...known, ...changes(known, memory) };
  }

  return {
    snapshot: (atMs: number): Snapshot => ({ atMs, devices: facts }),

    /** Whether the device was believed to be away before. */
    hears(from: DeviceId, { capability, runningRuns, queuedRuns }: Heartbeat, atMs: number): boolean {
      let wasAway = false;
      change(from, (known, memory) => {
        const gap = Math.round((atMs - known.heardAtMs) / HEARTBEAT_MS);
        const came = known.capability.online ? Math.max(0, Math.min(REMEMBERED, gap - 1)) : 0;
        memory.missed = (memory.missed << (came + 1)) & ALL;
        memory.missed |= came === 0 ? 0 : ((1 << came) - 1) << 1;
        wasAway = !known.capability.online || atMs - known.heardAtMs > SILENT_AFTER_MS;
        // It may be that it hears us no more: then its heartbeats prove nothing for a while.
        const heardAtMs = atMs < memory.distrustedUntilMs ? known.heardAtMs : atMs;
        return { capability, runningRuns, queuedRuns, heardAtMs, heartbeatsMissed: ones(memory.missed & ALL) };
      });
      return wasAway;
    },

    /** It answered: it is there, and hears us. */
    answered(from: DeviceId, atMs: number): void {
      change(from, ({ capability }, memory) => {
        memory.distrustedUntilMs = -Infinity;
        return { heardAtMs: atMs, capability: capability.online ? capability : { ...capability, online: true } };
      });
    },

    /** It says itself how it is. */
    corrects(from: DeviceId, { capability, runningRuns, queuedRuns }: HostState): void {
      change(from, () => ({ capability, runningRuns, queuedRuns }));
    },

    /** A run was offered to it, which its next heartbeat will count. */
    sent(to: DeviceId): void {
      change(to, ({ runningRuns, queuedRuns, capability }) =>
        runningRuns < capability.policy.maxConcurrentRuns
          ? { runningRuns: runningRuns + 1 }
          : { queuedRuns: queuedRuns + 1 },
      );
    },

    /** A run there is over, which frees its slot for one that waits; whether the device lost it. */
    went(id: DeviceId, isLost: boolean): void {
      change(id, ({ runningRuns, queuedRuns }, memory) => {
        memory.lost = ((memory.lost << 1) & ALL) | Number(isLost);
        const counts = queuedRuns > 0 ? { queuedRuns: queuedRuns - 1 } : { runningRuns: Math.max(0, runningRuns - 1) };
        return { ...counts, runsLost: ones(memory.lost) };
      });
    },

    distrust(id: DeviceId, atMs: number): void {
      change(id, (_known, memory) => {
        memory.distrustedUntilMs = atMs + DISTRUST_MS;
        return { heardAtMs: atMs - SILENT_AFTER_MS - 1 };
      });
    },

    isSilent(id: DeviceId, atMs: number): boolean {
      const known = facts[placeOf(id)];
      return known === undefined || !known.capability.online || atMs - known.heardAtMs > SILENT_AFTER_MS;
    },
  };
}

function ones(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count += 1;
  return count;
}
