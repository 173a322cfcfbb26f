import { expect, test, vi } from 'vitest';
import type { DocumentId } from '@markco/protocol';
import { eventually } from '../../../../setup/trials.ts';
import { createSimulatedDisk, type SimulatedDisk } from '../store/simulated.ts';
import { createLog, type StorageState } from './log.ts';
import { readTail } from './tail.ts';
import { laterTurns } from './device.fixture.ts';

const ONE = '00000000-0000-7000-8000-000000000001' as DocumentId;
const TWO = '00000000-0000-7000-8000-000000000002' as DocumentId;

function diskError(code: string): Error {
  return new Error('Database is not open', { cause: Object.assign(new Error(`IO error: ${code}`), { code }) });
}

function startLog(disk: Pick<SimulatedDisk, 'store'>) {
  const storage: StorageState[] = [];
  const log = createLog({ store: disk.store, now: () => 5, onStorage: (state) => void storage.push(state) });
  const positions = new Map<DocumentId, number>();
  const events: string[] = [];
  return {
    log,
    storage,
    events,
    append(documentId: DocumentId, size = 1): number {
      const seq = (positions.get(documentId) ?? 0) + 1;
      positions.set(documentId, seq);
      log.append({
        documentId,
        seq,
        origin: 'page',
        at: 1,
        update: new Uint8Array(size).fill(seq),
        readers: 1,
        passOn: () => void events.push(`passed on ${seq}`),
        written: () => void events.push(`written ${seq}`),
        durable: () => void events.push(`durable ${seq}`),
      });
      return seq;
    },
  };
}

