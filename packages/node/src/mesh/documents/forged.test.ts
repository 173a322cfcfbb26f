/** T11, M10: nobody writes under the name of somebody else who is writing, so no replica keeps what differs for ever. */
import { encodeFrame, decodeFrame, newId, type DeviceId } from '@markco/protocol';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { chance, trials } from '../../../../../setup/trials.ts';
import type { Room } from '@markco/replica/documents/room';
import type { Member } from '@markco/replica/documents/seat';
import { pageOf, SOON, three } from './page.fixture.ts';

const FORGED = 10_000;

/** Text under this id from this clock on, as its writer could have written it: after everything that the forger has seen. */
function forge(seen: Y.Doc, client: number, clock: number, text: string): Uint8Array {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(seen));
  const before = Y.encodeStateVector(doc);
  const known = Y.getState(doc.store, client);
  if (clock < known) {
    // Over what is there: a document in which the writer had written something else.
    const other = new Y.Doc();
    other.clientID = client;
    other.getText('content').insert(0, `${'?'.repeat(clock)}${text}`);
    return Y.encodeStateAsUpdate(other);
  }
  doc.clientID = client;
  if (clock > known) doc.getText('content').insert(0, '.'.repeat(clock - known));
  const from = clock > known ? Y.encodeStateVector(doc) : before;
  doc.getText('content').insert(0, text);
  return Y.encodeStateAsUpdate(doc, from);
}

test(`T11 ${FORGED} forged edits to both a writer's device and another: none is taken, and what the writer goes on to write is everywhere`, async () => {
  const { numRuns, seed } = trials('T11 forged edits', FORGED);
  const random = chance(seed);
  await using world = await three();
  const { v, c, m, id } = world;
  const page = await pageOf(v, id);
  for (const word of ['honest ', 'words ']) page.text.insert(0, word);
  await expect.poll(async () => new Set(await world.texts()).size, SOON).toBe(1);
  const seen = new Y.Doc();
  for (const update of (await m.rooms.open(id)).updates()) Y.applyUpdate(seen, update);
  const client = page.doc.clientID;
  const next = Y.getState(seen.store, client);
  expect(next).toBe('honest words '.length);

  const rooms: readonly Room[] = [await v.rooms.open(id), await c.rooms.open(id)];
  const outcomes = { refused: 0, passedOver: 0 };
  for (let trial = 0; trial < numRuns; trial++) {
    const room = rooms[trial % 2];
    const member: Member = { readOnly: false, device: m.deviceId, send: () => undefined, refuse: () => undefined };
    room?.join(member);
    const kind = random();
    const clock = kind < 0.6 ? next : kind < 0.8 ? next + 1 + Math.floor(random() * 50) : Math.floor(random() * next);
    let update = forge(seen, client, clock, `forged ${trial}`);
    if (random() < 0.02) {
      // Together with an edit under an id of the forger's own, which is taken, and alone.
      const own = new Y.Doc();
      own.getText('content').insert(0, 'mine');
      update = Y.mergeUpdates([update, Y.encodeStateAsUpdate(own)]);
    }
    try {
      room?.receive(member, encodeFrame({ type: random() < 0.5 ? 'update' : 'step2', update }));
      outcomes.passedOver++;
    } catch {
      outcomes.refused++;
    }
    room?.leave(member);
  }
  console.log(`  ${numRuns} forged: ${outcomes.passedOver} passed over, ${outcomes.refused} refused`);
  for (const room of rooms) expect(room.summary.clocks.get(client)).toBe(next);
  const untouched = async () => (await world.texts()).map((text) => text.replaceAll('mine', ''));
  await expect.poll(untouched, SOON).toEqual(Array.from({ length: 3 }, () => 'words honest # One\n'));
  expect((await world.texts())[0]).toContain('mine');
  expect(outcomes.passedOver * outcomes.refused).toBeGreaterThan(0);

  for (let n = 0; n < 100; n++) page.text.insert(page.text.length, `more ${n};`);
  await m.type(id, 0, 'the forger writes under its own name, and that is taken; ');
  await expect
    .poll(async () => {
      const [first, ...others] = await world.texts();
      return others.every((text) => text === first) && first === page.text.toString() && first.includes('its own name');
    }, SOON)
    .toBe(true);
  expect(page.text.toString()).toContain(Array.from({ length: 100 }, (_, n) => `more ${n};`).join(''));
  expect(page.text.toString()).not.toContain('forged');
  expect(page.refused).toEqual([]);
});

