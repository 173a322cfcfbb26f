/** R14: what comes from a host is on this disk once, in order, whatever breaks in between. */
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client, RunFollower } from '@markco/client';
import { newId, type DeviceId, type Run, type RunEvent, type RunId } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import { eventually, ids, quiet } from '../../runs/runs.fixture.ts';
import { openLevelStore } from '@markco/replica/store/level';
import { createCarriers } from './carry.ts';
import { createRunCopies } from './copies.ts';

const never = new AbortController().signal;
const [BOX, NAS, SUBMITTER] = [newId<DeviceId>(ids), newId<DeviceId>(ids), newId<DeviceId>(ids)];

type Asked = { readonly host: DeviceId; readonly fromSeq: number; readonly to: RunFollower; isStopped: boolean };
type World = Awaited<ReturnType<typeof open>>;

async function open(home: string) {
  const store = await openLevelStore(path.join(home, 'store'));
  const asked: Asked[] = [];
  const copied: RunId[] = [];
  const copies = createRunCopies({ home, store, log: quiet, isInUse: (id) => carriers.isCarried(id) });
  const clientOf = (host: DeviceId): Client =>
    ({
      followRun(_: RunId, fromSeq: number, to: RunFollower) {
        const one: Asked = { host, fromSeq, to, isStopped: false };
        asked.push(one);
        return () => void (one.isStopped = true);
      },
    }) as unknown as Client;
  const away = new Set<DeviceId>();
  const source = async (_: RunId, host: DeviceId): Promise<{ client: Client; isHost: boolean }> =>
    away.has(host) ? { client: clientOf(SUBMITTER), isHost: false } : { client: clientOf(host), isHost: true };
  const carriers = createCarriers({
    ...{ copies, source, onEvent: () => undefined },
    onCopied: ({ id }) => void copied.push(id),
    onTrouble: () => undefined,
  });
  return {
    ...{ home, copies, carriers, asked, copied, away },
    /** The question of this number, once it was asked. */
    async follow(index: number): Promise<Asked> {
      await eventually(() => asked.length > index);
      return asked[index] as Asked;
    },
    lines: async (id: RunId): Promise<number[]> =>
      (await readFile(fileOf(home, id), 'utf8'))
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as RunEvent).seq),
    async close() {
      await carriers.close();
      await copies.close();
      await store.close();
    },
  };
}

const fileOf = (home: string, id: RunId): string => path.join(home, 'runs-elsewhere', id, 'events.jsonl');

const test = base.extend<{ home: string; world: World }>({
  home: async ({}, use) => {
    const home = await mkdtemp(path.join(tmpdir(), 'markco-copies-'));
    await use(home);
    await rm(home, { recursive: true });
  },
  world: async ({ home }, use) => {
    const world = await open(home);
    await use(world);
    await world.close();
  },
});

function runOf(state: Run['state'] = 'running', at = ids.now()): Run {
  const id = newId<RunId>({ ...ids, now: () => at });
  return {
    ...{ id, userId: newId(ids), projectId: newId(ids), sessionId: newId(ids), language: 'python', code: '1', state },
    routedTo: { hostType: 'device', deviceId: BOX, reason: 'availability' },
    createdAt: new Date(at).toISOString(),
  } as Run;
}

const event = ({ id }: Run, seq: number, text = `${seq}\n`): RunEvent =>
  ({
    ...{ id: newId(ids), runId: id, seq, createdAt: new Date(ids.now()).toISOString() },
    ...{ type: 'stdout', payload: { text } },
  }) as RunEvent;
const last = ({ id }: Run, seq: number): RunEvent =>
  ({
    ...event({ id } as Run, seq),
    type: 'result',
    payload: { data: null, executionCount: 1, durationMs: 1 },
  }) as RunEvent;

async function read(world: World, { id }: Run, fromSeq = 0): Promise<number[]> {
  const seqs: number[] = [];
  const from = (signal: AbortSignal) => world.copies.follow(id, fromSeq, signal);
  for await (const { seq } of world.carriers.during(id, BOX, from, never)) seqs.push(seq);
  return seqs;
}