/** The first byte of each update in the log: its position, if all is well. */
async function positionsOf(disk: SimulatedDisk, id: DocumentId): Promise<number[]> {
  return (await readTail(disk.store, id, 1)).map(({ update }) => update[0] ?? 0);
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test('updates are written in the order they came, the first at once, then one row a document a turn, and synced together before they count', async () => {
  const disk = createSimulatedDisk();
  const batches: [number, boolean][] = [];
  disk.fail = (batch, sync) => void batches.push([batch.length, sync]);
  const { log, append, events } = startLog(disk);
  // On a machine that is busy the first might be long ago by the second.
  const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  for (let i = 0; i < 5; i++) {
    append(ONE);
    append(TWO);
    // Whoever types waits for no turn of the loop: it was written and is passed on when this returns.
    expect(events).toEqual(['written 1']);
  }
  clock.mockRestore();
  await log.drained();
  expect(batches).toEqual([
    [1, false],
    [2, false],
    [1, true],
  ]);
  expect(events.slice(0, 10).every((event) => event.startsWith('written'))).toBe(true);
  expect(events.slice(10).every((event) => event.startsWith('durable'))).toBe(true);
  expect(await positionsOf(disk, ONE)).toEqual(upTo(5));
  expect(await positionsOf(disk, TWO)).toEqual(upTo(5));
});

for (const [how, code, hook] of [
  ['a write', 'ENOSPC', 'fail'],
  ['a write', 'EIO', 'fail'],
  ['a sync', 'EIO', 'failAfter'],
] as const) {
  test(`R3 after ${how} fails with ${code} nothing is acknowledged until the store was opened anew and all of it written again`, async () => {
    const disk = createSimulatedDisk();
    const { log, append, events, storage } = startLog(disk);
    append(ONE);
    await log.drained();
    let reopened = 0;
    disk[hook] = (batch, sync) => {
      if (batch.length === 0) reopened++;
      if (hook === 'fail' || sync) throw diskError(code);
    };
    append(ONE);
    await eventually('the failure is told', () => storage.length > 0);
    expect(storage[0]).toMatchObject({ ok: false, code: code === 'ENOSPC' ? 'disk_full' : 'storage_failed', since: 5 });
    expect(log.storage).toBe(storage[0]);
    for (let i = 0; i < 3; i++) append(ONE);
    await laterTurns(5);
    // Passed on to others, but acknowledged to nobody; other rows are refused.
    expect(events.filter((event) => event.startsWith('written'))).toHaveLength(5);
    expect(events.filter((event) => event.startsWith('durable'))).toEqual(['durable 1']);
    await expect(log.write([{ key: Uint8Array.of(1), value: Uint8Array.of(1) }])).rejects.toMatchObject({
      retryable: true,
    });
    if (hook === 'fail') await eventually('it tries to open anew', () => reopened > 0);
    disk[hook] = undefined;
    disk.cutPower(0);
    await eventually('it takes writes again', () => log.storage.ok, 2_000);
    expect(storage.map(({ ok }) => ok)).toEqual([false, true]);
    expect(events.filter((event) => event.startsWith('durable'))).toEqual(upTo(5).map((seq) => `durable ${seq}`));
    disk.cutPower(0);
    expect(await positionsOf(disk, ONE)).toEqual(upTo(5));
    await log.close();
  });
}

test('R3 updates that come while a sync fails and a write is under way keep their order in the log', async () => {
  const disk = createSimulatedDisk();
  const { log, append, events, storage } = startLog(disk);
  const gates: (() => void)[] = [];
  append(ONE);
  await eventually('the first is written', () => events.includes('written 1'));
  disk.delay = () => new Promise((resolve) => gates.push(resolve));
  await eventually('its sync is under way', () => gates.length === 1);
  append(ONE);
  await eventually('the second is being written', () => gates.length === 2);
  append(ONE);
  disk.fail = (_batch, sync) => {
    if (sync) throw diskError('EIO');
  };
  gates[0]?.();
  await eventually('the failure is told', () => storage.length > 0);
  append(ONE);
  gates[1]?.();
  await laterTurns(3);
  disk.delay = undefined;
  disk.fail = undefined;
  await eventually('it takes writes again', () => log.storage.ok, 2_000);
  await log.drained();
  disk.cutPower(0);
  expect(await positionsOf(disk, ONE)).toEqual(upTo(4));
  expect(events.filter((event) => event.startsWith('durable'))).toEqual(upTo(4).map((seq) => `durable ${seq}`));
});

test('R3 a sync that returns well after another write has failed acknowledges nothing', async () => {
  const disk = createSimulatedDisk();
  const { log, append, events } = startLog(disk);
  append(ONE);
  await eventually('it is written', () => events.includes('written 1'));
  const gates: (() => void)[] = [];
  disk.delay = () => new Promise((resolve) => gates.push(resolve));
  await eventually('its sync is under way', () => gates.length === 1);
  const other = log.write([{ key: Uint8Array.of(1), value: Uint8Array.of(1) }]);
  await eventually('the other write is under way', () => gates.length === 2);
  disk.fail = (batch) => {
    if (batch[0]?.key.length === 1) throw diskError('ENOSPC');
  };
  gates[1]?.();
  await expect(other).rejects.toMatchObject({ code: 'disk_full', retryable: true });
  gates[0]?.();
  await laterTurns(3);
  expect(events).toEqual(['written 1']);
  disk.delay = undefined;
  disk.fail = undefined;
  await eventually('it takes writes again', () => log.storage.ok, 2_000);
  expect(events).toEqual(['written 1', 'durable 1']);
});

test('while the disk refuses, 64 MiB are kept, and one byte more is refused with what to do', async () => {
  const disk = createSimulatedDisk();
  const { log, append, storage } = startLog(disk);
  disk.fail = () => {
    throw diskError('ENOSPC');
  };
  const half = 32 * 1024 * 1024;
  append(ONE, half);
  await eventually('the failure is told', () => storage.length > 0);
  log.admit(half);
  append(ONE, half);
  log.admit(0);
  expect(() => log.admit(1)).toThrow(expect.objectContaining({ code: 'disk_full', retryable: true }));
  disk.fail = undefined;
  await eventually('it takes writes again', () => log.storage.ok, 2_000);
  log.admit(half);
});

test('a log whose disk refuses for good can be closed', async () => {
  const disk = createSimulatedDisk();
  const { log, append } = startLog(disk);
  append(ONE);
  disk.fail = () => {
    throw diskError('EIO');
  };
  const closed = log.close();
  await closed;
  expect(log.storage.ok).toBe(false);
});

test('rows that overlap after a failure are read as one log, and a hole is refused', async () => {
  const disk = createSimulatedDisk();
  const { log, append } = startLog(disk);
  for (let i = 0; i < 3; i++) append(ONE);
  await log.drained();
  disk.failAfter = () => {
    throw diskError('EIO');
  };
  append(ONE);
  append(ONE);
  await eventually('the failure is told', () => !log.storage.ok);
  append(ONE);
  disk.failAfter = undefined;
  await eventually('it takes writes again', () => log.storage.ok, 2_000);
  expect(await positionsOf(disk, ONE)).toEqual(upTo(6));
  expect((await readTail(disk.store, ONE, 3, 5)).map(({ seq }) => seq)).toEqual([3, 4, 5]);
  await disk.store.write([{ key: (await firstKey(disk)) as Uint8Array, value: null }], { sync: true });
  await expect(readTail(disk.store, ONE, 1)).rejects.toMatchObject({ code: 'storage_failed' });
});

async function firstKey(disk: SimulatedDisk): Promise<Uint8Array | undefined> {
  for await (const [key] of disk.store.range({ gte: Uint8Array.of(0x75), lt: Uint8Array.of(0x76) })) return key;
  return undefined;
}

test('R3 the log is well again though somebody types through every synced write of its recovery', async () => {
  const disk = createSimulatedDisk();
  const { log, append, storage, events } = startLog(disk);
  let refuses = true;
  let typed = 0;
  disk.fail = (_batch, sync) => {
    if (refuses && sync) {
      refuses = false;
      throw diskError('EIO');
    }
    // More than a recovery may wait for.
    if (sync && !log.storage.ok && typed < 200) {
      typed++;
      append(ONE);
    }
  };
  append(ONE);
  await eventually('the disk to refuse', () => storage.length === 1);
  await eventually('the disk to be well again', () => storage.length === 2);
  expect(storage[1]).toEqual({ ok: true });
  expect(typed).toBeLessThan(10);
  await log.drained();
  const count = 1 + typed;
  expect(await positionsOf(disk, ONE)).toEqual(upTo(count));
  expect(events.filter((event) => event.startsWith('written'))).toEqual(upTo(count).map((seq) => `written ${seq}`));
  expect(events.filter((event) => event.startsWith('durable'))).toEqual(upTo(count).map((seq) => `durable ${seq}`));
  await log.close();
});

test('a store that is far: passed on before it is written there, acknowledged once it is, by one commit a group', async () => {
  const disk = createSimulatedDisk();
  const batches: boolean[] = [];
  disk.fail = (_batch, sync) => void batches.push(sync);
  let commit = (): void => undefined;
  disk.delay = () => new Promise((resolve) => (commit = resolve));
  const { append, events, log } = startLog({ ...disk, store: { ...disk.store, isFar: true } });
  for (let group = 0; group < 2; group++) {
    const before = events.length;
    for (let i = 0; i < 3; i++) append(ONE);
    const of = (what: string): string[] => [1, 2, 3].map((seq) => `${what} ${3 * group + seq}`);
    await eventually('all are passed on', () => events.length === before + 3);
    expect(events.slice(before)).toEqual(of('passed on'));
    await eventually('the group is there', () => {
      commit();
      return events.length > before + 3;
    });
    await log.drained();
    expect(events.slice(before + 3)).toEqual([...of('written'), ...of('durable')]);
  }
  expect(batches).toEqual([true, true]);
  await log.close();
});

test('R5 a far store that fails: nothing is acknowledged until it was opened anew and all of it is there', async () => {
  const disk = createSimulatedDisk();
  const { append, events, log, storage } = startLog({ ...disk, store: { ...disk.store, isFar: true } });
  disk.fail = () => {
    throw diskError('EIO');
  };
  for (let i = 0; i < 3; i++) append(ONE);
  await eventually('the failure is told', () => storage.length > 0);
  await laterTurns(5);
  expect(events.filter((event) => event.startsWith('passed on'))).toHaveLength(3);
  expect(events.filter((event) => event.startsWith('durable'))).toEqual([]);
  disk.fail = undefined;
  await eventually('it takes writes again', () => log.storage.ok, 2_000);
  expect(events.filter((event) => event.startsWith('durable'))).toEqual(upTo(3).map((seq) => `durable ${seq}`));
  expect(await positionsOf(disk, ONE)).toEqual(upTo(3));
  await log.close();
});
