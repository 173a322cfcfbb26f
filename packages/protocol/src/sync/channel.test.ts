import { expect, test } from 'vitest';
import fc from 'fast-check';
import { formatUuid, type DocumentId } from '../id.ts';
import { trials } from '../../../../setup/trials.ts';
import {
  decodeEntries,
  decodeToClient,
  decodeToDevice,
  encodeEntries,
  encodeToClient,
  encodeToDevice,
} from './channel.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const documentId = '00010203-0405-7607-8809-0a0b0c0d0e0f' as DocumentId;

test('the bytes are those on the protocol page', () => {
  expect(
    hex(
      encodeEntries([
        { channel: 300, payload: Uint8Array.of(9) },
        { channel: 1, payload: new Uint8Array() },
      ]),
    ),
  ).toBe('ac0201090100');
  expect(
    hex(encodeToDevice({ type: 'open', openings: [{ channel: 5, documentId, digest: new Uint8Array(8).fill(255) }] })),
  ).toBe('000105000102030405760788090a0b0c0d0e0fffffffffffffffff');
  expect(hex(encodeToDevice({ type: 'close', channels: [1, 200] }))).toBe('010201c801');
  expect(hex(encodeToClient({ type: 'equal', channels: [3] }))).toBe('000103');
  expect(hex(encodeToClient({ type: 'failed', channel: 2, code: 'x', message: 'y' }))).toBe('010201780179');
});

test('what is encoded is decoded', () => {
  const channel = fc.nat();
  const opening = fc.record({
    channel,
    documentId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => formatUuid(bytes) as DocumentId),
    digest: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  });
  fc.assert(
    fc.property(
      fc.array(fc.record({ channel, payload: fc.uint8Array() })),
      fc.array(opening),
      fc.array(channel),
      fc.string(),
      (entries, openings, channels, message) => {
        expect(decodeEntries(encodeEntries(entries))).toEqual(entries);
        for (const toDevice of [
          { type: 'open', openings },
          { type: 'close', channels },
        ] as const)
          expect(decodeToDevice(encodeToDevice(toDevice))).toEqual(toDevice);
        for (const toClient of [
          { type: 'equal', channels },
          { type: 'failed', channel: 1, code: 'too_large', message },
        ] as const)
          expect(decodeToClient(encodeToClient(toClient))).toEqual(toClient);
      },
    ),
    trials('channel messages there and back', 500),
  );
});

test('a control message of a later version is passed over', () => {
  expect(decodeToDevice(Uint8Array.of(9, 1))).toEqual({ type: 'unknown' });
  expect(decodeToClient(Uint8Array.of(9, 1))).toEqual({ type: 'unknown' });
});

test('bytes that end too early are refused, also when they promise a great many entries', () => {
  const whole = encodeToDevice({ type: 'open', openings: [{ channel: 5, documentId, digest: new Uint8Array(8) }] });
  for (let length = 1; length < whole.length; length++) expect(() => decodeToDevice(whole.slice(0, length))).toThrow();
  expect(() => decodeToDevice(Uint8Array.of(0, 255, 255, 255, 255, 15))).toThrow();
  expect(() => decodeToClient(Uint8Array.of(0, 255, 255, 255, 255, 15))).toThrow();
  expect(() => decodeEntries(Uint8Array.of(1, 5, 0))).toThrow();
});
