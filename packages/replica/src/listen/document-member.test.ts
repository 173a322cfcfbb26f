import { expect, test } from 'vitest';
import { decodeFrame, encodeFrame, LIMITS, type Failure } from '@markco/protocol';
import * as Y from 'yjs';
import {
  DOCUMENT,
  laterTurns,
  sitDown,
  startDevice,
  textOf,
  timesIn,
  UNTIMED,
  type Device,
} from '../documents/device.fixture.ts';
import { joinDocument } from './document-member.ts';

/** An edit that another document says: `text` at its start. */
function editBy(clientId: number, text: string, onto?: Y.Doc): Uint8Array {
  const doc = new Y.Doc();
  doc.clientID = clientId;
  if (onto !== undefined) Y.applyUpdate(doc, Y.encodeStateAsUpdate(onto));
  const before = Y.encodeStateVector(doc);
  doc.getText('content').insert(0, text);
  return Y.encodeStateAsUpdate(doc, before);
}

/** A connection to one document, whose reader may stop reading. */
function connect(device: Device) {
  const doc = new Y.Doc();
  const written: string[] = [];
  const state = { reads: true, saved: 0, refused: undefined as Failure | undefined };
  const member = joinDocument({
    rooms: device.rooms,
    timing: UNTIMED,
    documentId: DOCUMENT,
    readOnly: false,
    write(frame) {
      if (!state.reads) return false;
      const message = decodeFrame(frame.payload);
      written.push(message.type);
      if (message.type === 'update' || message.type === 'step2') Y.applyUpdate(doc, message.update, 'device');
      if (message.type === 'step1')
        member.receive(encodeFrame({ type: 'step2', update: Y.encodeStateAsUpdate(doc, message.stateVector) }));
      if (message.type === 'saved') state.saved = message.count;
      return true;
    },
    refuse: (failure) => (state.refused = failure),
    welcome: (opened, joined) => opened.greet(joined),
  });
  return { doc, written, state, member };
}

test('the first frame of a client is answered, however long the document takes to load, and nothing before that', async () => {
  let load = (): void => {};
  const device = startDevice(undefined, {
    beginning: () =>
      new Promise((resolve) => (load = () => resolve({ text: 'from the file', imported: async () => {} }))),
  });
  const { doc, member, written } = connect(device);
  member.receive(encodeFrame({ type: 'step1', stateVector: Uint8Array.of(0) }));
  member.receive(encodeFrame({ type: 'update', update: editBy(8, '⟦early⟧') }));
  await laterTurns(5);
  expect(written).toEqual([]);
  load();
  await expect.poll(() => written.includes('saved'), { interval: 1 }).toBe(true);
  expect(written[0]).toBe('step1');
  expect(doc.getText('content').toString()).toContain('from the file');
  expect(timesIn(textOf(await device.rooms.open(DOCUMENT)), '⟦early⟧')).toBe(1);
});

test('more than can wait for a document to load is refused', async () => {
  const device = startDevice(undefined, { beginning: () => new Promise(() => {}) });
  const { member, state } = connect(device);
  const frame = new Uint8Array(LIMITS.messageBytesMax);
  member.receive(frame);
  expect(state.refused).toBeUndefined();
  member.receive(Uint8Array.of(0));
  expect(state.refused).toMatchObject({ code: 'too_large' });
});

for (const [when, compacts] of [
  ['in the middle', false],
  ['in the middle, while the document is compacted', true],
] as const) {
  test(`a reader that stops ${when} is sent no more, and has everything once it reads again`, async () => {
    const device = startDevice();
    const room = await device.rooms.open(DOCUMENT);
    const writer = sitDown(room);
    const slow = connect(device);
    slow.member.receive(encodeFrame({ type: 'step1', stateVector: Uint8Array.of(0) }));
    writer.type('⟦0⟧');
    await device.log.drained();
    slow.state.reads = false;
    for (let i = 1; i <= 100; i++) writer.type(`⟦${i}⟧`);
    // It writes although it does not read; the acknowledgement must reach it too.
    slow.member.receive(encodeFrame({ type: 'update', update: editBy(8, '⟦own⟧', slow.doc) }));
    await device.log.drained();
    if (compacts) await device.rooms.compact(room);
    const before = slow.written.length;
    for (let i = 101; i <= 110; i++) writer.type(`⟦${i}⟧`);
    await device.log.drained();
    expect(slow.written).toHaveLength(before);
    slow.state.reads = true;
    slow.member.caughtUp();
    writer.type('⟦111⟧');
    await device.log.drained();
    await expect.poll(() => slow.doc.getText('content').toString(), { interval: 1 }).toBe(textOf(room));
    expect(timesIn(textOf(room), '⟦')).toBe(113);
    expect(slow.state.saved).toBeGreaterThan(0);
  });
}

test('a reader that was behind before it had an answer gets the whole document, and is asked for what it has', async () => {
  const device = startDevice();
  const room = await device.rooms.open(DOCUMENT);
  const writer = sitDown(room);
  writer.type('⟦0⟧');
  await device.log.drained();
  const slow = connect(device);
  slow.state.reads = false;
  slow.member.receive(encodeFrame({ type: 'step1', stateVector: Uint8Array.of(0) }));
  await laterTurns(5);
  slow.doc.getText('content').insert(0, '⟦mine⟧');
  slow.state.reads = true;
  slow.member.caughtUp();
  await expect.poll(() => slow.written, { interval: 1 }).toEqual(expect.arrayContaining(['step1', 'step2', 'saved']));
  expect(timesIn(textOf(room), '⟦mine⟧')).toBe(1);
  expect(timesIn(slow.doc.getText('content').toString(), '⟦0⟧')).toBe(1);
});
