/** Two processes that share a store, and an agent that comes to the one and to the other. */
import {
  Failure,
  newId,
  type DeviceId,
  type ProjectId,
  type Run,
  type RunId,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import type { Change, SharedStore } from '@markco/replica/store/shared-store';
import { createSharedMemory } from '@markco/replica/store/shared-memory.fixture';
import { expect, test } from 'vitest';
import { openHeld } from './held.ts';
import { createRunRows, type RunRow } from './run-rows.ts';

const ids = { now: () => 1_000, randomBytes: (count: number) => crypto.getRandomValues(new Uint8Array(count)) };
const agent = newId<DeviceId>(ids);
const userId = newId<UserId>(ids);
const now = { agent, userId, isConnected: true, since: 1_000, instance: 'i', runtimes: [] };
const rowOf = (state: Run['state'], id = newId<RunId>(ids)): RunRow => ({
  run: {
    ...{ id, userId, projectId: newId<ProjectId>(ids), sessionId: newId<SessionId>(ids), language: 'python', code: '' },
    ...{ state, routedTo: { hostType: 'device', deviceId: agent, reason: 'availability' } },
    createdAt: '2026-11-22T00:00:00.000Z',
  },
  ...{ agent, sent: true, cancelRequested: false, outputWritten: true },
});

async function openProcess(store: SharedStore) {
  const log = {
    write: (batch: Parameters<SharedStore['write']>[0]) => store.write(batch, { sync: true }),
    writeIf: async (change: Change) => (await store.commit([change]))[0] === true,
  };
  const process = newId(ids);
  const held = await openHeld({ store, log, shared: store, process, isUp: () => true });
  return { process, held, rows: createRunRows({ store, log, shared: store }) };
}

const startTwo = async () => {
  const memory = createSharedMemory(Math.random);
  return { one: await openProcess(memory.open()), two: await openProcess(memory.open()) };
};

test('whoever an agent has left writes nothing more of its runs, and neither does who had it before', async () => {
  const { one, two } = await startTwo();
  const first = await one.held.take(now);
  const row = rowOf('running');
  await one.rows.write(row, first);
  const second = await two.held.take(now);
  await expect(one.rows.write({ ...row, run: { ...row.run, state: 'failed' } }, first)).rejects.toThrow(Failure);
  expect(await one.held.say({ ...now, isConnected: false }, first)).toBe(false);
  expect(await two.rows.read(userId, row.run.id)).toMatchObject({ run: { state: 'running' } });
  await two.rows.write({ ...row, run: { ...row.run, state: 'completed' } }, second);
  expect(await one.rows.read(userId, row.run.id)).toMatchObject({ run: { state: 'completed' } });
  // Of the two each knows where it is once it has looked.
  await one.held.read(agent);
  expect([one.held.elsewhere(agent)?.process, two.held.elsewhere(agent)]).toEqual([two.process, undefined]);
  // Removed, it is nowhere, and who had it is as late as before.
  await one.held.take({ ...now, isConnected: false });
  await one.held.forget(agent);
  await two.held.read(agent);
  expect(two.held.last(agent)).toBeUndefined();
  await expect(two.rows.write(row, second)).rejects.toThrow(Failure);
  expect(await two.held.say(now, second)).toBe(false);
});

test('one that comes to both at once is at one of them in the end, at the version that counts', async () => {
  const { one, two } = await startTwo();
  for (let round = 0; round < 20; round++) {
    const versions = await Promise.all([one.held.take(now), two.held.take(now)]);
    expect(versions[0]).not.toBe(versions[1]);
    const last = versions[0] > versions[1] ? one : two;
    for (const { held } of [one, two]) expect((await held.read(agent))?.process).toBe(last.process);
  }
});

test('an id that is asked for at both at once is one run, and many are all there', async () => {
  const { one, two } = await startTwo();
  for (let round = 0; round < 20; round++) {
    const id = newId<RunId>(ids);
    const begun = await Promise.all([one, two].map(({ rows }) => rows.begin(rowOf('queued', id))));
    expect(begun.filter(Boolean)).toHaveLength(1);
  }
  expect(await one.rows.countOpen(agent, 100)).toBe(20);
  expect(await two.rows.countOpen(agent, 7)).toBe(7);
});