test('M10 a device that writes in advance what somebody is about to write is not believed by anybody, and the others agree', async () => {
  await using world = await three();
  const { v, c, m, id } = world;
  const page = await pageOf(v, id);
  page.text.insert(0, 'typed ');
  await expect.poll(async () => new Set(await world.texts()).size, SOON).toBe(1);
  const seen = new Y.Doc();
  const room = await m.rooms.open(id);
  for (const update of room.updates()) Y.applyUpdate(seen, update);
  const before = [v, c].map(({ waste }) => waste.cost);
  // It is in its own log, and its honest half passes it on as it does everything.
  for (let n = 0; n < 20; n++) {
    const forged = forge(seen, page.doc.clientID, Y.getState(seen.store, page.doc.clientID), 'forged ');
    Y.applyUpdate(seen, forged);
    await room.submit(forged, 'page');
  }
  expect((await m.documents.read(id)).text).toContain('forged');
  // Both have been told, before the writer goes on.
  await expect.poll(() => [v, c].every(({ waste }, at) => waste.cost > (before[at] ?? 0)), SOON).toBe(true);
  expect((await c.documents.read(id)).text).toBe('typed # One\n');
  for (const word of ['what ', 'was ', 'meant ']) page.text.insert(page.text.length, word);
  await expect.poll(async () => (await c.documents.read(id)).text, SOON).toBe(page.text.toString());
  expect((await v.documents.read(id)).text).toBe(page.text.toString());
  expect(page.refused).toEqual([]);
});

test('AUTHOR-1 what a writer said to one device alone is taken from that one, once the writer is gone', async () => {
  await using world = await three();
  const { v, c, m, id, wires } = world;
  const page = await pageOf(v, id);
  page.text.insert(0, 'typed ');
  await expect.poll(async () => new Set(await world.texts()).size, SOON).toBe(1);
  // It reaches the one in between first: nothing of this gets to the other from the writer itself.
  const room = await c.rooms.open(id);
  const seq = room.seq;
  const between: DeviceId = m.deviceId;
  const asked: string[] = [];
  const member: Member = {
    readOnly: false,
    device: between,
    send: ({ payload }) => void asked.push(decodeFrame(payload).type),
    refuse: () => undefined,
  };
  room.join(member);
  const doc = new Y.Doc();
  for (const update of room.updates()) Y.applyUpdate(doc, update);
  const early = forge(doc, page.doc.clientID, Y.getState(doc.store, page.doc.clientID), 'early ');
  room.receive(member, encodeFrame({ type: 'update', update: early }));
  expect([room.seq, asked]).toEqual([seq, []]);
  wires.vc.cut();
  await expect.poll(() => asked, SOON).toEqual(['step1']);
  room.receive(member, encodeFrame({ type: 'step2', update: early }));
  expect(room.seq).toBe(seq + 1);
  room.leave(member);
});

test('AUTHOR-2 an id is free when its writer has left, of the first that says so, and never of two', async () => {
  await using world = await three();
  const { v, c, m, id } = world;
  const page = await pageOf(v, id);
  page.text.insert(0, 'typed ');
  const client = page.doc.clientID;
  const stranger = newId<DeviceId>(v.ids);
  await expect.poll(() => c.rooms.authors.mayTell(stranger, id, client), SOON).toBe(false);
  expect(c.rooms.authors.mayTell(v.deviceId, id, client)).toBe(true);
  expect(c.rooms.authors.claim(m.deviceId, id, client)).toBe(false);
  expect(v.rooms.authors.claim(m.deviceId, id, client)).toBe(false);
  expect([m.deviceId, stranger].map((device) => v.rooms.authors.mayTell(device, id, client))).toEqual([false, false]);
  page.leave();
  await expect.poll(() => c.rooms.authors.mayTell(stranger, id, client), SOON).toBe(true);
  expect(v.rooms.authors.mayTell(stranger, id, client)).toBe(true);
});
