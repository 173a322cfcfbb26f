/** What is taken from the device of its writer alone reaches whoever was away, whoever tells it first. */
import { decodeFrame, encodeFrame, encodeStateVector, newId, type DeviceId } from '@markco/protocol';
import { expect, test } from 'vitest';
import * as Y from 'yjs';
import type { Member } from '@markco/replica/documents/seat';
import { connect, replicaDevice } from './device.fixture.ts';
import { pageOf, SOON, three } from './page.fixture.ts';

test('AUTHOR-3 what people wrote on two devices, each after the words of the other, reaches a third one that was away', async () => {
  await using world = await three();
  const { v, c, m, id, wires } = world;
  const pages = [await pageOf(v, id), await pageOf(m, id)] as const;
  wires.vc.cut();
  wires.cm.cut();
  for (let n = 0; n < 6; n++) {
    const [writer, other] = n % 2 === 0 ? pages : pages.toReversed();
    writer?.text.insert(writer.text.length, `word ${n};`);
    await expect.poll(() => other?.text.toString(), SOON).toBe(writer?.text.toString());
  }
  expect((await c.documents.read(id)).text).toBe('# One\n');
  // Each has all of it, and says so: what it tells is in part of the other one, who is there to say it itself.
  connect(v, c);
  connect(c, m);
  await expect.poll(async () => (await c.documents.read(id)).text, SOON).toBe(pages[0].text.toString());
  expect([v.troubles, c.troubles, m.troubles]).toEqual([[], [], []]);
});

/** A device with one document, and others that are members of it there; `said` is what they were told. */
async function meeting(...names: readonly string[]) {
  const device = await replicaDevice();
  const project = await device.open({ 'one.md': '# One\n' });
  const id = device.idOf(project, 'one.md');
  const room = await device.rooms.open(id);
  const said: string[] = [];
  const members = names.map((name) => {
    const from = newId<DeviceId>(device.ids);
    const member: Member = {
      readOnly: false,
      device: from,
      send: ({ payload }) => void said.push(`${name} ${decodeFrame(payload).type}`),
      refuse: (why) => void said.push(`${name} ${why.message}`),
    };
    room.join(member);
    return {
      tell: (type: 'update' | 'step2', update: Uint8Array) => room.receive(member, encodeFrame({ type, update })),
      writes: (client: number) => expect(device.rooms.authors.claim(from, id, client)).toBe(true),
    };
  });
  return {
    room,
    said,
    members,
    text: async () => (await device.documents.read(id)).text,
    /** Two copies of it whose writers answered each other's words. */
    talk(): readonly [Y.Doc, Y.Doc] {
      const [a, b] = [new Y.Doc(), new Y.Doc()];
      for (const update of room.updates()) for (const doc of [a, b]) Y.applyUpdate(doc, update);
      for (const [doc, other] of [[a, b] as const, [b, a] as const, [a, b] as const, [b, a] as const]) {
        doc.getText('content').insert(doc.getText('content').length, 'word;');
        Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
      }
      return [a, b];
    },
    /** What the device lacks of it. */
    rest: (doc: Y.Doc) => Y.encodeStateAsUpdate(doc, encodeStateVector(room.summary.clocks)),
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  };
}

test('AUTHOR-4 whoever goes on to write before the others have told their half is neither refused nor asked over and over', async () => {
  await using met = await meeting('first', 'second');
  const { room, said } = met;
  const [first, second] = met.members;
  const [a, b] = met.talk();
  first?.writes(a.clientID);
  second?.writes(b.clientID);
  const whole = met.rest(a);
  first?.tell('step2', whole);
  const { seq } = room;
  a.on('update', (update: Uint8Array) => first?.tell('update', update));
  for (let n = 0; n < 30; n++) a.getText('content').insert(a.getText('content').length, `more ${n};`);
  expect([room.seq, said]).toEqual([seq, []]);

  // Its half is known by now, so that both make a whole, and both are asked for what has come since.
  second?.tell('step2', whole);
  await expect.poll(() => said.filter((each) => each.includes('step1')), SOON).toEqual(['first step1', 'second step1']);
  first?.tell('step2', met.rest(a));
  expect(await met.text()).toBe(a.getText('content').toString());
});

test('AUTHOR-5 a half that another told wrongly is not for whoever tells the truth to pay', async () => {
  await using met = await meeting('liar', 'first', 'second');
  const { room, said } = met;
  const [liar, first, second] = met.members;
  const [a, b] = met.talk();
  const FREE = 4_711;
  const after = (text: string): Uint8Array => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(a));
    doc.clientID = FREE;
    doc.getText('content').insert(doc.getText('content').length, text);
    return Y.encodeStateAsUpdate(doc, encodeStateVector(room.summary.clocks));
  };
  first?.writes(a.clientID);
  second?.writes(b.clientID);
  // Of nobody who is here, and after the words of others: kept. Then the same id with other words, which come to be known.
  liar?.tell('step2', after('a lie;'));
  const own = new Y.Doc();
  own.clientID = FREE;
  own.getText('content').insert(0, 'truth;');
  first?.tell('update', Y.encodeStateAsUpdate(own));
  first?.tell('step2', met.rest(a));
  second?.tell('step2', met.rest(b));
  first?.tell('step2', met.rest(a));
  second?.tell('step2', met.rest(b));
  expect(said.filter((each) => !each.includes('step1') && !each.includes('update'))).toEqual([]);
  expect(await met.text()).toContain('word;word;word;word;');
  expect(await met.text()).toContain('truth;');
});
