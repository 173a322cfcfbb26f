import { newId, type DocumentId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { decodeMessage, encodeMessage, type Written } from './messages.ts';

const ids = { now: Date.now, randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
const [process, open, closed, large] = Array.from({ length: 4 }, () => newId<DocumentId>(ids)) as [
  DocumentId,
  DocumentId,
  DocumentId,
  DocumentId,
];
const entry = (seq: number) => ({ seq, origin: 'page' as const, at: 1_000 + seq, update: Uint8Array.of(1, seq, 3) });

test('what was written of several documents comes as it was told: the updates of those that are open, how far the others are', () => {
  const written: readonly Written[] = [
    { documentId: open, seq: 8, entries: [entry(7), entry(8)] },
    { documentId: closed, seq: 300, entries: [entry(300)] },
    { documentId: large, seq: 2 ** 40, entries: [] },
  ];
  const bytes = encodeMessage(process, { kind: 'written', written });
  const decoded = decodeMessage('written', bytes, (id) => id !== closed);
  expect(decoded).toEqual({
    process,
    message: { kind: 'written', written: [written[0], { ...written[1], entries: [] }, written[2]] },
  });
});

test('a message that was cut off is no message, and one of a later version is passed over', () => {
  const written = [{ documentId: open, seq: 8, entries: [entry(8)] }];
  const bytes = encodeMessage(process, { kind: 'written', written });
  for (const length of [20, 40, bytes.length - 1])
    expect(() => decodeMessage('written', bytes.subarray(0, length), () => true)).toThrow();
  expect(decodeMessage('something new', bytes, () => true)).toBeUndefined();
});
