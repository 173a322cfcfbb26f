import { expect, test } from 'vitest';
import { applyAwarenessUpdate, Awareness, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { LIMITS } from '../limits.ts';
import { ABSENT, createAwarenessTable, decodeAwareness, encodeAwareness } from './awareness.ts';

test('a state goes through as bytes and is the same on the other side', () => {
  const one = new Awareness(new Y.Doc());
  const two = new Awareness(new Y.Doc());
  one.setLocalState({ name: 'Ada', at: [1, 2] });
  const entries = createAwarenessTable().accept(decodeAwareness(encodeAwarenessUpdate(one, [one.clientID])));
  applyAwarenessUpdate(two, encodeAwareness(entries), 'remote');
  expect(two.getStates().get(one.clientID)).toEqual({ name: 'Ada', at: [1, 2] });
  one.destroy();
  two.destroy();
});

test('only what is newer is passed on, and a client that has gone is forgotten', () => {
  const table = createAwarenessTable();
  expect(table.accept([{ client: 1, clock: 2, state: '{}' }])).toHaveLength(1);
  expect(
    table.accept([
      { client: 1, clock: 2, state: '{}' },
      { client: 1, clock: 1, state: '{}' },
    ]),
  ).toEqual([]);
  expect(table.accept([{ client: 1, clock: 2, state: ABSENT }])).toHaveLength(1);
  expect(table.present()).toEqual([]);
  table.accept([{ client: 1, clock: 3, state: '{}' }]);
  expect(table.remove([1, 99])).toEqual([{ client: 1, clock: 4, state: ABSENT }]);
  expect(table.present()).toEqual([]);
});

test('a state at the limit is kept, one above it is dropped', () => {
  const table = createAwarenessTable();
  const state = (length: number) => `"${'x'.repeat(length - 2)}"`;
  expect(table.accept([{ client: 1, clock: 1, state: state(LIMITS.awarenessBytesMax) }])).toHaveLength(1);
  expect(table.accept([{ client: 2, clock: 1, state: state(LIMITS.awarenessBytesMax + 1) }])).toEqual([]);
  expect(
    table.accept([{ client: 3, clock: 1, state: state(LIMITS.awarenessBytesMax / 2 + 2).replaceAll('x', 'é') }]),
  ).toEqual([]);
});

test('clients over the limit are not announced, those who are here stay', () => {
  const table = createAwarenessTable();
  for (let client = 0; client < LIMITS.awarenessClientsMax; client++)
    expect(table.accept([{ client, clock: 1, state: '{}' }])).toHaveLength(1);
  expect(table.accept([{ client: 9_999, clock: 1, state: '{}' }])).toEqual([]);
  expect(table.accept([{ client: 0, clock: 2, state: '{}' }])).toHaveLength(1);
  expect(table.present()).toHaveLength(LIMITS.awarenessClientsMax);
});

test('a message with more states than a document may have, or that ends too early, is refused', () => {
  expect(() => decodeAwareness(Uint8Array.of(0xf5, 0x03))).toThrow();
  expect(() => decodeAwareness(Uint8Array.of(1, 1, 1, 5, 65))).toThrow();
});
