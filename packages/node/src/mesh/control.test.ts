/** What two devices say to keep each other up to date: little, when little has changed. */
import { newId, type DeviceId, type NodeCapability } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { pipe } from './assets/download.fixture.ts';
import { keepUpToDate, type Heartbeat } from './control.ts';
import { nothingSaid } from './said-before.ts';
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

type Log = readonly string[];

/** @param before what each of the two remembers of the other */
function meet(mine: Log, theirs: Log, before = [nothingSaid(), nothingSaid()] as const) {
  const [left, right] = pipe();
  const said: { op: string; changed?: object; entries?: unknown[] }[] = [];
  const heard: Heartbeat[] = [];
  const placed: string[][] = [];
  let next = Promise.withResolvers<Heartbeat>();
  const now = { capability: capable, runningRuns: 0, queuedRuns: 0 };
  const control = keepUpToDate(
    { ...left, sendText: (text) => (said.push(JSON.parse(text) as (typeof said)[0]), left.sendText(text)) },
    {
      ...{
        trust: side(one, mine),
        peer: two,
        addresses: () => [{ deviceId: one, addresses: ['/ip4/192.0.2.1/tcp/1'] }],
        guestsMs: () => 0,
        onGuests: () => undefined,
        onAddresses: () => undefined,
        before: before[0],
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
      onAddresses: (device, all) => void placed.push([device, ...all]),
      before: before[1],
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
  return { said, heard, placed, beat, first: next.promise, end: () => left.close() };
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

test('two that meet again tell what has changed, and all of it to one that started anew', async () => {
  const [mine, theirs] = [nothingSaid(), nothingSaid()];
  const first = meet(['a'], ['a'], [mine, theirs]);
  await first.first;
  expect(first.said.map(({ op }) => op)).toEqual(['known', 'devices', 'heartbeat']);
  await first.beat({ queuedRuns: 1 });
  first.end();

  const again = meet(['a'], ['a'], [mine, theirs]);
  expect(await again.first).toMatchObject({ capability: capable, runningRuns: 0, queuedRuns: 0 });
  expect(again.said.map(({ op }) => op)).toEqual(['known', 'beat']);
  expect(again.said.at(-1)?.changed).toEqual({});
  again.end();

  const anew = meet(['a'], ['a'], [mine, nothingSaid()]);
  expect(await anew.first).toMatchObject({ capability: capable });
  expect(anew.said.map(({ op }) => op)).toEqual(['known', 'devices', 'heartbeat']);
  expect(anew.placed).toEqual([[one, '/ip4/192.0.2.1/tcp/1']]);
});

test('a heartbeat that was lost with the connection is not built upon', async () => {
  const [mine, theirs] = [nothingSaid(), nothingSaid()];
  const first = meet(['a'], ['a'], [mine, theirs]);
  await first.first;
  first.end();
  const lost = { ...capable, resources: { ...capable.resources, memoryFreeMb: 1 } };
  mine.heartbeats = [...mine.heartbeats, { capability: lost, runningRuns: 0, queuedRuns: 0, sessions: [] }];
  const again = meet(['a'], ['a'], [mine, theirs]);
  expect((await again.first).capability).toEqual(capable);
});
