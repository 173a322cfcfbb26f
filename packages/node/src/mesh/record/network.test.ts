/** What another device sends: nothing of it is taken from who is not to be trusted, or is not of the form. */
import { change, clone, encodeSyncMessage, getHeads, getLastLocalChange, type Doc } from '@automerge/automerge';
import { newId, parseUuid, type DeviceId, type ProjectId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { type RawRecord } from './beginning.ts';
import { RECORD_BYTES_MAX, RECORD_MESSAGE_BYTES_MAX } from './network.ts';
import { writeOwn } from './own.ts';
import { streamPair } from './stream.fixture.ts';
import { SOON, ids, USER, make, ownOf, connect, heads, chunksOf } from './record-device.fixture.ts';

/** A message with one change, as another device of the user could send it. */
function messageWith(
  edit: (draft: RawRecord) => void,
  from: Doc<RawRecord>,
  actor = randomBytes(24).toString('hex'),
): Uint8Array {
  const changed = change(clone(from, { actor }), edit);
  const bytes = encodeSyncMessage({
    ...{ heads: getHeads(changed), need: [], have: [{ lastSync: [], bloom: new Uint8Array() }] },
    changes: [getLastLocalChange(changed) as Uint8Array],
    type: 'v1',
  } as unknown as Parameters<typeof encodeSyncMessage>[0]);
  return Buffer.concat([parseUuid(USER), bytes]);
}

test('a message that is malformed, too large or one of too many ends its stream and changes nothing', async () => {
  const device = await make();
  await device.record.change((draft) => writeOwn(draft, ownOf(device.id)));
  const raw = device.record.raw();
  const good = messageWith((draft) => void (draft.devices['x'] = { name: 'x' }), raw);
  const sameAuthor = '77'.repeat(24);
  // It fits into a message, and would not fit into the record beside what is there.
  const long = new Uint8Array(randomBytes(RECORD_BYTES_MAX + 100_000));
  const large = messageWith((draft) => void (draft.devices['x'] = { name: long }), raw);
  expect(large.length).toBeLessThan(RECORD_MESSAGE_BYTES_MAX);
  const bad: [string, (Uint8Array | string)[]][] = [
    ['bad_request', ['{"op":"sync"}']],
    ['bad_request', [new Uint8Array()]],
    ['bad_request', [parseUuid(USER)]],
    ['bad_request', [Buffer.concat([parseUuid(USER), randomBytes(500)])]],
    ['bad_request', [good.subarray(0, good.length - 5)]],
    ['too_large', [large]],
    ['too_large', [Buffer.concat([parseUuid(USER), Buffer.alloc(RECORD_MESSAGE_BYTES_MAX)])]],
    ['too_many', Array.from({ length: 101 }, () => Buffer.concat([randomBytes(16), randomBytes(10)]))],
  ];
  const before = [heads(device), await chunksOf(device)];
  for (const [code, messages] of bad) {
    const [end, theirs] = streamPair();
    device.record.join(end, newId<DeviceId>(ids));
    for (const message of messages) {
      if (typeof message === 'string') theirs.sendText(message);
      else theirs.sendBytes(message);
    }
    await expect.poll(() => theirs.ended, SOON).toMatchObject({ code });
    expect([heads(device), await chunksOf(device)]).toEqual(before);
  }
  // One author that says two things with one number is refused the second.
  const [end, theirs] = streamPair();
  device.record.join(end, newId<DeviceId>(ids));
  theirs.sendBytes(messageWith((draft) => void (draft.devices['x'] = { name: 'x' }), raw, sameAuthor));
  await expect.poll(() => Object.keys(device.record.raw().devices), SOON).toContain('x');
  const after = heads(device);
  theirs.sendBytes(messageWith((draft) => void (draft.devices['y'] = { name: 'y' }), raw, sameAuthor));
  await expect.poll(() => theirs.ended, SOON).toMatchObject({ code: 'bad_request' });
  expect(heads(device)).toBe(after);
});

test('rows that are not of the form are passed over and told of once; the others stand', async () => {
  const device = await make();
  await device.record.change((draft) => writeOwn(draft, ownOf(device.id, {}, 'laptop')));
  const other = newId<DeviceId>(ids);
  const many = Array.from({ length: 1_100 }, () => newId<ProjectId>(ids));
  const [end, theirs] = streamPair();
  device.record.join(end, other);
  theirs.sendBytes(
    messageWith((draft) => {
      draft.devices[other] = { name: 'x'.repeat(500), kind: 'toaster' };
      draft.attachments[other] = { [newId<ProjectId>(ids)]: 'attached', nonsense: 7 };
      draft.sessions[other] = { nonsense: 'python' };
      for (const id of many) draft.projects[id] = { displayName: 'P', slug: 'Not A Slug' };
    }, device.record.raw()),
  );
  await expect.poll(() => Object.keys(device.record.raw().projects).length, SOON).toBe(1_100);
  const view = device.record.view();
  expect([[...view.devices.keys()], view.projects.size, view.attachments.get(other)?.size]).toEqual([
    [device.id],
    0,
    0,
  ]);
  expect(device.troubles.length).toBeGreaterThan(2);
  const told = [...device.troubles];
  await device.record.change((draft) => writeOwn(draft, ownOf(device.id, {}, 'again')));
  device.record.view();
  expect(device.troubles).toEqual(told);
});

test('a device that was removed is cut off in that turn, hears nothing further and is not listed', async () => {
  const [laptop, phone] = [await make(), await make()];
  await phone.record.change((draft) => writeOwn(draft, ownOf(phone.id, {}, 'phone')));
  const [mine, theirs] = connect(laptop, phone);
  await expect.poll(() => laptop.record.view().devices.has(phone.id), SOON).toBe(true);
  laptop.removed.add(phone.id);
  const { sent } = mine;
  await laptop.record.refresh(USER);
  expect(theirs.ended).toMatchObject({ code: 'forbidden' });
  expect(laptop.record.view().devices.has(phone.id)).toBe(false);
  // Were there still a stream, nothing would go into it.
  const [again, heard] = streamPair();
  laptop.record.join(again, phone.id);
  await laptop.record.change((draft) => writeOwn(draft, ownOf(laptop.id, {}, 'a secret')));
  heard.sendBytes(messageWith((draft) => void (draft.devices['x'] = {}), laptop.record.raw()));
  await expect.poll(() => heard.ended, SOON).toMatchObject({ code: 'forbidden' });
  expect([mine.sent, again.sent]).toEqual([sent, 0]);
});
