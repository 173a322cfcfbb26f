/**
 * For tests: a program of several devices that were paired with one and then send it whatever they can, each its own
 * kind of flood. Told what to do, and telling what came of it, by the channel of its parent.
 */
import {
  decodeEntries,
  encodeEntries,
  encodeFrame,
  decodeToDevice,
  encodeToDevice,
  newId,
  NO_DIGEST,
  type DeviceId,
  type DocumentId,
  type UserId,
} from '@markco/protocol';
import { replicaDevice } from '@markco/node/mesh/documents/device.fixture';
import { createMesh, type Mesh } from '@markco/node/mesh/mesh';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { openTrust } from '@markco/node/mesh/trust';
import { randomBytes } from 'node:crypto';
import * as Y from 'yjs';
import type { Flood, Flooded, Order, Told } from './flood.fixture.ts';

type Flooder = { readonly flood: Flood; readonly mesh: Mesh; close(): Promise<void> };
const flooders: Flooder[] = [];
/** Bytes that wait in this program before it sends more: it floods the other one, not itself. */
const WAITING_MAX = 2 * 1024 * 1024;
const PROTOCOLS: Readonly<Record<Flood, string>> = {
  repeats: '/markco/documents/1.0.0',
  gaps: '/markco/documents/1.0.0',
  noise: '/markco/documents/1.0.0',
  questions: '/markco/documents/1.0.0',
  control: '/markco/control/1.0.0',
};

async function join(link: string, flood: Flood): Promise<void> {
  const device = await replicaDevice();
  const { ids, home, store, rooms, catalog, digests, links, projects } = device;
  const trust = await openTrust({ home, deviceId: newId<DeviceId>(ids), userId: newId<UserId>(ids), name: flood, ids });
  const mesh = await createMesh({
    ...{ trust, ids, store, rooms, catalog, digests, links, projects, about: { name: flood, os: 'test' } },
    ...{ listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], findsNeighbors: false, isRelay: false, isNear: () => true },
    serve: () => undefined,
    handle: () => new Response(null, { status: 404 }),
    heartbeat: () => Promise.reject(new Error('not in this test')),
    log: { info: () => undefined, warn: () => undefined },
  });
  await mesh.pair.join(link, [], () => undefined, AbortSignal.timeout(30_000));
  flooders.push({
    flood,
    mesh,
    async close() {
      await mesh.close();
      await device[Symbol.asyncDispose]();
    },
  });
}

/** Opens the document as a device does that has the project too, or takes the channel that the other one opened; null when it ended. */
function openAt(stream: MessageStream, mesh: Mesh, documentId: DocumentId): Promise<number | null> {
  const projects = [...mesh.elsewhere().values()].map(({ project }) => ({ project, hash: '0'.repeat(16) }));
  stream.sendText(JSON.stringify({ op: 'projects', projects }));
  let channel = 1_000;
  const { promise, resolve } = Promise.withResolvers<number | null>();
  const timer = setInterval(() => {
    const openings = [{ channel: ++channel, documentId, digest: NO_DIGEST }];
    const payload = Uint8Array.of(0, ...encodeToDevice({ type: 'open', openings }));
    stream.sendBytes(encodeEntries([{ channel: 0, payload }]));
  }, 20);
  stream.onMessage((message) => {
    if (typeof message === 'string') return;
    for (const { channel: number, payload } of decodeEntries(message)) {
      if (number > 1_000) resolve(number);
      if (number !== 0 || payload[0] !== 0) continue;
      const said = decodeToDevice(payload.subarray(1));
      const opened = said.type === 'open' ? said.openings.find((each) => each.documentId === documentId) : undefined;
      if (opened !== undefined) resolve(opened.channel);
    }
  });
  stream.onClose(() => resolve(null));
  return promise.finally(() => clearInterval(timer));
}

/** What it says over and over. */
function wordsOf(flood: Flood, channel: number): () => Uint8Array | string {
  const onChannel = (payload: Uint8Array): Uint8Array => encodeEntries([{ channel, payload }]);
  if (flood === 'repeats') {
    const doc = new Y.Doc();
    doc.getText('content').insert(0, 'once');
    const again = onChannel(encodeFrame({ type: 'update', update: Y.encodeStateAsUpdate(doc) }));
    return () => again;
  }
  if (flood === 'gaps') {
    const doc = new Y.Doc();
    doc.getText('content').insert(0, 'never told');
    const before = Y.encodeStateVector(doc);
    doc.getText('content').insert(5, randomBytes(200_000).toString('hex'));
    const gap = onChannel(encodeFrame({ type: 'update', update: Y.encodeStateAsUpdate(doc, before) }));
    return () => gap;
  }
  if (flood === 'questions') {
    const question = onChannel(encodeFrame({ type: 'step1', stateVector: Uint8Array.of(0) }));
    return () => question;
  }
  if (flood === 'control') return () => JSON.stringify({ op: 'devices', devices: [] });
  return () => new Uint8Array(randomBytes(50));
}

async function floodOne({ flood, mesh }: Flooder, documentId: DocumentId, forMs: number): Promise<Flooded> {
  const target = mesh.peers.list()[0]?.peerId ?? '';
  const began = performance.now();
  const isOver = (): boolean => performance.now() - began > forMs;
  let [bytes, messages, letInAgain] = [0, 0, 0];
  let firstAt: number | null = null;
  let cutAfterMs: number | null = null;
  mesh.host.onPeer((_, isConnected) => {
    if (!isConnected && firstAt !== null) cutAfterMs ??= performance.now() - firstAt;
  });
  while (!isOver()) {
    const addresses = mesh.peers.list()[0]?.addresses ?? [];
    const stream = await mesh.host
      .connect(target, addresses, AbortSignal.timeout(2_000))
      .then(() => mesh.host.open(target, PROTOCOLS[flood], AbortSignal.timeout(2_000)))
      .catch(() => null);
    if (stream === null) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    const say = (message: Uint8Array | string): void => {
      if (typeof message === 'string') stream.sendText(message);
      else stream.sendBytes(message);
      bytes += message.length;
      messages++;
    };
    let isOpen = true;
    stream.onClose(() => (isOpen = false));
    const needsDocument = flood === 'repeats' || flood === 'gaps' || flood === 'questions';
    const channel = needsDocument ? await openAt(stream, mesh, documentId) : 0;
    if (channel === null) continue;
    if (cutAfterMs !== null) letInAgain++;
    stream.onMessage(() => undefined);
    const next = wordsOf(flood, channel);
    while (isOpen && !isOver()) {
      firstAt ??= performance.now();
      for (let n = 0; n < 50 && isOpen && stream.waiting() < WAITING_MAX; n++) say(next());
      await (stream.waiting() < WAITING_MAX ? turn() : drained(stream));
    }
    stream.close();
  }
  return { flood, bytes, messages, cutAfterMs, letInAgain };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const drained = (stream: MessageStream): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, 50);
    stream.onClose(() => {
      clearTimeout(timer);
      resolve();
    });
  });

const tell = (told: Told): void => void process.send?.(told);

async function obey(order: Order): Promise<void> {
  if (order.order === 'join') {
    await join(order.link, order.flood);
    tell({ told: 'joined' });
  } else if (order.order === 'flood') {
    const floods = await Promise.all(flooders.map((each) => floodOne(each, order.documentId, order.forMs)));
    tell({ told: 'flooded', floods });
  } else {
    await Promise.all(flooders.map((each) => each.close()));
    process.disconnect();
  }
}

process.on('message', (order: Order) => void obey(order));