test('what was submitted here goes on after a kill from the last whole event, and a torn one is taken again', async ({
  home,
}) => {
  const run = runOf();
  const before = await open(home);
  await before.copies.put(run, BOX, { mine: true });
  await before.carriers.submitted(run.id, BOX);
  const first = await before.follow(0);
  expect(first).toMatchObject({ host: BOX, fromSeq: 0 });
  for (const seq of [0, 1, 2]) first.to.onEvent(event(run, seq));
  await eventually(async () => (await before.lines(run.id).catch(() => [])).length === 3);
  await before.close();
  await appendFile(fileOf(home, run.id), JSON.stringify(event(run, 3)).slice(0, 40));

  const after = await open(home);
  expect(after.copies.get(run.id)).toMatchObject({ mine: true, complete: false });
  const reading = read(after, run);
  const again = await after.follow(0);
  expect(again.fromSeq).toBe(3);
  again.to.onEvent(event(run, 3));
  again.to.onEvent(last(run, 4));
  again.to.onEnd({ ...run, state: 'completed' });
  expect(await reading).toEqual([0, 1, 2, 3, 4]);
  expect(await after.lines(run.id)).toEqual([0, 1, 2, 3, 4]);
  expect(after.copies.get(run.id)).toMatchObject({ complete: true, run: { state: 'completed' } });
  // Late news of it changes nothing.
  await after.copies.put(run, BOX);
  expect(after.copies.get(run.id)).toMatchObject({ complete: true, run: { state: 'completed' } });
  await after.close();
});

test('while its host is away it is taken from who has a copy, and from the host again once that is back', async ({
  world,
}) => {
  const run = runOf();
  await world.copies.put(run, BOX);
  world.away.add(BOX);
  const reading = read(world, run);
  const copy = await world.follow(0);
  expect(copy.host).toBe(SUBMITTER);
  copy.to.onEvent(event(run, 0));
  await eventually(async () => (await world.lines(run.id)).length === 1);
  world.carriers.hostIsBack(NAS);
  expect(copy.isStopped).toBe(false);
  world.away.clear();
  world.carriers.hostIsBack(BOX);
  const host = await world.follow(1);
  expect([copy.isStopped, host.host, host.fromSeq]).toEqual([true, BOX, 1]);
  world.carriers.hostIsBack(BOX);
  expect(host.isStopped).toBe(false);
  host.to.onEvent(last(run, 1));
  host.to.onEnd({ ...run, state: 'completed' });
  expect(await reading).toEqual([0, 1]);
});

test('an end that comes before the last event is not believed', async ({ world }) => {
  const run = runOf();
  await world.copies.put(run, BOX);
  const reading = read(world, run);
  const ended: Run = { ...run, state: 'completed' };
  const one = await world.follow(0);
  one.to.onEvent(event(run, 0));
  one.to.onEnd(ended);
  const two = await world.follow(1);
  expect(two.fromSeq).toBe(1);
  two.to.onEvent(event(run, 1));
  two.to.onEvent(last(run, 2));
  two.to.onEnd(ended);
  expect(await reading).toEqual([0, 1, 2]);
});

test('a host that keeps no events of a run that ended is asked three times, and then there are none', async ({
  world,
}) => {
  const run = runOf();
  await world.copies.put(run, BOX);
  const reading = read(world, run);
  for (const index of [0, 1, 2]) (await world.follow(index)).to.onEnd({ ...run, state: 'failed' });
  expect(await reading).toEqual([]);
  expect(world.copied).toEqual([run.id]);
});

