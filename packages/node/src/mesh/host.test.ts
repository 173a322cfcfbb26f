/** A device on the network: members talk, strangers ping and nothing else. */
import { generateKeyPair } from '@libp2p/crypto/keys';
import { noise } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { expect, test as base } from 'vitest';
import { createConducts } from './conduct.ts';
import { createHost, type Host } from './host.ts';
import type { MessageStream } from './message-stream.ts';

const PROTOCOL = '/markco/test/1.0.0';
const soon = (): AbortSignal => AbortSignal.timeout(10_000);

type Make = (admits?: (peerId: string, protocol: string | null) => boolean) => Promise<Host>;

const test = base.extend<{ make: Make }>({
  make: async ({}, use) => {
    const hosts: Host[] = [];
    await use(async (admits = () => true) => {
      const host = await createHost({
        key: await generateKeyPair('Ed25519'),
        listen: ['/ip4/127.0.0.1/tcp/0'],
        findsNeighbors: false,
        admits,
        conducts: createConducts({ now: () => performance.now(), onCut: () => undefined }),
        now: Date.now,
        onTrouble: () => undefined,
      });
      hosts.push(host);
      return host;
    });
    await Promise.all(hosts.map((host) => host.close()));
  },
});

const next = (stream: MessageStream): Promise<Uint8Array | string> =>
  new Promise((resolve, reject) => {
    stream.onMessage(resolve);
    stream.onClose((why) => reject(why ?? new Error('closed')));
  });

test('messages of any size go both ways, and an end is heard', async ({ make }) => {
  const [a, b] = [await make(), await make()];
  const echoes: MessageStream[] = [];
  await b.handle(PROTOCOL, (stream, peerId) => {
    echoes.push(stream);
    stream.onMessage((message) => {
      if (typeof message === 'string') stream.sendText(`${peerId === a.peerId} ${message}`);
      else stream.sendBytes(message);
    });
  });
  await a.connect(b.peerId, b.addresses(), soon());
  const stream = await a.open(b.peerId, PROTOCOL, soon());
  stream.sendText('hello');
  expect(await next(stream)).toBe('true hello');
  for (const size of [0, 1, 100_000, 16 * 1024 * 1024]) {
    const sent = new Uint8Array(size).fill(7);
    stream.sendBytes(sent);
    const got = await next(stream);
    expect(got.length).toBe(size);
    expect(Buffer.compare(Buffer.from(got as Uint8Array), Buffer.from(sent))).toBe(0);
  }
  const closed = new Promise((resolve) => echoes[0]?.onClose(resolve));
  stream.close();
  expect(await closed).toBeNull();
});

test('a stranger may ping; a stream of it is refused before its handler hears of it, and members are not told of it', async ({
  make,
}) => {
  let handled = 0;
  const told: string[] = [];
  const b = await make(() => false);
  b.onPeer((peerId, isConnected) => isConnected && told.push(peerId));
  await b.handle(PROTOCOL, () => void handled++);
  const stranger = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { ping: ping() },
  });
  const target = multiaddr(b.addresses()[0]);
  const connection = await stranger.dial(target);
  expect(await stranger.services.ping.ping(target)).toBeGreaterThanOrEqual(0);
  const stream = await connection.newStream(PROTOCOL).catch(() => undefined);
  await expect.poll(() => stream?.status ?? 'reset').toBe('reset');
  expect([handled, told]).toEqual([0, []]);
  await stranger.stop();
});

test('who dials proves who it dials; an address of another is refused', async ({ make }) => {
  const [a, b, c] = [await make(), await make(), await make()];
  const other = b.addresses().map((address) => address.replace(/\/p2p\/.*$/, ''));
  await expect(a.connect(c.peerId, other, soon())).rejects.toMatchObject({ code: 'not_ready' });
  await expect(a.open(b.peerId, PROTOCOL, soon())).rejects.toMatchObject({ code: 'not_ready' });
});

test('a peer that goes is told of, and its paths are gone', async ({ make }) => {
  const [a, b] = [await make(), await make()];
  const gone = new Promise<string>((resolve) => a.onPeer((peerId, isConnected) => !isConnected && resolve(peerId)));
  await a.connect(b.peerId, b.addresses(), soon());
  expect(a.paths(b.peerId)).toMatchObject([{ isRelayed: false, isOutgoing: true }]);
  expect(await a.ping(b.peerId, soon())).toBeLessThan(1_000);
  await b.close();
  expect(await gone).toBe(b.peerId);
  expect(a.paths(b.peerId)).toEqual([]);
});
