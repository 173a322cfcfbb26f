/** For tests: somebody who types at a page of a device, and three devices that have one document. */
import { decodeFrame, encodeFrame, type DocumentId } from '@markco/protocol';
import { expect } from 'vitest';
import * as Y from 'yjs';
import type { Member } from '@markco/replica/documents/seat';
import { connect, replicaDevice, type ReplicaDevice } from './device.fixture.ts';

export const SOON = { timeout: 20_000, interval: 20 };

/** Somebody at a page of this device, who types with an id of their own. */
export async function pageOf(device: ReplicaDevice, id: DocumentId) {
  const doc = new Y.Doc({ guid: id });
  const room = await device.rooms.open(id);
  const refused: unknown[] = [];
  const member: Member = {
    readOnly: false,
    send({ payload }) {
      const frame = decodeFrame(payload);
      if (frame.type === 'step2' || frame.type === 'update') Y.applyUpdate(doc, frame.update, 'device');
    },
    refuse: (why) => void refused.push(why),
  };
  room.join(member);
  room.sendAll(member);
  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== 'device') room.receive(member, encodeFrame({ type: 'update', update }));
  });
  const tell = (frame: Uint8Array): void => room.receive(member, frame);
  return { doc, text: doc.getText('content'), refused, tell, leave: () => room.leave(member) };
}

export async function three() {
  const [v, c, m] = [await replicaDevice(), await replicaDevice(), await replicaDevice()];
  const project = await v.open({ 'one.md': '# One\n' });
  const wires = { vc: connect(v, c), vm: connect(v, m), cm: connect(c, m) };
  for (const device of [c, m]) await device.join(await device.hears());
  const id = v.idOf(project, 'one.md');
  const texts = () => Promise.all([v, c, m].map(async (device) => (await device.documents.read(id)).text));
  await expect
    .poll(() => c.file('one.md').then(async (at) => [at, await m.file('one.md')]), SOON)
    .toEqual(['# One\n', '# One\n']);
  return {
    ...{ v, c, m, id, wires, texts },
    async [Symbol.asyncDispose]() {
      for (const device of [v, c, m]) await device[Symbol.asyncDispose]();
    },
  };
}
