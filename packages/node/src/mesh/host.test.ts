/** A device on the network: members talk, strangers ping and nothing else. */
import { once } from 'node:events';
import { identify } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { expect, test as base } from 'vitest';
import { WebSocket } from 'ws';
import { testHost } from './host.fixture.ts';
import type { Host } from './host.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import type { OnTraffic } from './muxer.ts';
import { kindOf } from '@markco/client/mesh/path';

const PROTOCOL = '/markco/test/1.0.0';
const soon = (): AbortSignal => AbortSignal.timeout(10_000);

type Make = (
  admits?: (peerId: string, protocol: string | null) => boolean,
  listen?: readonly string[],
  provesWithinMs?: number,
  onTraffic?: OnTraffic,
) => Promise<Host>;

const test = base.extend<{ make: Make }>({
  make: async ({}, use) => {
    const hosts: Host[] = [];
    await use(async (admits = () => true, listen = ['/ip4/127.0.0.1/tcp/0'], provesWithinMs = 10_000, onTraffic) => {
      const host = await testHost({
        listen,
        admits,
        provesWithinMs,
        ...(onTraffic === undefined ? {} : { onTraffic }),
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

test('who hears a small message says nothing for it, not even that there is room for more', async ({ make }) => {
  const said: number[] = [];
  const onTraffic: OnTraffic = (protocol, direction, bytes) => {
    if (protocol === PROTOCOL && direction === 'sent') said.push(bytes);
  };
  const [a, b] = [await make(), await make(undefined, undefined, undefined, onTraffic)];
  let heard = 0;
  const all = Promise.withResolvers<void>();
  await b.handle(PROTOCOL, (stream) => stream.onMessage(() => ++heard === 100 && all.resolve()));
  await a.connect(b.peerId, b.addresses(), soon());
  const stream = await a.open(b.peerId, PROTOCOL, soon());
  for (let sent = 0; sent < 100; sent++) stream.sendText('an edit');
  await all.promise;
  expect(said).toEqual([]);
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
    services: { ping: ping(), identify: identify({ runOnConnectionOpen: false }) },
  });
  const target = multiaddr(b.addresses()[0]);
  const connection = await stranger.dial(target);
  expect(await stranger.services.ping.ping(target)).toBeGreaterThanOrEqual(0);
  const seen = await stranger.services.identify.identify(connection);
  expect([seen.listenAddrs, seen.signedPeerRecord]).toEqual([[], undefined]);
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

test('a better way is told of and used when it comes up; the lesser one stays', async ({ make }) => {
  const [a, b] = [await make(), await make(undefined, ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'])];
  const better: string[] = [];
  for (const host of [a, b]) host.onBetterPath((peerId) => void better.push(peerId));
  const [web, direct] = b.addresses().toSorted((one, other) => Number(/\/ws/.test(other)) - Number(/\/ws/.test(one)));
  await a.connect(b.peerId, [web ?? ''], soon());
  const ways = (): string[] => a.paths(b.peerId).map(({ address }) => kindOf(address));
  expect(ways()).toEqual(['websocket']);
  const tries = await a.improve(b.peerId, [web ?? '', direct ?? ''], soon());
  expect(tries).toMatchObject([{ kind: 'tcp', why: null }]);
  expect(ways()).toEqual(['tcp', 'websocket']);
  await expect.poll(() => better.toSorted()).toEqual([a.peerId, b.peerId].toSorted());
  expect(await a.improve(b.peerId, [web ?? '', direct ?? ''], soon())).toEqual([]);
  const probed = await a.probe(b.peerId, b.addresses(), soon());
  expect(probed.map(({ kind, why }) => [kind, why])).toEqual([
    ['tcp', null],
    ['websocket', null],
  ]);
  await expect.poll(ways).toEqual(['tcp', 'websocket']);
});

test('a WebSocket message of a stranger is bounded before anything of it is read', async ({ make }) => {
  const host = await make(undefined, ['/ip4/127.0.0.1/tcp/0/ws']);
  const port = /\/tcp\/(\d+)\/ws/.exec(host.addresses()[0] ?? '')?.[1];
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  await once(socket, 'open');
  const closed = once(socket, 'close') as Promise<[number]>;
  socket.on('error', () => undefined);
  socket.send(new Uint8Array(1024 * 1024 + 1));
  const [code] = await closed;
  expect(code).toBe(1009);
  // One who is not let in is not left hanging either.
  const full = await make(() => false, ['/ip4/127.0.0.1/tcp/0/ws'], 300);
  const mute = new WebSocket(`ws://127.0.0.1:${/\/tcp\/(\d+)\/ws/.exec(full.addresses()[0] ?? '')?.[1]}`);
  mute.on('error', () => undefined);
  await once(mute, 'open');
  mute.send('this is no handshake of Noise, and it will not become one');
  await once(mute, 'close');
});

test('who is reached by WebRTC alone is reached at its UDP port, and not by a stranger with another key there', async ({
  make,
}) => {
  const [a, b, other] = [await make(), await make(() => true, ['/ip4/127.0.0.1/udp/0/webrtc-direct']), await make()];
  await b.handle(PROTOCOL, (stream, peerId) =>
    stream.onMessage((message) => stream.sendText(`${peerId} ${String(message)}`)),
  );
  const [address = ''] = b.addresses();
  expect(address).toMatch(/^\/ip4\/127\.0\.0\.1\/udp\/\d+\/webrtc-direct\/certhash\//);
  await expect(a.connect(other.peerId, [address], soon())).rejects.toMatchObject({ code: 'not_ready' });
  await a.connect(b.peerId, [address], soon());
  expect(a.paths(b.peerId).map((path) => kindOf(path.address))).toEqual(['webrtc']);
  const stream = await a.open(b.peerId, PROTOCOL, soon());
  stream.sendText('hello');
  expect(await next(stream)).toBe(`${a.peerId} hello`);
});
