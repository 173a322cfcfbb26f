/** What two devices say to keep each other up to date: little, when little has changed. */
import { newId, type DeviceId, type NodeCapability } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { pipe } from './assets/download.fixture.ts';
import { keepUpToDate, type Heartbeat } from './control.ts';
import type { Trust } from './trust.ts';

const ids = { now: () => Date.now(), randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
const [one, two] = [newId<DeviceId>(ids), newId<DeviceId>(ids)];
const at = (second: number): string => new Date(1_800_000_000_000 + 1_000 * second).toISOString();
const capable: NodeCapability = {
  ...{ deviceId: one, online: true, heartbeatAt: at(0) },
  runtimes: [{ language: 'python', available: true, version: '3.13' }],
  gpu: { vendor: 'one of many' },
  resources: { cpuCores: 8, memoryFreeMb: 1_000, network: 'wifi' },
  policy: { allowRemoteExecution: true, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 4 },
};

/** A device that knows these entries of a log, and what it was told. */
function side(deviceId: DeviceId, entries: readonly string[]) {
  const log = { entries: new Map(entries.map((id) => [id, { id, bytes: new TextEncoder().encode(id) }])) };
  return { deviceId, log, onChange: () => () => undefined } as unknown as Trust;
}

function meet(mine: readonly string[], theirs: readonly string[]) {
  const [left, right] = pipe();
  const said: { op: string; changed?: object; entries?: unknown[] }[] = [];
  const heard: Heartbeat[] = [];
  let next = Promise.withResolvers<Heartbeat>();
  const now = { capability: capable, runningRuns: 0, queuedRuns: 0 };
  const control = keepUpToDate(
    { ...left, sendText: (text) => (said.push(JSON.parse(text) as (typeof said)[0]), left.sendText(text)) },
    {
      ...{
        trust: side(one, mine),
        peer: two,
        addresses: () => [],
        guestsMs: () => 0,
        onGuests: () => undefined,
        onAddresses: () => undefined,
        wasted: () => undefined,
      },
      ...{ heartbeat: async () => ({ ...now }), onHeartbeat: () => undefined },
    },
  );
  keepUpToDate(right, {
    ...{
      trust: side(two, theirs),
      peer: one,
      addresses: () => [],
      guestsMs: () => 0,
      onGuests: () => undefined,
      onAddresses: () => undefined,
      wasted: () => undefined,
    },
    heartbeat: () => Promise.reject(new Error('it says nothing of itself')),
    onHeartbeat(heartbeat) {
      heard.push(heartbeat);
      next.resolve(heartbeat);
      next = Promise.withResolvers();
    },
  });
  const beat = (change: Partial<Heartbeat> = {}): Promise<Heartbeat> => {
    Object.assign(now, change);
    const { promise } = next;
    control.beat();
    return promise;
  };
  return { said, heard, beat, first: next.promise };
}

test('a heartbeat says all at first, and then what has changed', async () => {
  const { said, beat, first } = meet(['a'], ['a']);
  expect(await first).toMatchObject({ capability: capable, runningRuns: 0, queuedRuns: 0 });
  const later = { ...capable, heartbeatAt: at(15), resources: { ...capable.resources, memoryFreeMb: 900 } };
  expect(await beat({ capability: later, runningRuns: 2 })).toMatchObject({
    capability: later,
    runningRuns: 2,
    queuedRuns: 0,
  });
  expect(said.at(-1)?.op).toBe('beat');
  expect(Object.keys(said.at(-1)?.changed ?? {})).toEqual(['heartbeatAt', 'resources']);
  const { gpu: _, ...without } = later;
  expect((await beat({ capability: without })).capability).toEqual(without);
  expect(said.at(-1)?.op).toBe('heartbeat');
});

test('a log that both have is not sent; one that differs is', async () => {
  const same = meet(['a', 'b'], ['b', 'a']);
  await same.first;
  expect(same.said.map(({ op }) => op)).not.toContain('log');
  const other = meet(['a', 'b', 'c'], ['a', 'b']);
  await other.first;
  await other.beat();
  expect(other.said.find(({ op }) => op === 'log')?.entries).toHaveLength(3);
});
