import { expect, test } from 'vitest';
import {
  decodeFrame,
  digestOf,
  encodeFrame,
  LIMITS,
  NO_DIGEST,
  summarizeDoc,
  type DocumentId,
  type Frame,
  type ProjectId,
} from '@markco/protocol';
import * as Y from 'yjs';
import { createFact } from '../fact.ts';
import type { Copies, Kept } from './copies.ts';
import { createReplica, type Replica } from './replica.ts';

const PROJECT = '00000000-0000-7000-8000-00000000abcd' as ProjectId;
const DOCUMENT = '00000000-0000-7000-8000-0000000000d1' as DocumentId;
const NOTHING = Uint8Array.of(0);
const soon = () => AbortSignal.timeout(5_000);

function setUp(copies?: Copies) {
  let now = 1_000;
  const replica = createReplica({ projectId: PROJECT, documentId: DOCUMENT, copies, now: () => now });
  return { replica, at: (time: number) => void (now = time), ...wire(replica) };
}

/** Connects it to somebody who says nothing by himself. */
function wire(replica: Replica) {
  const sent: Frame[] = [];
  return {
    sent,
    connect: () => replica.connected({ send: (frame) => void sent.push(decodeFrame(frame)) }),
    types: () => sent.splice(0).map(({ type }) => type),
    say: (frame: Parameters<typeof encodeFrame>[0]) => replica.receive(encodeFrame(frame)),
  };
}

const status = (replica: Replica) => replica.status.get();

test('an edit is pending until the device has said that it is on its disk, on the connection that it was sent on', async () => {
  const { replica, connect, say, at, types } = setUp();
  connect();
  say({ type: 'step1', stateVector: NOTHING });
  say({ type: 'step2', update: Uint8Array.of(0, 0) });
  await replica.ready;
  replica.text.insert(0, 'a');
  replica.text.insert(1, 'b');
  expect(types()).toEqual(['step2', 'update', 'update']);
  expect(status(replica)).toMatchObject({ phase: 'ready', synced: true, pendingEdits: 2 });
  const saved = replica.saved(soon());
  say({ type: 'saved', count: 1 });
  expect(status(replica).pendingEdits).toBe(2);
  say({ type: 'saved', count: 2 });
  expect(status(replica).pendingEdits).toBe(1);
  at(5_000);
  say({ type: 'saved', count: 3 });
  expect(status(replica)).toMatchObject({ pendingEdits: 0, savedAt: 5_000 });
  await saved;
  await replica.destroy();
});

test('what was not saved when the connection ended is in the answer of the next one, and only its acknowledgement counts', async () => {
  const { replica, connect, say, sent } = setUp();
  connect();
  say({ type: 'step1', stateVector: NOTHING });
  say({ type: 'step2', update: Uint8Array.of(0, 0) });
  replica.text.insert(0, 'lost');
  replica.disconnected();
  expect(status(replica)).toMatchObject({ synced: false, pendingEdits: 1 });
  replica.text.insert(4, ' and offline');
  sent.length = 0;
  connect();
  // Late words about the connection before would be about other messages.
  say({ type: 'saved', count: 2 });
  expect(status(replica).pendingEdits).toBe(2);
  say({ type: 'step1', stateVector: NOTHING });
  const [answer] = sent;
  const device = new Y.Doc();
  Y.applyUpdate(device, answer?.type === 'step2' ? answer.update : NOTHING);
  expect(device.getText('content').toString()).toBe('lost and offline');
  expect(sent.map(({ type }) => type)).toEqual(['step2', 'step1']);
  say({ type: 'saved', count: 1 });
  expect(status(replica).pendingEdits).toBe(0);
  await replica.destroy();
});

test('digests that are equal cost nothing further, and mean that all of it is on disk', async () => {
  const { replica, connect, say, types } = setUp();
  expect(replica.digest()).toEqual(NO_DIGEST);
  connect();
  say({ type: 'step1', stateVector: NOTHING });
  replica.text.insert(0, 'text');
  replica.disconnected();
  types();
  expect(replica.digest()).toEqual(digestOf(summarizeDoc(replica.doc)));
  connect();
  const saved = replica.saved(soon());
  replica.equal();
  await saved;
  expect(types()).toEqual([]);
  expect(status(replica)).toMatchObject({ phase: 'ready', synced: true, pendingEdits: 0 });
  await replica.destroy();
});

