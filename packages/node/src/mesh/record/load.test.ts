import { change, diff, from, getActorId, getHeads, save } from '@automerge/automerge';
import { expect, test } from 'vitest';
import { loadRecord } from './load.ts';

const actor = 'aabbccdd';
const before = from({ devices: { one: { name: 'laptop' } } });

test('a record is read as it was saved, and written as whom it is opened for', () => {
  const doc = loadRecord<typeof before>(save(before), actor);
  expect(doc).toEqual(before);
  expect([getHeads(doc), getActorId(doc)]).toEqual([getHeads(before), actor]);
});

test('what is new in a record that was just read is not worked out, and of every change after it is told', () => {
  const doc = loadRecord<typeof before>(save(before), actor);
  expect(diff(before, [], getHeads(before))).not.toEqual([]);
  expect(diff(doc, [], getHeads(doc))).toEqual([]);
  const next = change(doc, (draft) => void (draft.devices.one.name = 'box'));
  expect(diff(next, getHeads(doc), getHeads(next))).not.toEqual([]);
  expect(diff(next, [], getHeads(next))).not.toEqual([]);
});
