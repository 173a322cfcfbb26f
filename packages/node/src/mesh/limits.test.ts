/** T10: every limit of what comes over the network, at it and one beyond it; and what an honest device may do. */
import { encodeFrame, LIMITS, newId, type DeviceId, type Failure } from '@markco/protocol';
import { expect, test, vi } from 'vitest';
import * as Y from 'yjs';
import { GAPS_MAX, QUESTIONS_MAX, type Member } from '@markco/replica/documents/seat';
import { createConducts, type Conduct } from './conduct.ts';
import { replicaDevice } from './documents/device.fixture.ts';
import { GREETING_MS, greet } from '@markco/client/mesh/greet';
import { testHost } from './host.fixture.ts';
import type { Host } from './host.ts';
import { meshDevice, pairDevices, type MeshDevice } from './mesh.fixture.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import type { Trust } from './trust.ts';

const SOON = { timeout: 30_000, interval: 20 };
const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const PROTOCOL = '/markco/test/1.0.0';

function hostWith(conduct?: Conduct): Promise<Host & AsyncDisposable> {
  const usual = createConducts({ now: () => performance.now(), onCut: () => undefined });
  return testHost(conduct === undefined ? {} : { conducts: { ...usual, of: () => conduct } });
}

const ended = (stream: MessageStream): Promise<Failure | null> => new Promise((resolve) => stream.onClose(resolve));

test('FLOOD-4 what comes faster than it may waits on the other side, and then comes whole and in order, an end included', async () => {
  let admitted = 0;
  let waited = 0;
  await using slow = await hostWith({
    // Each third message has to wait once.
    admit: () => (admitted % 3 === 2 && waited++ % 2 === 0 ? 1 : (admitted++, 0)),
    wasted: () => undefined,
  });
  await using fast = await hostWith();
  const got: string[] = [];
  const { promise, resolve } = Promise.withResolvers<Failure | null>();
  await slow.handle(PROTOCOL, (stream) => {
    stream.onMessage((message) => void got.push(String(message)));
    stream.onClose(resolve);
  });
  await fast.connect(slow.peerId, slow.addresses(), soon());
  const stream = await fast.open(slow.peerId, PROTOCOL, soon());
  const sent = Array.from({ length: 300 }, (_, n) => `${n} ${'x'.repeat(n % 7 === 0 ? 100_000 : 10)}`);
  for (const text of sent) stream.sendText(text);
  stream.close();
  expect(await promise).toBeNull();
  expect(got).toEqual(sent);
  expect(waited).toBeGreaterThan(99);
});

test('FLOOD-4 while messages wait the sender finds the stream full: this device gathers a window and no more', async () => {
  const conduct = { isOpen: false, admit: () => (conduct.isOpen ? 0 : 5), wasted: () => undefined };
  await using slow = await hostWith(conduct);
  await using fast = await hostWith();
  let bytes = 0;
  await slow.handle(PROTOCOL, (stream) => stream.onMessage((message) => void (bytes += message.length)));
  await fast.connect(slow.peerId, slow.addresses(), soon());
  const stream = await fast.open(slow.peerId, PROTOCOL, soon());
  const total = 12 * 1024 * 1024;
  for (let sent = 0; sent < total; sent += 64 * 1024) stream.sendBytes(new Uint8Array(64 * 1024));
  let least = total;
  await expect.poll(() => (least = Math.min(least, stream.waiting())) === stream.waiting(), SOON).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(stream.waiting()).toBeGreaterThan(total - 6 * 1024 * 1024);
  expect(bytes).toBe(0);
  conduct.isOpen = true;
  await expect.poll(() => bytes, SOON).toBe(total);
});

test('FLOOD-4 who is faster than it may be for long is slowed down all the while, and not broken off', async () => {
  let asked = 0;
  await using slow = await hostWith({ admit: () => (asked++ % 2 === 0 ? 5 : 0), wasted: () => undefined });
  await using fast = await hostWith();
  let bytes = 0;
  let why: unknown = null;
  await slow.handle(PROTOCOL, (stream) => {
    stream.onMessage((message) => void (bytes += message.length));
    stream.onClose((ending) => (why = ending));
  });
  await fast.connect(slow.peerId, slow.addresses(), soon());
  const stream = await fast.open(slow.peerId, PROTOCOL, soon());
  const total = 16 * 1024 * 1024;
  for (let sent = 0; sent < total; sent += 64 * 1024) stream.sendBytes(new Uint8Array(64 * 1024));
  await expect.poll(() => why !== null || bytes === total, SOON).toBe(true);
  expect([bytes, why]).toEqual([total, null]);
});

test('FLOOD-5 a message as large as may be is taken, one byte more ends the stream and is paid for', async () => {
  const costs: number[] = [];
  await using to = await hostWith({ admit: () => 0, wasted: (cost) => void costs.push(cost) });
  await using from = await hostWith();
  const got: number[] = [];
  await to.handle(PROTOCOL, (stream) => stream.onMessage((message) => void got.push(message.length)), 1_000);
  await from.connect(to.peerId, to.addresses(), soon());
  const stream = await from.open(to.peerId, PROTOCOL, soon());
  stream.sendBytes(new Uint8Array(1_000));
  await expect.poll(() => got, SOON).toEqual([1_000]);
  expect(costs).toEqual([4]);
  stream.sendBytes(new Uint8Array(1_001));
  expect(await ended(stream)).not.toBeNull();
  expect([got, costs]).toEqual([[1_000], [4, 200]]);
});