test('edits made between the opening message and its answer are sent after it, whichever it is, and are pending until then', async () => {
  for (const answer of ['equal', 'step1'] as const) {
    const { replica, connect, say, types } = setUp();
    connect();
    replica.text.insert(0, 'early');
    expect(types()).toEqual([]);
    if (answer === 'equal') {
      replica.equal();
      expect(types()).toEqual(['update']);
    } else {
      say({ type: 'step1', stateVector: NOTHING });
      expect(types()).toEqual(['step2', 'step1']);
    }
    expect(status(replica).pendingEdits).toBe(1);
    say({ type: 'saved', count: 1 });
    expect(status(replica).pendingEdits).toBe(0);
    await replica.destroy();
  }
});

test('asked again in the middle, it sends everything once more, and an acknowledgement of what was refused does not count', async () => {
  const { replica, connect, say, types } = setUp();
  connect();
  replica.equal();
  replica.text.insert(0, 'a');
  replica.text.insert(1, 'b');
  say({ type: 'step1', stateVector: NOTHING });
  expect(types()).toEqual(['update', 'update', 'step2']);
  say({ type: 'saved', count: 2 });
  expect(status(replica).pendingEdits).toBe(2);
  say({ type: 'saved', count: 3 });
  expect(status(replica).pendingEdits).toBe(0);
  await replica.destroy();
});

test('asked for what it has, it leaves out what waits here for the text of somebody else, and still has it afterwards', async () => {
  const { replica, connect, say, sent } = setUp();
  const other = new Y.Doc();
  other.getText('content').insert(0, 'theirs');
  const before = Y.encodeStateVector(other);
  const theirs = Y.encodeStateAsUpdate(other);
  other.getText('content').delete(0, 3);
  other.getText('content').insert(0, 'more ');
  const deletion = Y.encodeStateAsUpdate(other, before);
  connect();
  say({ type: 'update', update: deletion });
  replica.text.insert(0, 'mine');
  sent.splice(0);
  say({ type: 'step1', stateVector: NOTHING });
  const [answer] = sent;
  const device = new Y.Doc();
  Y.applyUpdate(device, answer?.type === 'step2' ? answer.update : expect.unreachable());
  expect(device.getText('content').toString()).toBe('mine');
  expect(device.store).toMatchObject({ pendingStructs: null, pendingDs: null });
  say({ type: 'update', update: theirs });
  expect(replica.text.toString()).toMatch(/^(mine)?more irs(mine)?$/);
  await replica.destroy();
});

test('M7 an edit above 16 MiB is kept here and said to be, is not sent over and over, and goes once it is short enough', async () => {
  const { replica, connect, say, types } = setUp();
  connect();
  replica.equal();
  replica.text.insert(0, 'x'.repeat(LIMITS.bulkUpdateBytesMax + 1));
  expect(status(replica)).toMatchObject({ pendingEdits: 1, failure: { code: 'too_large' } });
  for (let i = 0; i < 30; i++) replica.text.insert(0, 'y');
  expect(types()).toEqual([]);
  for (let again = 0; again < 3; again++) {
    replica.disconnected();
    connect();
    say({ type: 'step1', stateVector: NOTHING });
    expect(types()).toEqual(['step1']);
  }
  expect(status(replica).pendingEdits).toBe(31);
  replica.text.delete(0, replica.text.length - 10);
  expect(types()).toEqual(['step2']);
  expect(status(replica).failure).toBeUndefined();
  say({ type: 'saved', count: 1 });
  expect(status(replica).pendingEdits).toBe(0);
  await replica.destroy();
});

test('waiting for the disk can be given up, and says that the edits are kept', async () => {
  const { replica } = setUp();
  replica.text.insert(0, 'a');
  const controller = new AbortController();
  const saved = replica.saved(controller.signal);
  controller.abort();
  await expect(saved).rejects.toMatchObject({ code: 'not_ready', message: expect.stringContaining('kept here') });
  await expect(replica.saved(AbortSignal.abort())).rejects.toMatchObject({ code: 'not_ready' });
  await replica.destroy();
});

