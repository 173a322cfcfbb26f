/**
 * R2: a device loses its power, or is killed, at any moment of typing, syncing and compacting, several times on one
 * disk that keeps any part of what was not synced. Whatever was acknowledged is there afterwards, once and whole.
 */
import { expect, test } from 'vitest';
import { chance, trials } from '../../../../setup/trials.ts';
import { createSimulatedDisk, type SimulatedDisk } from '../store/simulated.ts';
import { DOCUMENT, laterTurns, sitDown, startDevice, textOf, timesIn, type Device } from './device.fixture.ts';
import { docAt } from './history.ts';
import type { Room } from './room.ts';

/** Cases that wait for their timers side by side. */
const AT_ONCE = 250;

test('R2 a power cut at any moment loses nothing that was acknowledged, tears nothing and doubles nothing', async () => {
  const { numRuns, seed } = trials('R2 power cuts on a simulated disk', 20_000);
  const tally = { acknowledged: 0, lost: 0, compactions: 0, failures: 0 };
  for (let from = 0; from < numRuns; from += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, numRuns - from) }, (_, index) => life(seed + from + index, tally)),
    );
  }
  console.log(
    `  ${tally.acknowledged} edits acknowledged, ${tally.lost} others lost, ${tally.compactions} compactions, ${tally.failures} failing disks`,
  );
  expect(tally.acknowledged).toBeGreaterThan(numRuns);
  // The disk does lie, or nothing was shown.
  expect(tally.lost).toBeGreaterThan(numRuns / 20);
  expect(tally.compactions).toBeGreaterThan(numRuns / 20);
}, 600_000);

async function life(
  seed: number,
  tally: { acknowledged: number; lost: number; compactions: number; failures: number },
): Promise<void> {
  const next = chance(seed);
  const upTo = (end: number) => Math.floor(next() * end);
  const disk = createSimulatedDisk();
  const typed: string[] = [];
  const acknowledged: string[] = [];
  let lives = 1 + upTo(3);
  for (; lives > 0; lives--) {
    const device = startDevice(disk, { delay: () => laterTurns(upTo(3)) });
    const room = await device.rooms.open(DOCUMENT);
    check(seed, textOf(room), typed, acknowledged);
    const typists = [sitDown(room), sitDown(room)];
    if (upTo(20) === 0) {
      tally.failures++;
      let writes = upTo(6);
      disk[upTo(2) === 0 ? 'fail' : 'failAfter'] = () => {
        if (writes-- <= 0) throw new Error('EIO');
      };
    }
    for (let steps = 3 + upTo(10); steps > 0; steps--) {
      const choice = upTo(10);
      if (choice < 6) {
        const marker = `⟦${typed.length}⟧`;
        typed.push(marker);
        typists[upTo(2)]?.type(marker);
      } else if (choice < 8) await laterTurns(1 + upTo(4));
      else if (choice === 8) await new Promise((resolve) => setTimeout(resolve, 3));
      else {
        tally.compactions++;
        const compacted = device.rooms.compact(room);
        if (upTo(2) === 0 && device.log.storage.ok) await Promise.race([compacted, laterTurns(20)]);
      }
    }
    acknowledged.push(...typists.flatMap((typist) => typist.saved()));
    if (upTo(4) === 0) device.kill();
    else device.cutPower(upTo(disk.unsynced() + 2));
    disk.fail = undefined;
    disk.failAfter = undefined;
  }
  const device = startDevice(disk);
  const room = await device.rooms.open(DOCUMENT);
  const text = textOf(room);
  check(seed, text, typed, acknowledged);
  const moment = upTo(room.seq + 1);
  const past = await docAt(device.store, DOCUMENT, moment, room.baseSeq + 1, room.tail);
  check(seed, past.getText('content').toString(), typed, []);
  await device.close();
  tally.acknowledged += acknowledged.length;
  tally.lost += typed.filter((marker) => timesIn(text, marker) === 0).length;
}

function check(seed: number, text: string, typed: readonly string[], acknowledged: readonly string[]): void {
  const counts = new Map<string, number>();
  const rest = text.replaceAll(/⟦\d+⟧/g, (marker) => {
    counts.set(marker, (counts.get(marker) ?? 0) + 1);
    return '';
  });
  if (rest !== '') throw new Error(`torn with MARKCO_SEED=${seed}: ${rest}`);
  for (const [marker, count] of counts)
    if (count > 1 || !typed.includes(marker))
      throw new Error(`${marker} is there ${count} times with MARKCO_SEED=${seed}`);
  for (const marker of acknowledged)
    if (!counts.has(marker)) throw new Error(`${marker} was acknowledged and is lost with MARKCO_SEED=${seed}`);
}

async function typedInto(device: Device, markers: readonly string[]): Promise<Room> {
  const room = await device.rooms.open(DOCUMENT);
  const typist = sitDown(room);
  for (const marker of markers) typist.type(marker);
  await device.log.drained();
  room.leave(typist.member);
  return room;
}

const MARKERS = Array.from({ length: 60 }, (_, index) => `⟦${index}⟧`);

