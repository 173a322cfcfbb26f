import { expect, test } from 'vitest';
import fc from 'fast-check';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as authProtocol from 'y-protocols/auth';
import * as awarenessProtocol from 'y-protocols/awareness';
import * as syncProtocol from 'y-protocols/sync';
import * as Y from 'yjs';
import { chance, trials } from '../../../../setup/trials.ts';
import { decodeFrame, encodeFrame, type Frame } from './frame.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function stock(write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder();
  write(encoder);
  return encoding.toUint8Array(encoder);
}

function someDoc(): Y.Doc {
  const doc = new Y.Doc();
  doc.clientID = 7;
  doc.getText('content').insert(0, 'Hello ⟦1⟧');
  return doc;
}

test('every message is byte for byte what y-protocols writes', () => {
  const doc = someDoc();
  const update = Y.encodeStateAsUpdate(doc);
  const awareness = new awarenessProtocol.Awareness(doc);
  awareness.setLocalState({ name: 'Ada' });
  const states = awarenessProtocol.encodeAwarenessUpdate(awareness, [7]);
  const pairs: [Exclude<Frame, { type: 'unknown' }>, Uint8Array][] = [
    [
      { type: 'step1', stateVector: Y.encodeStateVector(doc) },
      stock((encoder) => {
        encoding.writeVarUint(encoder, 0);
        syncProtocol.writeSyncStep1(encoder, doc);
      }),
    ],
    [
      { type: 'step2', update },
      stock((encoder) => {
        encoding.writeVarUint(encoder, 0);
        syncProtocol.writeSyncStep2(encoder, doc);
      }),
    ],
    [
      { type: 'update', update },
      stock((encoder) => {
        encoding.writeVarUint(encoder, 0);
        syncProtocol.writeUpdate(encoder, update);
      }),
    ],
    [
      { type: 'awareness', update: states },
      stock((encoder) => {
        encoding.writeVarUint(encoder, 1);
        encoding.writeVarUint8Array(encoder, states);
      }),
    ],
    [{ type: 'query-awareness' }, Uint8Array.of(3)],
    [
      { type: 'denied', reason: 'no' },
      stock((encoder) => {
        encoding.writeVarUint(encoder, 2);
        authProtocol.writePermissionDenied(encoder, 'no');
      }),
    ],
  ];
  for (const [frame, bytes] of pairs) {
    expect(hex(encodeFrame(frame)), frame.type).toBe(hex(bytes));
    expect(decodeFrame(bytes)).toEqual(frame);
  }
  awareness.destroy();
});

test('the bytes are these, whatever library writes them', () => {
  expect(hex(encodeFrame({ type: 'step1', stateVector: Uint8Array.of(1, 7, 9) }))).toBe('000003010709');
  expect(hex(encodeFrame({ type: 'step2', update: Uint8Array.of(0, 0) }))).toBe('0001020000');
  expect(hex(encodeFrame({ type: 'update', update: Uint8Array.of(0, 0) }))).toBe('0002020000');
  expect(hex(encodeFrame({ type: 'awareness', update: Uint8Array.of(0) }))).toBe('010100');
  expect(hex(encodeFrame({ type: 'query-awareness' }))).toBe('03');
  expect(hex(encodeFrame({ type: 'denied', reason: 'no' }))).toBe('0200026e6f');
  expect(hex(encodeFrame({ type: 'saved', count: 300 }))).toBe('024dac02');
  expect(hex(encodeFrame({ type: 'held', summary: Uint8Array.of(1, 0, 0) }))).toBe('024e03010000');
});

test('a stock client passes over "saved" without a word', () => {
  const decoder = decoding.createDecoder(encodeFrame({ type: 'saved', count: 3 }));
  expect(decoding.readVarUint(decoder)).toBe(2);
  const denials: string[] = [];
  authProtocol.readAuthMessage(decoder, new Y.Doc(), (_doc, reason) => denials.push(reason));
  expect(denials).toEqual([]);
});

test('a message of a later version is passed over', () => {
  for (const bytes of [Uint8Array.of(4), Uint8Array.of(0, 3), Uint8Array.of(2, 9, 1)])
    expect(decodeFrame(bytes)).toEqual({ type: 'unknown' });
});

test('any bytes are a frame or are refused, and nothing else happens', () => {
  const { numRuns, seed } = trials('frames of random and cut bytes', 10_000);
  const next = chance(seed);
  const whole = encodeFrame({ type: 'step2', update: Y.encodeStateAsUpdate(someDoc()) });
  let refused = 0;
  for (let run = 0; run < numRuns; run++) {
    const bytes =
      run % 2 === 0
        ? whole.slice(0, Math.floor(next() * whole.length))
        : Uint8Array.from({ length: Math.floor(next() * 12) }, () => Math.floor(next() * 256));
    try {
      expect(decodeFrame(bytes)).toHaveProperty('type');
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(numRuns / 10);
});

test('what is encoded is decoded', () => {
  fc.assert(
    fc.property(fc.nat(), fc.uint8Array(), (count, update) => {
      for (const frame of [
        { type: 'saved', count },
        { type: 'held', summary: update },
        { type: 'update', update },
        { type: 'awareness', update },
      ] as const)
        expect(decodeFrame(encodeFrame(frame))).toEqual(frame);
    }),
    trials('frames there and back', 500),
  );
});
