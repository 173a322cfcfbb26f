import { expect, test } from 'vitest';
import { decodeFrame, encodeFrame, LIMITS, type Failure } from '@markco/protocol';
import { encodeAwarenessUpdate, Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { createSimulatedDisk } from '../store/simulated.ts';
import { DOCUMENT, laterTurns, sitDown, startDevice, textOf, type DeviceOptions } from './device.fixture.ts';
import type { OutFrame } from './out-frame.ts';
import type { Room } from './room.ts';
import type { Member } from './seat.ts';

async function openRoom(options: DeviceOptions = {}) {
  const disk = createSimulatedDisk();
  const device = startDevice(disk, options);
  return { disk, device, room: await device.rooms.open(DOCUMENT) };
}

const typeOf = (frame: OutFrame) => decodeFrame(frame.payload).type;

/** An edit that another document says: `text` at its start. */
function editBy(clientId: number, text: string, onto?: Y.Doc): Uint8Array {
  const doc = new Y.Doc();
  doc.clientID = clientId;
  if (onto !== undefined) Y.applyUpdate(doc, Y.encodeStateAsUpdate(onto));
  const before = Y.encodeStateVector(doc);
  doc.getText('content').insert(0, text);
  return Y.encodeStateAsUpdate(doc, before);
}

function failureOf(work: () => void): Failure | undefined {
  try {
    work();
  } catch (error) {
    return error as Failure;
  }
  return undefined;
}

test('an edit goes to everybody else before its sync, and is acknowledged to its writer after it', async () => {
  const { room, disk } = await openRoom();
  const [alice, bob] = [sitDown(room), sitDown(room)];
  alice.type('⟦1⟧');
  expect([disk.unsynced(), bob.frames('update')]).toEqual([1, 1]);
  expect(alice.saved()).toEqual([]);
  await expect.poll(() => alice.saved(), { interval: 1 }).toEqual(['⟦1⟧']);
  expect(disk.unsynced()).toBe(0);
  expect(bob.saved()).toEqual([]);
  expect(alice.frames('update')).toBe(0);
  expect(bob.doc.getText('content').toString()).toBe('⟦1⟧');
});

test('M6 with 12 clients one edit is 11 frames, encoded once, and none for its sender', async () => {
  const { room } = await openRoom();
  const typists = Array.from({ length: 12 }, () => sitDown(room));
  typists[4]?.type('⟦1⟧');
  await room.durable();
  const frames = typists.flatMap(({ received }) => received.filter((frame) => typeOf(frame) === 'update'));
  expect(frames).toHaveLength(11);
  expect(new Set(frames).size).toBe(1);
  expect(typists[4]?.frames('update')).toBe(0);
});

test('M1 whatever a reader without the right to write sends, the document stays as it is', async () => {
  const { room, device } = await openRoom();
  const writer = sitDown(room);
  writer.type('⟦kept⟧');
  await room.durable();
  const reader = sitDown(room, { readOnly: true });
  const before = room.digest;
  for (const type of ['update', 'step2'] as const) {
    for (const update of [
      editBy(9, 'evil'),
      editBy(9, 'evil', writer.doc),
      Uint8Array.of(0, 1, 1, 1, 0, 1),
      Uint8Array.of(255),
    ])
      room.receive(reader.member, encodeFrame({ type, update }));
  }
  await device.log.drained();
  expect(room.digest).toEqual(before);
  expect(room.seq).toBe(1);
  expect(textOf(room)).toBe('⟦kept⟧');
  expect(reader.frames('saved')).toBe(0);
  room.receive(reader.member, encodeFrame({ type: 'step1', stateVector: Uint8Array.of(0) }));
  expect(reader.frames('step2')).toBe(1);
});

test('nothing is answered with what a kill could still lose', async () => {
  const { room, disk } = await openRoom();
  const alice = sitDown(room);
  let release = (): void => {};
  disk.delay = () => new Promise((resolve) => (release = resolve));
  alice.type('⟦1⟧');
  const bob = sitDown(room);
  room.receive(bob.member, encodeFrame({ type: 'step1', stateVector: Uint8Array.of(0) }));
  await laterTurns(3);
  expect(bob.received).toEqual([]);
  disk.delay = undefined;
  release();
  await expect.poll(() => bob.frames('step2'), { interval: 1 }).toBe(1);
});

test('an edit that refers to what is not here is not taken in; its writer is asked, and nothing is acknowledged until it has answered', async () => {
  const { room } = await openRoom();
  const doc = new Y.Doc();
  const sent: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => void sent.push(update));
  doc.getText('content').insert(0, 'one');
  doc.getText('content').insert(3, 'two');
  const frames: OutFrame[] = [];
  const member: Member = { readOnly: false, send: (frame) => void frames.push(frame), refuse: () => {} };
  room.join(member);
  room.receive(member, encodeFrame({ type: 'update', update: sent[1] as Uint8Array }));
  // Independent of what is lacking, so it is taken in; a count of messages would still take the lacking one in.
  room.receive(member, encodeFrame({ type: 'update', update: editBy(77, 'other') }));
  await room.durable();
  await laterTurns(2);
  expect(frames.map(typeOf)).toEqual(['step1']);
  expect(textOf(room)).toBe('other');
  room.receive(member, encodeFrame({ type: 'step2', update: Y.encodeStateAsUpdate(doc) }));
  await room.durable();
  await laterTurns(2);
  expect(frames.map((frame) => decodeFrame(frame.payload))).toContainEqual({ type: 'saved', count: 3 });
  expect(textOf(room)).toContain('onetwo');
});