async function expectAll(disk: SimulatedDisk, markers: readonly string[]): Promise<void> {
  const device = startDevice(disk);
  const room = await device.rooms.open(DOCUMENT);
  for (const marker of markers) expect(timesIn(textOf(room), marker), marker).toBe(1);
  for (let seq = 0; seq <= room.seq; seq++) {
    const past = await docAt(device.store, DOCUMENT, seq, room.baseSeq + 1, room.tail);
    expect(past.getText('content').toString().match(/⟦/g)?.length ?? 0).toBe(seq);
  }
  await device.close();
}

test('a compaction that is cut anywhere leaves the document and its whole history', async () => {
  for (const [where, keep] of ['before', 'in', 'after'].flatMap((at) => [0, 1, 2].map((kept) => [at, kept] as const))) {
    const disk = createSimulatedDisk();
    const device = startDevice(disk);
    const room = await typedInto(device, MARKERS);
    const unsynced = sitDown(room);
    if (where === 'in') {
      disk.failAfter = (_batch, sync) => {
        if (sync) throw new Error('cut');
      };
    }
    const work = device.rooms.compact(room);
    if (where === 'before') device.cutPower(keep);
    else await work;
    unsynced.type('⟦60⟧');
    await laterTurns(3);
    if (where !== 'before') device.cutPower(keep);
    disk.failAfter = undefined;
    const markers = [...MARKERS, ...unsynced.saved()];
    const again = startDevice(disk);
    const loaded = await again.rooms.open(DOCUMENT);
    for (const marker of markers) expect(timesIn(textOf(loaded), marker)).toBe(1);
    await again.close();
    await expectAll(disk, markers);
  }
});

test('a compaction that the disk took and denied is found out, and the next one goes on from it', async () => {
  const disk = createSimulatedDisk();
  const device = startDevice(disk);
  const room = await typedInto(device, MARKERS);
  disk.failAfter = (_batch, sync) => {
    if (sync) throw new Error('EIO');
  };
  await device.rooms.compact(room);
  disk.failAfter = undefined;
  await expect.poll(() => device.log.storage.ok, { timeout: 2_000 }).toBe(true);
  expect(device.troubles).toHaveLength(1);
  const typist = sitDown(room);
  typist.type('⟦60⟧');
  await device.log.drained();
  await device.rooms.compact(room);
  expect(device.troubles).toHaveLength(1);
  expect(room.baseSeq).toBe(61);
  disk.cutPower(0);
  await expectAll(disk, [...MARKERS, '⟦60⟧']);
});

test('M3 a document that cannot be loaded is refused, and nothing is written in its place', async () => {
  const disk = createSimulatedDisk();
  const device = startDevice(disk);
  await typedInto(device, MARKERS);
  await device.close();
  const writes: unknown[] = [];
  disk.fail = (batch) => void writes.push(batch);
  const broken = startDevice(disk);
  const whole = disk.store.range;
  for (const failing of [
    () => {
      throw new Error('EIO');
    },
    async function* () {
      for await (const [key, bytes] of whole({ gte: Uint8Array.of(0), lt: Uint8Array.of(255) }))
        if (key[0] === 0x75) yield [key, bytes.subarray(0, bytes.length - 3)] as const;
    },
  ]) {
    broken.store.range = failing as typeof whole;
    await expect(broken.rooms.open(DOCUMENT)).rejects.toThrow();
    await expect(
      broken.documents.edit(DOCUMENT, 0, [{ author: 1, edits: [{ at: 0, remove: 0, insert: 'a' }] }], 'page'),
    ).rejects.toThrow();
    expect(broken.rooms.peek(DOCUMENT)).toBeUndefined();
  }
  expect(writes).toEqual([]);
  broken.store.range = whole;
  expect(timesIn(textOf(await broken.rooms.open(DOCUMENT)), '⟦0⟧')).toBe(1);
});

test('M3 a document whose beginning cannot be read is refused, and opens once it can', async () => {
  let readable = false;
  const imported: number[] = [];
  const device = startDevice(undefined, {
    beginning: async () => {
      if (!readable) throw new Error('EIO');
      return { text: 'from the file', imported: async (seq: number) => void imported.push(seq) };
    },
  });
  await expect(device.rooms.open(DOCUMENT)).rejects.toThrow('EIO');
  readable = true;
  const room = await device.rooms.open(DOCUMENT);
  expect(textOf(room)).toBe('from the file');
  expect(imported).toEqual([1]);
});

test('a record of a newer program is refused, never guessed at', async () => {
  const disk = createSimulatedDisk();
  const device = startDevice(disk);
  await typedInto(device, MARKERS);
  await device.rooms.compact(await device.rooms.open(DOCUMENT));
  await device.close();
  for await (const [key, bytes] of disk.store.range({ gte: Uint8Array.of(0x73), lt: Uint8Array.of(0x74) })) {
    const newer = bytes.slice();
    newer[1] = 1;
    await disk.store.write([{ key, value: newer }], { sync: true });
  }
  await expect(startDevice(disk).rooms.open(DOCUMENT)).rejects.toMatchObject({ code: 'unsupported' });
});
