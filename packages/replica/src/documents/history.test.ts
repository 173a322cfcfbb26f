import fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { chance, trials } from '../../../../setup/trials.ts';
import { createSimulatedDisk } from '../store/simulated.ts';
import { DOCUMENT, sitDown, startDevice, textOf, type Device } from './device.fixture.ts';
import { docAt, lastKeyframe } from './history.ts';

async function textAt(device: Device, seq: number): Promise<string> {
  const room = await device.rooms.open(DOCUMENT);
  return (await docAt(device.store, DOCUMENT, seq, room.baseSeq + 1, room.tail)).getText('content').toString();
}

test('any moment is what it was, through edits, compactions and restarts in any order', async () => {
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ at: fc.nat(500), remove: fc.nat(3), insert: fc.constantFrom('', 'a', 'bcd', '😀', '\n') }),
    },
    { weight: 1, arbitrary: fc.constant('compact' as const) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const disk = createSimulatedDisk();
      let device = startDevice(disk);
      let room = await device.rooms.open(DOCUMENT);
      let typist = sitDown(room);
      const was = [''];
      for (const one of steps) {
        if (one === 'compact') {
          await device.rooms.compact(room);
        } else if (one === 'restart') {
          await device.log.drained();
          device.cutPower(0);
          device = startDevice(disk);
          room = await device.rooms.open(DOCUMENT);
          typist = sitDown(room);
        } else {
          const text = typist.doc.getText('content');
          const at = one.at % (text.length + 1);
          typist.doc.transact(() => {
            text.delete(at, Math.min(one.remove, text.length - at));
            text.insert(at, one.insert);
          });
          if (room.seq === was.length) was.push(text.toString());
        }
      }
      await device.log.drained();
      expect(room.seq).toBe(was.length - 1);
      for (const [seq, text] of was.entries()) expect(await textAt(device, seq)).toBe(text);
      await expect(textAt(device, was.length)).rejects.toMatchObject({ code: 'not_found' });
      await device.close();
    }),
    trials('histories with compactions and restarts', 200),
  );
});

test('a moment is brought back as a further edit, which loses nothing since, neither here nor for others', async () => {
  const device = startDevice();
  const room = await device.rooms.open(DOCUMENT);
  const typist = sitDown(room);
  for (const marker of ['⟦1⟧', '⟦2⟧', '⟦3⟧']) typist.type(marker);
  await device.rooms.compact(room);
  const then = await textAt(device, 1);
  const now = await device.documents.read(DOCUMENT);
  await device.documents.edit(
    DOCUMENT,
    now.seq,
    [{ author: 7, edits: [{ at: 0, remove: now.text.length, insert: then }] }],
    'restore',
  );
  expect(room.seq).toBe(4);
  expect(typist.doc.getText('content').toString()).toBe(then);
  expect(textOf(room)).toBe(then);
  expect(await textAt(device, 3)).toBe(now.text);
  const { moments, seq } = await device.documents.moments(DOCUMENT);
  expect(seq).toBe(4);
  expect(moments.map(({ by, seq: at, edits }) => [by, at, edits])).toEqual([
    ['page', 3, 3],
    ['restore', 4, 1],
  ]);
  await device.close();
});

test('edits by one hand within two minutes are one moment, for ten minutes at most', async () => {
  let now = 1_700_000_000_000;
  const device = startDevice(undefined, { now: () => now });
  const typist = sitDown(await device.rooms.open(DOCUMENT));
  for (const pause of [0, 60_000, 119_000, 121_000, ...Array.from({ length: 8 }, () => 100_000)]) {
    now += pause;
    typist.type('⟦x⟧');
  }
  await device.log.drained();
  const { moments } = await device.documents.moments(DOCUMENT);
  expect(moments.map(({ seq }) => seq)).toEqual([3, 10, 12]);
  expect(Date.parse(moments.at(-1)?.at ?? '')).toBe(now);
  await device.close();
});

test('a real paper of 259,778 edits: the text at 20 random moments is that of the replay, and none is far from a whole state', async () => {
  const { seed } = trials('moments of a real trace', 20);
  const next = chance(seed);
  const trace = JSON.parse(
    gunzipSync(await readFile(join(import.meta.dirname, '../../../../test/traces/automerge-paper.json.gz'))).toString(),
  ) as {
    readonly edits: readonly (readonly [number, number, string])[];
    readonly finalText: string;
  };
  const total = trace.edits.length;
  const wanted = new Set(Array.from({ length: 19 }, () => Math.floor(next() * total)).concat(total));
  const device = startDevice(createSimulatedDisk());
  const room = await device.rooms.open(DOCUMENT);
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => void updates.push(update));
  const expected = new Map<number, string>();
  // What is before the last edit, and what is behind it, backwards: most edits are beside the one before.
  const before: string[] = [];
  const behind: string[] = [];
  for (const [index, [at, remove, insert]] of trace.edits.entries()) {
    const text = doc.getText('content');
    doc.transact(() => {
      if (remove > 0) text.delete(at, remove);
      if (insert !== '') text.insert(at, insert);
    });
    while (before.length > at) behind.push(before.pop() ?? '');
    while (before.length < at) before.push(behind.pop() ?? '');
    behind.length -= remove;
    before.push(...insert.split(''));
    if (wanted.has(index + 1)) expected.set(index + 1, before.join('') + behind.toReversed().join(''));
  }
  expect(updates).toHaveLength(total);
  for (let from = 0; from < total; from += 5_000) {
    await Promise.all(updates.slice(from, from + 5_000).map((update) => room.submit(update, 'page')));
    await device.rooms.compact(room);
  }
  expect(room.seq).toBe(total);
  const times: number[] = [];
  for (const [seq, text] of expected) {
    const began = performance.now();
    expect(await textAt(device, seq)).toBe(text);
    times.push(performance.now() - began);
  }
  expect(expected.get(total)).toBe(trace.finalText);
  expect(textOf(room)).toBe(trace.finalText);
  expect(total - (await lastKeyframe(device.store, DOCUMENT))).toBeLessThan(10_000);
  console.log(
    `  shown in ${Math.round(times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0)} ms (median), ${Math.round(times.at(-1) ?? 0)} ms at most`,
  );
  await device.close();
}, 120_000);