/** A member, and how often it was asked for what it has. */
function asked(room: Room): { readonly member: Member; times(): number } {
  let questions = 0;
  const send = (frame: OutFrame) => void (typeOf(frame) === 'step1' && questions++);
  const member: Member = { readOnly: false, send, refuse: () => {} };
  room.join(member);
  return { member, times: () => questions };
}

test('who writes on while it is asked for what is not here is asked once', async () => {
  const { room } = await openRoom();
  const doc = new Y.Doc();
  doc.getText('content').insert(0, 'one');
  const typist = asked(room);
  for (let i = 0; i < 100; i++) {
    const told = Y.encodeStateVector(doc);
    doc.getText('content').insert(0, 'x');
    room.receive(typist.member, encodeFrame({ type: 'update', update: Y.encodeStateAsUpdate(doc, told) }));
  }
  expect(typist.times()).toBe(1);
  room.receive(typist.member, encodeFrame({ type: 'step2', update: Y.encodeStateAsUpdate(doc) }));
  expect(textOf(room)).toBe(`${'x'.repeat(100)}one`);
});

test('a client whose answers never have what its edits refer to is refused in the end', async () => {
  const { room } = await openRoom();
  const doc = new Y.Doc();
  doc.getText('content').insert(0, 'one');
  const lacking = editBy(3, 'two', doc);
  const { member, times } = asked(room);
  for (let i = 1; i <= 20; i++) {
    room.receive(member, encodeFrame({ type: 'step2', update: lacking }));
    expect(times()).toBe(i);
  }
  expect(failureOf(() => room.receive(member, encodeFrame({ type: 'step2', update: lacking })))?.code).toBe(
    'bad_request',
  );
  expect(room.seq).toBe(0);
});

test('M10 text written in advance under the name of another client is refused when it differs, so no replica drops what that one writes', async () => {
  for (const [squat, honest] of [
    ['evil', 'good'],
    ['evil', 'good text'],
    ['evil and long', 'good'],
  ] as const) {
    const { room } = await openRoom();
    const attacker = sitDown(room);
    const victim = sitDown(room, { clientId: 42 });
    room.receive(attacker.member, encodeFrame({ type: 'update', update: editBy(42, squat) }));
    await room.durable();
    const failure = failureOf(() =>
      room.receive(victim.member, encodeFrame({ type: 'update', update: editBy(42, honest) })),
    );
    expect(failure?.code).toBe('conflict');
    expect(textOf(room)).toBe(squat);
    await laterTurns(3);
    // Not stored, so never acknowledged.
    expect(victim.frames('saved')).toBe(0);
  }
});

test('an edit sent again is taken once and acknowledged again', async () => {
  const { room } = await openRoom();
  const typist = sitDown(room);
  const update = editBy(42, 'text');
  for (let i = 0; i < 5; i++) room.receive(typist.member, encodeFrame({ type: 'update', update }));
  await room.durable();
  await laterTurns(3);
  expect(room.seq).toBe(1);
  expect(decodeFrame(typist.received.at(-1)?.payload as Uint8Array)).toEqual({ type: 'saved', count: 5 });
});

test('M10 an update whose dependency is missing is never stored, so no later state carries it', async () => {
  const { room, device } = await openRoom();
  const typist = sitDown(room);
  const doc = new Y.Doc();
  doc.getText('content').insert(0, 'never sent');
  const lacking = editBy(3, 'x'.repeat(400_000), doc);
  room.receive(typist.member, encodeFrame({ type: 'update', update: lacking }));
  typist.type('⟦1⟧');
  await device.log.drained();
  await device.rooms.compact(room);
  expect(room.updates().reduce((sum, update) => sum + update.length, 0)).toBeLessThan(100);
  expect(textOf(room)).toBe('⟦1⟧');
});

