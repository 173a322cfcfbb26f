import { newId, type Copies, type DocumentId } from '@markco/protocol';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { createCopiesInView } from './copies-in-view.ts';

const id = newId<DocumentId>({ now: () => 1, randomBytes: (length) => new Uint8Array(length) });
const said = (digest: string, has = true): Copies => ({
  documentId: id,
  digest,
  devices: [
    { name: 'laptop', has: true, online: true, since: 1 },
    { name: 'desk', has, online: true, since: 2 },
  ],
});

/** The digest of a state is its text, so that a test can say which state it means. */
const copiesOf = () => createCopiesInView((doc) => doc.getText('content').toString());

test('devices are shown for the very state that is in view, and from the first letter on for no other', async () => {
  const copies = copiesOf();
  const doc = new Y.Doc();
  const text = doc.getText('content');
  text.insert(0, 'one');
  const stop = copies.show(id, doc);
  expect(copies.devices.value).toBeUndefined();
  copies.told(said('one'));
  await expect.poll(() => copies.devices.value?.length).toBe(2);
  text.insert(3, ' two');
  expect(copies.devices.value).toBeUndefined();
  // A device acknowledged what was there before: this comes late, and says nothing of what is there now.
  copies.told(said('one'));
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(copies.devices.value).toBeUndefined();
  copies.told(said('one two', false));
  await expect.poll(() => copies.devices.value?.map(({ has }) => has)).toEqual([true, false]);
  copies.told(said('one two'));
  expect(copies.devices.value?.map(({ has }) => has)).toEqual([true, true]);
  stop();
  expect(copies.devices.value).toBeUndefined();
});

test('what was said of a state that comes here later counts once it is here', async () => {
  const copies = copiesOf();
  const doc = new Y.Doc();
  copies.show(id, doc);
  copies.told(said('from elsewhere'));
  expect(copies.devices.value).toBeUndefined();
  doc.getText('content').insert(0, 'from elsewhere');
  await expect.poll(() => copies.devices.value?.length).toBe(2);
});

test('the digest is the one that devices compare', async () => {
  const copies = createCopiesInView();
  copies.show(id, new Y.Doc());
  copies.told(said('0123456789abcdef'));
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(copies.devices.value).toBeUndefined();
});
