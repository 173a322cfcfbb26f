/** Many documents on one connection: those that have not changed while it was away. */
import {
  decodeEntries,
  decodeFrame,
  decodeToClient,
  encodeEntries,
  encodeFrame,
  encodeToDevice,
  Failure,
} from '@markco/protocol';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import {
  DOCUMENT,
  laterTurns,
  sitDown,
  startDevice,
  textOf,
  UNTIMED,
  type Device,
} from '../documents/device.fixture.ts';
import type { Connection } from './connection.ts';
import { serveStream, type StreamParts } from './stream.ts';

/** A client that has a document open as channel 1, and what it is told: the type of each message. */
function connect(device: Device, digest: Uint8Array) {
  const doc = new Y.Doc();
  const told: string[] = [];
  let receive: (message: Uint8Array) => void = () => undefined;
  let close: () => void = () => undefined;
  const nothing = (): void => undefined;
  const connection: Connection = {
    ...{ behind: () => false, text: nothing, onDrain: nothing, onText: nothing, ready: async () => undefined },
    refuse: (failure) => void told.push(failure.code),
    onClose: (listener) => void (close = listener),
    onBytes: (listener) => void (receive = listener),
    bytes(message) {
      for (const { channel, payload } of decodeEntries(message)) {
        const { type } = channel === 0 ? decodeToClient(payload) : decodeFrame(payload);
        told.push(type);
        const frame = channel === 0 ? undefined : decodeFrame(payload);
        if (frame?.type === 'update' || frame?.type === 'step2') Y.applyUpdate(doc, frame.update);
      }
    },
  };
  const parts = { rooms: device.rooms, sleeps: true, timing: UNTIMED, refusal: () => undefined };
  serveStream(connection, parts as unknown as StreamParts);
  const send = (channel: number, payload: Uint8Array): void => receive(encodeEntries([{ channel, payload }]));
  send(0, encodeToDevice({ type: 'open', openings: [{ channel: 1, documentId: DOCUMENT, digest }] }));
  return { doc, told, send: (payload: Uint8Array) => send(1, payload), close: () => close() };
}

/** A document with some text that was given back, and its copy. */
async function startAtRest() {
  let now = 0;
  const device = startDevice(undefined, { now: () => now });
  const room = await device.rooms.open(DOCUMENT);
  const typist = sitDown(room);
  typist.type('⟦0⟧');
  await device.log.drained();
  const { digest } = room;
  const copy = Y.encodeStateAsUpdate(typist.doc);
  room.leave(typist.member);
  now = 6_000;
  await expect.poll(() => device.rooms.size, { timeout: 5_000 }).toBe(0);
  const client = connect(device, digest);
  Y.applyUpdate(client.doc, copy);
  await laterTurns(3);
  return { device, client };
}

test('who comes back with what is here is told so without it being loaded, and hears of the next edit', async () => {
  const { device, client } = await startAtRest();
  expect([client.told, device.rooms.size]).toEqual([['equal'], 0]);
  const room = await device.rooms.open(DOCUMENT);
  sitDown(room).type('⟦1⟧');
  await device.log.drained();
  await expect.poll(() => client.told, { interval: 1 }).toEqual(['equal', 'update']);
  expect(client.doc.getText('content').toString()).toBe(textOf(room));
  await device.close();
});

test('what it writes itself is taken in and acknowledged, and it is not told once more that all is the same', async () => {
  const { device, client } = await startAtRest();
  const before = Y.encodeStateVector(client.doc);
  client.doc.getText('content').insert(0, '⟦mine⟧');
  client.send(encodeFrame({ type: 'update', update: Y.encodeStateAsUpdate(client.doc, before) }));
  await expect.poll(() => client.told, { interval: 1 }).toEqual(['equal', 'saved']);
  expect(textOf(await device.rooms.open(DOCUMENT))).toBe(client.doc.getText('content').toString());
  await device.close();
});

test('the document is loaded for it once another process has changed it, and whoever has gone is forgotten', async () => {
  const { device, client } = await startAtRest();
  device.rooms.changedElsewhere({ id: DOCUMENT, seq: 2, origin: 'page', count: 1, isElsewhere: true });
  await expect.poll(() => device.rooms.peek(DOCUMENT)?.members, { interval: 1 }).toBe(1);
  expect(client.told).toEqual(['equal']);
  client.close();
  expect(device.rooms.peek(DOCUMENT)?.members).toBe(0);
  await device.close();
});

test('it is told that the document was deleted, and left alone after that', async () => {
  const { device, client } = await startAtRest();
  device.rooms.refuseAll(DOCUMENT, new Failure('document_deleted', 'It was deleted.'));
  await laterTurns(3);
  expect(client.told).toEqual(['equal', 'failed']);
  expect((await device.rooms.open(DOCUMENT)).members).toBe(0);
  await device.close();
});