test('FLOOD-6 as many streams as a protocol may have are open, one more is reset', async () => {
  await using to = await hostWith();
  await using from = await hostWith();
  let open = 0;
  await to.handle(PROTOCOL, () => void open++, 1_000, 2);
  await from.connect(to.peerId, to.addresses(), soon());
  const streams = [];
  for (let n = 0; n < 2; n++) streams.push(await from.open(to.peerId, PROTOCOL, soon()));
  await expect.poll(() => open, SOON).toBe(2);
  const third = await from.open(to.peerId, PROTOCOL, soon()).then(ended, (error: unknown) => error);
  expect(third).not.toBeNull();
  expect(open).toBe(2);
});

/** A stream that says what it is told to. */
function spoken() {
  let onMessage: (message: Uint8Array | string) => void = () => undefined;
  let onClose: (why: Failure | null) => void = () => undefined;
  let why: Failure | null | undefined;
  const end = (reason: Failure | null): void => {
    why ??= reason;
    onClose(why);
  };
  const stream: MessageStream = {
    sendBytes: () => undefined,
    sendText: () => undefined,
    waiting: () => 0,
    onMessage: (listener) => void (onMessage = listener),
    onDrain: () => undefined,
    onClose: (listener) => void (onClose = listener),
    close: () => end(null),
    abort: end,
  };
  return { stream, say: (message: Uint8Array) => onMessage(message), why: () => why };
}

test('FLOOD-7 before it has said who it is a peer has ten seconds, and a hello of bytes', async () => {
  await using device = await meshDevice('laptop');
  const { peerId } = device.trust;
  const parts = device.trust as Trust;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const silent = spoken();
    const refused = expect(greet(silent.stream, peerId, parts, 'responder')).rejects.toMatchObject({
      code: 'not_ready',
    });
    vi.advanceTimersByTime(GREETING_MS - 1);
    expect(silent.why()).toBeUndefined();
    vi.advanceTimersByTime(1);
    await refused;
  } finally {
    vi.useRealTimers();
  }
  for (const [length, code] of [
    [LIMITS.helloBytesMax, 'bad_request'],
    [LIMITS.helloBytesMax + 1, 'too_large'],
  ] as const) {
    const loud = spoken();
    const greeting = greet(loud.stream, peerId, parts, 'responder');
    loud.say(new Uint8Array(length));
    await expect(greeting).rejects.toMatchObject({ code });
  }
});

test.for([
  { name: 'says nothing else', type: 'update', most: GAPS_MAX },
  { name: 'answers with no more than that', type: 'step2', most: QUESTIONS_MAX },
] as const)(
  'FLOOD-9 edits that refer to nothing are never kept, and a device that $name is asked, and given up in the end',
  async ({ type, most }) => {
    await using a = await replicaDevice();
    const id = await a.open({ 'one.md': '# One\n' });
    const one = a.idOf(id, 'one.md');
    await a.rooms.hold(one, (room) => {
      const before = { seq: room.seq, bytes: room.tailBytes };
      let asked = 0;
      const member: Member = {
        readOnly: false,
        device: newId<DeviceId>(a.ids),
        send: () => void asked++,
        refuse: () => undefined,
      };
      room.join(member);
      asked = 0;
      const doc = new Y.Doc();
      doc.getText('content').insert(0, 'never told');
      const told = Y.encodeStateVector(doc);
      doc.getText('content').insert(3, 'x'.repeat(10_000));
      const gap = encodeFrame({ type, update: Y.encodeStateAsUpdate(doc, told) });
      for (let n = 0; n < most; n++) room.receive(member, gap);
      expect(asked).toBe(type === 'update' ? 1 : most);
      expect(() => room.receive(member, gap)).toThrow('Edits keep referring to text that is not here');
      expect({ seq: room.seq, bytes: room.tailBytes }).toEqual(before);
      room.leave(member);
    });
  },
);

test('FLOOD-8 a device that has 64 MiB to tell, and then pastes a megabyte, is not cut off', async () => {
  const warned: unknown[] = [];
  const log = { info: () => undefined, warn: (event: string, fields?: unknown) => void warned.push([event, fields]) };
  await using a = await meshDevice('a', { log });
  await using b = await meshDevice('b', { log });
  await pairDevices(a, b);
  const page = (n: number): string => `# Page ${n}\n${`line of page ${n}\n`.repeat((9 * 1024 * 1024) / 16)}`;
  const files = Object.fromEntries(Array.from({ length: 7 }, (_, n) => [`${n}.md`, page(n)]));
  const id = await a.open(files);
  a.mesh.tellProjects();
  await expect.poll(() => b.mesh.elsewhere().size, SOON).toBe(1);
  const [found] = b.mesh.elsewhere().values();
  await b.join(found?.project ?? expect.unreachable());
  b.mesh.tellProjects();
  const has = (device: MeshDevice) => [...device.catalog.list(id)].filter(({ file }) => (file?.seq ?? 0) > 0).length;
  await expect.poll(() => has(b), { timeout: 60_000, interval: 100 }).toBe(7);
  await a.type(a.idOf(id, '3.md'), 0, 'p'.repeat(1024 * 1024));
  await expect.poll(async () => (await b.file('3.md')).startsWith('pppp'), SOON).toBe(true);
  for (const file of Object.keys(files))
    expect([file, (await b.file(file)) === (await a.file(file))]).toEqual([file, true]);
  expect(warned.filter((each) => JSON.stringify(each).includes('cut-off'))).toEqual([]);
});
