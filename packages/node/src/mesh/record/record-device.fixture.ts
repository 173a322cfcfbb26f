/** For tests: devices that have a record of the mesh and nothing else, on disks that lose what is not synced. */
import { getHeads } from '@automerge/automerge';
import { newId, type DeviceId, type IdSource, type ProjectId, type UserId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { tableRange } from '@markco/replica/store/key';
import { createSimulatedDisk, type SimulatedDisk } from '@markco/replica/store/simulated';
import type { Own } from './own.ts';
import { openRecord, type MeshRecord } from './record.ts';
import { streamPair, type StreamEnd } from './stream.fixture.ts';

export const SOON = { timeout: 15_000, interval: 5 };
export const ids: IdSource = { now: Date.now, randomBytes: (length) => new Uint8Array(randomBytes(length)) };
export const USER = newId<UserId>(ids);
const T0 = Date.parse('2026-11-12T14:02:00Z');

export type Device = {
  readonly id: DeviceId;
  readonly disk: SimulatedDisk;
  readonly troubles: string[];
  readonly removed: Set<DeviceId>;
  record: MeshRecord;
};

export async function openOn(device: Omit<Device, 'record'>, userId = USER): Promise<MeshRecord> {
  return openRecord({
    ...{ store: device.disk.store, ids: { ...ids, now: () => T0 }, deviceId: device.id, userId },
    isMember: (id) => !device.removed.has(id),
    onTrouble: (doing) => void device.troubles.push(doing),
  });
}

export async function make(): Promise<Device> {
  const device = { id: newId<DeviceId>(ids), disk: createSimulatedDisk(), troubles: [], removed: new Set<DeviceId>() };
  return { ...device, record: await openOn(device) };
}

export function ownOf(id: DeviceId, more: Partial<Own> = {}, name = 'device'): Own {
  const policy = { allowRemoteExecution: true, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 8 };
  return {
    deviceId: id,
    device: { name, kind: 'desktop', os: 'linux', version: '0.1.0', policy, opensAll: false },
    ...{ projects: [], attachments: new Map(), sessions: new Map(), added: [], removed: [] },
    ...more,
  };
}

export function connect(a: Device, b: Device): readonly [StreamEnd, StreamEnd] {
  const ends = streamPair();
  a.record.join(ends[0], b.id);
  b.record.join(ends[1], a.id);
  return ends;
}

export const heads = (device: Device): string => getHeads(device.record.raw()).toSorted().join();

export function projectOf(id: ProjectId, displayName: string) {
  const at = new Date(T0).toISOString();
  return {
    ...{ id, userId: USER, slug: 'a-project', displayName, configPath: 'mrmd.md' as const, source: 'created' as const },
    ...{ syncMode: 'active' as const, visibility: 'private' as const, createdAt: at, updatedAt: at },
  };
}

export const chunksOf = async ({ disk }: Device): Promise<Uint8Array[]> => {
  const found: Uint8Array[] = [];
  for await (const [, value] of disk.store.range(tableRange('g'))) found.push(value);
  return found;
};