test('M7 a paste of 1.1 MB is one edit and is saved; one above 16 MiB is refused with what to do, and changes nothing', async () => {
  const { room } = await openRoom();
  const typist = sitDown(room);
  typist.type('x'.repeat(1_100_000));
  await expect.poll(() => typist.saved().length).toBe(1);
  const overhead = editBy(5, 'y'.repeat(16 * 1024 * 1024)).length - 16 * 1024 * 1024;
  const largest = editBy(5, 'y'.repeat(LIMITS.bulkUpdateBytesMax - overhead));
  expect(largest).toHaveLength(LIMITS.bulkUpdateBytesMax);
  room.receive(typist.member, encodeFrame({ type: 'update', update: largest }));
  expect(room.seq).toBe(2);
  const failure = failureOf(() =>
    room.receive(
      typist.member,
      encodeFrame({ type: 'update', update: editBy(6, 'z'.repeat(LIMITS.bulkUpdateBytesMax)) }),
    ),
  );
  expect(failure).toMatchObject({ code: 'too_large', message: expect.stringContaining('Split it') });
  expect(room.seq).toBe(2);
});

test('a document takes 64 MiB with its history and not a byte more; all of it stays', async () => {
  const { room } = await openRoom();
  const typist = sitDown(room);
  const part = 16 * 1024 * 1024 - 64;
  let held = 0;
  const send = (clientId: number, length: number): void => {
    const update = editBy(clientId, 'x'.repeat(length));
    room.receive(typist.member, encodeFrame({ type: 'update', update }));
    held += update.length;
  };
  for (let clientId = 1; clientId <= 4; clientId++) send(clientId, part);
  const left = LIMITS.documentStateBytesMax - held;
  const overhead = editBy(5, 'x'.repeat(left)).length - left;
  expect(failureOf(() => send(6, left - overhead + 1))).toMatchObject({ code: 'too_large' });
  send(5, left - overhead);
  expect(held).toBe(LIMITS.documentStateBytesMax);
  expect(failureOf(() => send(7, 1))).toMatchObject({
    code: 'too_large',
    message: expect.stringContaining('nothing of it was lost'),
  });
  expect(room.seq).toBe(5);
});

test('presence: 30 frames a second are passed on, further ones wait for the next second, and it ends with its connection alone', async () => {
  let now = 1_000;
  const { room } = await openRoom({ now: () => now });
  const [alice, bob] = [sitDown(room), sitDown(room)];
  const awareness = new Awareness(alice.doc);
  const say = (member: Member, name: string): void => {
    awareness.setLocalState({ name });
    room.receive(
      member,
      encodeFrame({ type: 'awareness', update: encodeAwarenessUpdate(awareness, [awareness.clientID]) }),
    );
  };
  for (let i = 0; i < LIMITS.awarenessFramesPerSecondMax + 5; i++) say(alice.member, `a${i}`);
  expect(bob.frames('awareness')).toBe(LIMITS.awarenessFramesPerSecondMax);
  now += 1_000;
  say(alice.member, 'later');
  expect(bob.frames('awareness')).toBe(LIMITS.awarenessFramesPerSecondMax + 1);
  expect(alice.frames('awareness')).toBe(0);
  // Back on a new connection while the old one is not yet known to be dead.
  const again = sitDown(room);
  say(again.member, 'back');
  room.leave(alice.member);
  const late = sitDown(room);
  room.greet(late.member);
  expect(late.frames('awareness')).toBe(1);
  room.leave(again.member);
  const last = sitDown(room);
  room.greet(last.member);
  expect(last.frames('awareness')).toBe(0);
  awareness.destroy();
});

test('bytes that are no message are refused, and change nothing for others', async () => {
  const { room } = await openRoom();
  const [alice, bob] = [sitDown(room), sitDown(room)];
  for (const bytes of [
    Uint8Array.of(),
    Uint8Array.of(0, 2, 200),
    Uint8Array.of(0, 0, 3, 255, 255, 255),
    encodeFrame({ type: 'update', update: Uint8Array.of(1, 2, 3) }),
    encodeFrame({ type: 'awareness', update: Uint8Array.of(9) }),
  ]) {
    expect(failureOf(() => room.receive(alice.member, bytes))?.code, Buffer.from(bytes).toString('hex')).toBe(
      'bad_request',
    );
  }
  expect(bob.received).toEqual([]);
  expect(room.seq).toBe(0);
});

test('a document that nobody has open is given back, and what it says does not depend on it', async () => {
  let now = 0;
  const { device, room } = await openRoom({ now: () => now });
  const typist = sitDown(room);
  for (let i = 0; i < 60; i++) typist.type(`⟦${i}⟧`);
  await device.log.drained();
  const digest = room.digest;
  room.leave(typist.member);
  now = 6_000;
  await expect.poll(() => device.rooms.size, { timeout: 5_000 }).toBe(0);
  expect(device.views.size).toBe(0);
  const again = await device.rooms.open(DOCUMENT);
  expect(again.digest).toEqual(digest);
  expect(again.baseSeq).toBe(60);
  await device.close();
});
