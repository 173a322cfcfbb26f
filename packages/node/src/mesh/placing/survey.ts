/**
 * What this device knows of the user's devices at the moment a run asks for a place: their last heartbeats, what was
 * sent there since, and how far they were to be relied on.
 */
import {
  Failure,
  type Device,
  type DeviceId,
  type Language,
  type NodeCapability,
  type ProjectId,
} from '@markco/protocol';
import { SILENT_AFTER_MS, type DeviceFacts, type HostState, type Snapshot } from '@markco/scheduler';
import { HEARTBEAT_MS, type Heartbeat } from '../control.ts';
import type { Peer } from '@markco/client/mesh/peers';

/** The last of these are remembered, one bit each. */
const REMEMBERED = 20;
const ALL = (1 << REMEMBERED) - 1;
/** How long a device that hears us no more is not believed, whatever it says. */
const DISTRUST_MS = 2 * SILENT_AFTER_MS;
/** Shorter than this, a connection that broke is on its way back. */
export const AWAY_AFTER_MS = 10_000;

export type SessionPlace = { readonly projectId: ProjectId; readonly language: Language; readonly name: string };

/** How a grant to run names a session. */
export const sessionInGrant = ({ projectId, language, name }: SessionPlace): string =>
  `${projectId}/${language}/${name}`;

export type SurveyParts = {
  readonly self: Pick<Device, 'id' | 'name' | 'kind'>;
  readonly own: () => Promise<HostState>;
  readonly peers: () => readonly Peer[];
  readonly heartbeats: () => ReadonlyMap<DeviceId, Heartbeat & { readonly at: number }>;
  readonly now: () => number;
};

type Memory = {
  heardAt: number;
  missed: number;
  lost: number;
  distrustedUntil: number;
  sent: number;
  host: HostState | null;
};

export type Survey = ReturnType<typeof createSurvey>;

