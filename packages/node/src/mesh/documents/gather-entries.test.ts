import { decodeEntries } from '@markco/protocol';
import { expect, test } from 'vitest';
import { ENTRIES_MAX, gatherEntries } from './gather-entries.ts';

async function gathered(send: (to: (channel: number, payload: Uint8Array) => void) => void): Promise<number[]> {
  const messages: Uint8Array[] = [];
  send(gatherEntries((message) => void messages.push(message)));
  await Promise.resolve();
  return messages.map((message) => decodeEntries(message, ENTRIES_MAX).length);
}

test('FLOOD-10 entries of one turn are one message, one beyond its most begins another, and large ones go alone', async () => {
  const small = (count: number) => gathered((to) => Array.from({ length: count }, () => to(1, Uint8Array.of(1))));
  expect(await small(ENTRIES_MAX)).toEqual([ENTRIES_MAX]);
  expect(await small(ENTRIES_MAX + 1)).toEqual([ENTRIES_MAX, 1]);
  const half = new Uint8Array(512 * 1024);
  expect(await gathered((to) => [half, half, half].forEach((each) => to(1, each)))).toEqual([2, 1]);
  const large = new Uint8Array(16 * 1024 * 1024);
  expect(await gathered((to) => [large, large].forEach((each) => to(1, each)))).toEqual([1, 1]);
});

test('FLOOD-10 a message of more entries than there may be is refused', () => {
  const message = new Uint8Array(2 * (ENTRIES_MAX + 1)).map((_, at) => (at % 2 === 0 ? 1 : 0));
  expect(decodeEntries(message.subarray(2), ENTRIES_MAX)).toHaveLength(ENTRIES_MAX);
  expect(() => decodeEntries(message, ENTRIES_MAX)).toThrow(`more than ${ENTRIES_MAX}`);
});