test('what comes faster than it is written is left at its host and asked for again', async ({ world }) => {
  const run = runOf();
  await world.copies.put(run, BOX);
  const reading = read(world, run);
  const one = await world.follow(0);
  const large = 'x'.repeat(1024 * 1024);
  for (let seq = 0; seq < 10; seq++) one.to.onEvent(event(run, seq, large));
  const two = await world.follow(1);
  expect([one.isStopped, two.fromSeq]).toEqual([true, 10]);
  two.to.onEvent(last(run, 10));
  two.to.onEnd({ ...run, state: 'completed' });
  expect(await reading).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('many readers are one question, which ends with the last of them, and begins anew with the next', async ({
  world,
}) => {
  const run = runOf();
  await world.copies.put(run, BOX);
  const stops = [new AbortController(), new AbortController()];
  const readings = stops.map(async ({ signal }) => {
    const from = (until: AbortSignal) => world.copies.follow(run.id, 0, until);
    for await (const _ of world.carriers.during(run.id, BOX, from, signal));
  });
  const one = await world.follow(0);
  one.to.onEvent(event(run, 0));
  stops[0]?.abort();
  await readings[0];
  expect([world.asked.length, one.isStopped, world.carriers.isCarried(run.id)]).toEqual([1, false, true]);
  stops[1]?.abort();
  await readings[1];
  // Before the first question has let go of its file.
  const reading = read(world, run);
  const two = await world.follow(1);
  expect([one.isStopped, two.fromSeq]).toEqual([true, 1]);
  two.to.onEvent(last(run, 1));
  two.to.onEnd({ ...run, state: 'completed' });
  expect(await reading).toEqual([0, 1]);
});

test('one that goes to another device is followed there, and a host that cannot go on says why after what it said', async ({
  world,
}) => {
  const run = runOf();
  await world.copies.put(run, BOX, { mine: true });
  await world.carriers.submitted(run.id, BOX);
  const one = await world.follow(0);
  await world.carriers.submitted(run.id, NAS);
  const two = await world.follow(1);
  expect([one.isStopped, two.host]).toEqual([true, NAS]);
  two.to.onEvent(event(run, 0));
  const seen: number[] = [];
  const reading = (async () => {
    const from = (until: AbortSignal) => world.copies.follow(run.id, 0, until);
    for await (const { seq } of world.carriers.during(run.id, NAS, from, never)) seen.push(seq);
  })();
  await eventually(() => seen.length === 1);
  two.to.onError?.({ code: 'storage_failed', message: 'Its disk is broken.' });
  await expect(reading).rejects.toMatchObject({ code: 'storage_failed' });
  expect(world.carriers.isCarried(run.id)).toBe(false);
});

test('the oldest go past the bound, but none that is still being copied', async ({ world }) => {
  const runs = Array.from({ length: 3 }, (_, n) => runOf('completed', 1_700_000_000_000 + n));
  for (const run of runs) {
    await world.copies.put(run, BOX, { complete: true });
    await using file = await world.copies.open(run.id);
    await file.append([JSON.stringify(last(run, 0))], true);
  }
  const [oldest, older, newest] = runs as [Run, Run, Run];
  await world.carriers.submitted(oldest.id, BOX);
  await world.copies.keepWithinBounds({ runsMax: 1 });
  expect((await readdir(path.join(world.home, 'runs-elsewhere'))).toSorted()).toEqual(
    [oldest.id, newest.id].toSorted(),
  );
  expect(world.copies.get(older.id)).toBeNull();
});

test('a run that is new here is asked for at once; where its file has events after all, it goes on behind them', async ({
  world,
}) => {
  const run = runOf();
  await world.copies.put(run, BOX, { mine: true });
  {
    await using left = await world.copies.open(run.id);
    await left.append([JSON.stringify(event(run, 0)), JSON.stringify(event(run, 1))], false);
  }
  await world.carriers.submitted(run.id, BOX, true);
  const first = await world.follow(0);
  expect(first.fromSeq).toBe(0);
  first.to.onEvent(event(run, 0));
  const second = await world.follow(1);
  expect([second.fromSeq, first.isStopped]).toEqual([2, true]);
  second.to.onEvent(last(run, 2));
  second.to.onEnd({ ...run, state: 'completed' });
  await eventually(() => world.copied.length === 1);
  expect(await world.lines(run.id)).toEqual([0, 1, 2]);
});
