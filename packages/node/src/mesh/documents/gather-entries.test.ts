import { CONTROL_CHANNEL, decodeEntries } from '@markco/protocol';
import { expect, test } from 'vitest';
import { ENTRIES_MAX, gatherEntries } from '@markco/replica/replicate/gather-entries';

async function gathered(send: (to: (channel: number, payload: Uint8Array) => void) => void): Promise<number[]> {
  const messages: Uint8Array[] = [];
  const gather = gatherEntries(
    (message) => void messages.push(message),
    () => 0,
  );
  gather(1, Uint8Array.of(0));
  expect(messages.splice(0)).toHaveLength(1);
  send(gather);
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

test('the first after a silence leaves at once, what opens and closes documents with the rest of its turn', async () => {
  let at = 0;
  const sizes: number[] = [];
  const send = gatherEntries(
    (message) => void sizes.push(decodeEntries(message, ENTRIES_MAX).length),
    () => at,
  );
  for (const channel of [1, 2, 3]) send(channel, Uint8Array.of(1));
  expect(sizes).toEqual([1]);
  await Promise.resolve();
  expect(sizes).toEqual([1, 2]);
  at += 1;
  send(1, Uint8Array.of(1));
  expect(sizes).toEqual([1, 2]);
  await Promise.resolve();
  expect(sizes).toEqual([1, 2, 1]);
  at += 3;
  send(CONTROL_CHANNEL, Uint8Array.of(1));
  send(1, Uint8Array.of(1));
  expect(sizes).toEqual([1, 2, 1]);
  await Promise.resolve();
  expect(sizes).toEqual([1, 2, 1, 2]);
});

test('FLOOD-10 a message of more entries than there may be is refused', () => {
  const message = new Uint8Array(2 * (ENTRIES_MAX + 1)).map((_, at) => (at % 2 === 0 ? 1 : 0));
  expect(decodeEntries(message.subarray(2), ENTRIES_MAX)).toHaveLength(ENTRIES_MAX);
  expect(() => decodeEntries(message, ENTRIES_MAX)).toThrow(`more than ${ENTRIES_MAX}`);
});