test('a document that is refused says why, and one that is here already can still be read', async () => {
  const { replica } = setUp();
  replica.failed({ code: 'not_found', message: 'gone' });
  await expect(replica.ready).rejects.toMatchObject({ code: 'not_found' });
  expect(status(replica)).toMatchObject({ phase: 'failed', failure: { code: 'not_found' } });
  await replica.destroy();
  const other = setUp();
  other.connect();
  other.replica.equal();
  other.replica.failed({ code: 'too_large', message: 'too large' });
  expect(status(other.replica)).toMatchObject({ phase: 'ready', synced: false });
  await other.replica.destroy();
});

function copyOf(text: string, unsavedEdits: number) {
  const before = new Y.Doc();
  before.getText('content').insert(0, text);
  const origin = Symbol('copy');
  const kept = createFact<Kept>({ edits: 0 });
  const said: (readonly [edits: number, unsaved: number])[] = [];
  const copies: Copies = {
    keep: (_id, doc) => ({
      loaded: Promise.resolve().then(() => Y.applyUpdate(doc, Y.encodeStateAsUpdate(before), origin)),
      unsavedEdits: () => unsavedEdits,
      keep: (edits, unsaved) => void said.push([edits, unsaved]),
      kept,
      close: async () => {},
    }),
    isOwn: (other) => other === origin,
    drop: async () => 0,
  };
  return { copies, kept, said };
}

test('its own copy is shown at once, and is no edit', async () => {
  const { copies } = copyOf('kept', 2);
  const { replica } = setUp(copies);
  await replica.ready;
  expect(replica.text.toString()).toBe('kept');
  // Those it had not sent when it was last closed.
  expect(status(replica)).toMatchObject({ phase: 'ready', synced: false, pendingEdits: 2, unkeptEdits: 0 });
  await replica.destroy();
});

test('an edit is unkept until its own copy or the device has it on disk', async () => {
  const { copies, kept, said } = copyOf('kept', 2);
  const { replica, connect, say } = setUp(copies);
  replica.text.insert(0, 'early ');
  expect(status(replica)).toMatchObject({ pendingEdits: 1, unkeptEdits: 1 });
  await replica.ready;
  expect(status(replica)).toMatchObject({ pendingEdits: 3, unkeptEdits: 1 });
  expect(said.at(-1)).toEqual([3, 3]);
  kept.set({ edits: 3 });
  expect(status(replica)).toMatchObject({ pendingEdits: 3, unkeptEdits: 0 });
  replica.text.insert(0, 'a');
  kept.set({ edits: 3, trouble: 'full' });
  expect(status(replica)).toMatchObject({ pendingEdits: 4, unkeptEdits: 1, copyTrouble: 'full' });
  connect();
  say({ type: 'step1', stateVector: NOTHING });
  say({ type: 'saved', count: 1 });
  expect(status(replica)).toMatchObject({ pendingEdits: 0, unkeptEdits: 0, copyTrouble: 'full' });
  expect(said.at(-1)).toEqual([4, 0]);
  kept.set({ edits: 4 });
  expect(status(replica)).not.toHaveProperty('copyTrouble');
  await replica.destroy();
});

test('without an own copy nothing counts as kept before the device has it', async () => {
  const { replica } = setUp();
  replica.text.insert(0, 'a');
  expect(status(replica)).toMatchObject({ pendingEdits: 1, unkeptEdits: 1 });
  await replica.destroy();
});

test('the presence of others ends with the connection', async () => {
  const { replica, connect, sent } = setUp();
  const other = setUp();
  other.connect();
  other.replica.awareness.setLocalState({ name: 'Bob' });
  connect();
  const [said] = other.sent;
  replica.receive(encodeFrame(said as Exclude<Frame, { type: 'unknown' }>));
  expect(replica.awareness.getStates().get(other.replica.doc.clientID)).toEqual({ name: 'Bob' });
  // It is not said on to where it came from.
  expect(sent).toEqual([]);
  replica.disconnected();
  expect(replica.awareness.getStates().has(other.replica.doc.clientID)).toBe(false);
  await replica.destroy();
  await other.replica.destroy();
});
