/** What is fetched of another device, in which order, and what no more. */
import { newId, type DeviceId, type DocumentId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createWanted, inOrderOf } from '@markco/replica/replicate/wanted';

const ids = { now: () => Date.now(), randomBytes: (length: number) => new Uint8Array(randomBytes(length)) };
const documents = Array.from({ length: 4 }, () => newId<DocumentId>(ids));
const [a, b, c, d] = documents as [DocumentId, DocumentId, DocumentId, DocumentId];

test('what somebody looks at is fetched first, and what has come from elsewhere meanwhile is not fetched at all', () => {
  const here = new Map([
    [a, 'old'],
    [b, 'old'],
  ]);
  const wanted = createWanted({ isSeen: (id) => id === c, digestNow: (id) => here.get(id) });
  for (const id of [a, b, c]) wanted.add(id, 'new');
  // Whatever it is: something of it was heard.
  wanted.add(d);
  here.set(a, 'new');
  expect([wanted.next(), wanted.next(), wanted.next(), wanted.next()]).toEqual([c, b, d, undefined]);
  expect(wanted.isEmpty).toBe(true);
});

test('of two devices that have the same each is begun with at another place, and all of it is asked for', () => {
  const all = Array.from({ length: 100 }, (_, at) => at);
  const orders = Array.from({ length: 5 }, () => inOrderOf(newId<DeviceId>(ids), all));
  for (const order of orders) expect(order.toSorted((x, y) => x - y)).toEqual(all);
  expect(new Set(orders.map(([first]) => first)).size).toBeGreaterThan(1);
  expect(inOrderOf(newId<DeviceId>(ids), [])).toEqual([]);
});