export function createSurvey(parts: SurveyParts) {
  const { self } = parts;
  const memories = new Map<DeviceId, Memory>();
  const memoryOf = (id: DeviceId): Memory => {
    const made: Memory = { heardAt: 0, missed: 0, lost: 0, distrustedUntil: 0, sent: 0, host: null };
    const found = memories.get(id) ?? made;
    memories.set(id, found);
    return found;
  };

  /** A heartbeat counts once: it takes the place of what was sent or corrected before it came. */
  function hear(id: DeviceId, at: number): Memory {
    const memory = memoryOf(id);
    if (at === memory.heardAt) return memory;
    const gap = memory.heardAt === 0 ? 1 : Math.round((at - memory.heardAt) / HEARTBEAT_MS);
    const missed = Math.max(0, Math.min(REMEMBERED, gap - 1));
    memory.missed = ((memory.missed << (missed + 1)) | (((1 << missed) - 1) << 1)) & ALL;
    return Object.assign(memory, { heardAt: at, sent: 0, host: null });
  }

  function factsOf(peer: Peer, assumed: NodeCapability | null): DeviceFacts | null {
    const { deviceId, name } = peer;
    const heartbeat = parts.heartbeats().get(deviceId);
    const memory = heartbeat === undefined ? memoryOf(deviceId) : hear(deviceId, heartbeat.at);
    const known = memory.host ?? heartbeat ?? (assumed === null ? null : { capability: assumed, ...IDLE });
    if (known === null) return null;
    const { capability } = known;
    const slots = Math.max(0, capability.policy.maxConcurrentRuns - known.runningRuns);
    const roundTrips = peer.paths.flatMap(({ roundTripMs }) => roundTripMs ?? []);
    return {
      deviceId,
      name,
      host: hostOf(peer.kind),
      capability: { ...capability, online: peer.state === 'connected' },
      heardAtMs: parts.now() < memory.distrustedUntil ? 0 : (heartbeat?.at ?? parts.now()),
      runningRuns: known.runningRuns + Math.min(slots, memory.sent),
      queuedRuns: known.queuedRuns + Math.max(0, memory.sent - slots),
      latencyMs: roundTrips.length === 0 ? null : Math.min(...roundTrips),
      heartbeatsMissed: ones(memory.missed),
      runsLost: ones(memory.lost),
    };
  }

  return {
    /**
     * @param named a device that a person chose: it is listed also when it was never heard, so that a run can wait for it
     */
    async snapshot(named: DeviceId | null, language: Language): Promise<Snapshot> {
      const atMs = parts.now();
      const own = await parts.own();
      const here: DeviceFacts = {
        deviceId: self.id,
        name: self.name,
        host: hostOf(self.kind),
        ...own,
        capability: { ...own.capability, online: true },
        heardAtMs: atMs,
        latencyMs: 0,
        heartbeatsMissed: 0,
        runsLost: 0,
      };
      const others = parts.peers().flatMap((peer) => {
        const assumed = peer.deviceId === named ? assumedOf(peer.deviceId, language) : null;
        return factsOf(peer, assumed) ?? [];
      });
      return { atMs, devices: [here, ...others] };
    },

    /** A run was sent there, which its next heartbeat will count. */
    sent: (id: DeviceId): void => void (memoryOf(id).sent += 1),

    /** It says itself how it is. */
    corrects(id: DeviceId, host: HostState): void {
      if (id !== self.id) Object.assign(memoryOf(id), { host, sent: 0 });
    },

    ended(id: DeviceId, isLost: boolean): void {
      const memory = memoryOf(id);
      memory.lost = ((memory.lost << 1) | Number(isLost)) & ALL;
    },

    /** It hears us no more, though we may hear it. */
    distrust: (id: DeviceId): void => void (memoryOf(id).distrustedUntil = parts.now() + DISTRUST_MS),
    answered: (id: DeviceId): void => void (memoryOf(id).distrustedUntil = 0),

    isAway(id: DeviceId): boolean {
      if (id === self.id) return false;
      const peer = parts.peers().find(({ deviceId }) => deviceId === id);
      return peer === undefined || (peer.state !== 'connected' && parts.now() - peer.since >= AWAY_AFTER_MS);
    },

    nameOf(id: DeviceId): string {
      return id === self.id
        ? self.name
        : (parts.peers().find(({ deviceId }) => deviceId === id)?.name ?? 'a removed device');
    },

    /** Where a session runs by the last heartbeats, this device left out; `moved`: if a person moved it there. */
    holderOf({ projectId, language, name }: SessionPlace, moved = false): DeviceId | null {
      for (const [id, { sessions = [] }] of parts.heartbeats())
        for (const each of sessions)
          if (each.projectId === projectId && each.language === language && each.name === name)
            if (!moved || each.moved === true) return id;
      return null;
    },
  };
}

/** A server that was added as one stands in for the machines that people sit at. */
const hostOf = (kind: Peer['kind']): DeviceFacts['host'] => (kind === 'server-agent' ? 'fallback' : 'device');

const IDLE = { runningRuns: 0, queuedRuns: 0 };

/** A device that was chosen by hand and is away is waited for, whatever it turns out to have. */
function assumedOf(deviceId: DeviceId, language: Language): NodeCapability {
  return {
    deviceId,
    online: false,
    heartbeatAt: new Date(0).toISOString(),
    runtimes: [{ language, available: true }],
    resources: { network: 'offline' },
    policy: { allowRemoteExecution: true, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 1 },
  };
}

function ones(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count += 1;
  return count;
}

/** Of the devices called `wished`, by name or id: the one; `not_found`, or `conflict` when there are two. */
export function deviceCalled(
  wished: string,
  devices: readonly { readonly deviceId: DeviceId; readonly name: string }[],
): DeviceId {
  const name = wished.toLowerCase();
  const found = devices.filter((device) => device.deviceId === name || device.name.toLowerCase() === name);
  const [device, another] = found;
  if (another !== undefined)
    throw new Failure('conflict', `Two of your devices are called ${wished}. Name it by its id: \`markco devices\`.`);
  if (device === undefined) {
    const names = devices.map((each) => each.name).join(', ');
    throw new Failure('not_found', `No device here is called ${wished}. There are: ${names}.`);
  }
  return device.deviceId;
}
