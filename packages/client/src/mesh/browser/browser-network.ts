/**
 * A browser on the network of its user's devices: it dials the one door that it has, the WebSocket of the page's own
 * server, other devices through the device behind it, and from there on each of them directly, by WebRTC. It listens
 * nowhere.
 *
 * 1. It talks to members, and to the one that it asks to add it; nobody else's stream is read.
 * 2. Whom it talks to has proven its key: by Noise, or, where two meet through a relay, by the connection that goes
 *    through it, on which each says what the other will prove. Whoever passes the bytes on reads none of them.
 * 3. A stream is opened on the best way there is. A way through a relay is given up once there is a direct one that
 *    carries something, and what was said by the old way is over.
 */
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { identify } from '@libp2p/identify';
import type { Connection, Ed25519PrivateKey } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { peerIdFromString } from '@libp2p/peer-id';
import { ping } from '@libp2p/ping';
import { webSockets } from '@libp2p/websockets';
import { yamux } from '@libp2p/yamux';
import { Failure } from '@markco/protocol';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { aborted, answers } from '../answers.ts';
import { createDialer, type HeadStarts } from '../dial.ts';
import type { Improves } from '../improve.ts';
import { messageStream } from '../message-stream.ts';
import type { Network } from '../network.ts';
import { kindOf, rankOf, relayOf, whereRelayIs, withoutPeer, type PathKind } from '../path.ts';
import type { Components } from './direct-transports.ts';

/** How often a connection is asked whether it is still there, and how long one that says nothing is waited for. */
const ASK_MS = 4_000;
const ANSWER_MS = 3_000;
const SILENT_MS = 15_000;
/** How long a hole that seems to be punched may take to carry something. */
const PROOF_MS = 5_000;
/** How long the other side may take to find a better way good, too, and to be done with what it says by the old one. */
const SETTLED_MS = 2_000;
/** How long what was asked by a way through a relay may take, once there is a better way. */
const OVER_MS = 60_000;
/** Ports of one device that are tried at once; of more, the first. */
const PORTS_MAX = 4;
/** There are two steps here, to the door and from there on: nothing is gained by waiting. */
const HEAD_STARTS: HeadStarts = { tcp: 0, websocket: 0, webrtc: 0, relayed: 0 };

export type BrowserNetwork = Network & Improves & { close(): Promise<void> };

export type BrowserNetworkParts = {
  readonly privateKey: Ed25519PrivateKey;
  /** Where the server of the page passes WebSockets on, as libp2p writes it: no other is let through by a page. */
  readonly door: string;
  /** Whether a peer may open streams here. */
  readonly admits: (peerId: string) => boolean;
  /** `stun:203.0.113.7:7718`: who says by which address the world sees this browser. */
  readonly stunServers?: () => readonly string[];
};

export async function createBrowserNetwork(parts: BrowserNetworkParts): Promise<BrowserNetwork> {
  const { admits, door } = parts;
  const peerListeners: ((peerId: string, isConnected: boolean) => void)[] = [];
  const pathListeners: ((peerId: string) => void)[] = [];
  const closing = new AbortController();
  const node = await createLibp2p({
    privateKey: parts.privateKey,
    addresses: { listen: [] },
    // It looks for no relays by itself, and asks for no place at one.
    transports: [
      webSockets(),
      circuitRelayTransport({ discoveryFilter: { has: () => true, add: () => undefined, remove: () => undefined } }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify({ runOnConnectionOpen: false }),
      ping: ping(),
      inner: (components: Components) => ({ components }),
    },
    // By itself it would dial no address of a home network, and no server on this machine.
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: { reconnectRetries: 0 },
    connectionMonitor: { pingInterval: ASK_MS, pingTimeout: { minTimeout: ANSWER_MS, maxTimeout: SILENT_MS } },
  });
  const { components } = node.services.inner;

  /** Two sides do not agree at once on whether a hole was punched; what has answered once is there. */
  const unproven = new WeakMap<Connection, Promise<void>>();
  const leaving = new WeakSet<Connection>();
  const connectionsOf = (peerId: string): Connection[] =>
    node
      .getConnections(peerIdFromString(peerId))
      .filter((connection) => connection.status === 'open' && !unproven.has(connection))
      .toSorted((a, b) => rank(a) - rank(b) || a.timeline.open - b.timeline.open);

  node.addEventListener('peer:connect', ({ detail }) => {
    const peerId = detail.toString();
    if (admits(peerId)) for (const listener of peerListeners) listener(peerId, true);
  });
  node.addEventListener('peer:disconnect', ({ detail }) => {
    for (const listener of peerListeners) listener(detail.toString(), false);
  });
  node.addEventListener('connection:open', ({ detail }) => {
    if (way(detail) !== 'webrtc') return useToo(detail);
    const proof = answers(detail, AbortSignal.timeout(PROOF_MS)).then(() => {
      unproven.delete(detail);
      useToo(detail);
    });
    unproven.set(detail, proof);
    proof.catch((error: unknown) => detail.abort(error instanceof Error ? error : new Error(String(error))));
  });

  function useToo(connection: Connection): void {
    const peerId = connection.remotePeer.toString();
    const others = connectionsOf(peerId).filter(({ id }) => id !== connection.id);
    if (others.length > 0 && others.every((other) => rank(connection) < rank(other)))
      for (const listener of pathListeners) listener(peerId);
    for (const each of connectionsOf(peerId)) if (way(each) === 'relayed') void leave(each, peerId);
  }

  /** Ends a way through a relay, unless it is the only one by then. */
  async function leave(relayed: Connection, peerId: string): Promise<void> {
    const isNeedless = (): boolean => connectionsOf(peerId).some((each) => way(each) !== 'relayed');
    if (leaving.has(relayed) || !isNeedless()) return;
    leaving.add(relayed);
    await Promise.race([Promise.all([over(relayed), pause(SETTLED_MS)]), pause(OVER_MS)]);
    leaving.delete(relayed);
    if (isNeedless()) await relayed.close().catch(() => relayed.abort(new Error('there is a better way')));
  }

  let loading: Promise<void> | undefined;
  /** One that could not be loaded is loaded again the next time. */
  function loadDirect(): Promise<void> {
    loading ??= import('./direct-transports.ts').then(
      ({ directTransports }) => {
        for (const transport of directTransports(components, parts.stunServers ?? (() => [])))
          components.transportManager.add(transport);
      },
      (error: unknown) => {
        loading = undefined;
        throw error;
      },
    );
    return loading;
  }

  const dialer = createDialer({
    elapsed: () => performance.now(),
    open: connectionsOf,
    headStartMs: HEAD_STARTS,
    async dial(address, signal) {
      if (kindOf(address) === 'webrtc') await loadDirect();
      const connection = await components.transportManager.dial(multiaddr(address), { signal });
      await unproven.get(connection);
      return connection;
    },
  });

  /** A page opens WebSockets to its own server, goes through relays that it reaches by one, or is connected to. */
  function dialable(address: string): boolean {
    const kind = kindOf(address);
    if (kind === 'websocket') return withoutPeer(address) === door;
    const relay = relayOf(address);
    if (relay === undefined) return kind === 'webrtc';
    return withoutPeer(whereRelayIs(address)) === door || connectionsOf(relay).length > 0;
  }
  const direct = (addresses: readonly string[]): readonly string[] => {
    const all = addresses.filter((address) => kindOf(address) === 'webrtc' && dialable(address));
    const punched = all.filter((address) => relayOf(address) !== undefined);
    const listening = all.filter((address) => relayOf(address) === undefined);
    // The two meet where they are connected, whichever relay is named.
    return [...punched.slice(0, 1), ...listening.slice(0, PORTS_MAX)];
  };

  return {
    peerId: node.peerId.toString(),
    async handle(protocol, handler, bytesMax) {
      await node.handle(
        protocol,
        (stream, connection) => {
          const peerId = connection.remotePeer.toString();
          if (!admits(peerId)) return stream.abort(new Error('refused'));
          handler(messageStream(stream, { bytesMax }), peerId);
        },
        { runOnLimitedConnection: true },
      );
    },
    async connect(peerId, addresses, signal) {
      if (connectionsOf(peerId).length > 0) return;
      const indirect = addresses.filter((address) => kindOf(address) !== 'webrtc' && dialable(address));
      const ways = [...indirect, ...direct(addresses)];
      if (ways.length === 0) throw new Failure('not_ready', 'It is not known where this device is.');
      try {
        await Promise.race([dialer.dial(peerId, ways, closing.signal).first, aborted(signal)]);
      } catch (cause) {
        throw new Failure('not_ready', 'This device does not answer.', { cause });
      }
    },
    async improve(peerId, addresses, signal) {
      const [best] = connectionsOf(peerId);
      if (best === undefined || rank(best) <= rankOf('/webrtc')) return [];
      const until = AbortSignal.any([signal, closing.signal]);
      const { all } = dialer.dial(peerId, direct(addresses), until, rank(best));
      return Promise.race([all, aborted(signal)]);
    },
    async open(peerId, protocol, signal, bytesMax) {
      const [connection] = connectionsOf(peerId);
      if (connection === undefined) throw new Failure('not_ready', 'This device is not connected.');
      try {
        const opening = connection.newStream(protocol, { signal, runOnLimitedConnection: true });
        // By WebRTC it would be waited for on a connection that has ended.
        const stream = await orEnded(opening, connection);
        stream.addEventListener('close', ({ error }) => {
          if (isHungUp(error)) connection.abort(error);
        });
        return messageStream(stream, { bytesMax });
      } catch (cause) {
        const isUnknown = cause instanceof Error && cause.name === 'UnsupportedProtocolError';
        throw isUnknown
          ? new Failure('unsupported', 'This device does not know how to do that. Upgrade MarkCo there.', { cause })
          : new Failure('not_ready', 'This device does not answer.', { cause });
      }
    },
    paths: (peerId) =>
      connectionsOf(peerId).map((connection) => ({
        address: connection.remoteAddr.toString(),
        isRelayed: way(connection) === 'relayed',
        isOutgoing: connection.direction === 'outbound',
        since: connection.timeline.open,
        roundTripMs: connection.rtt ?? null,
      })),
    async disconnect(peerId) {
      await node.hangUp(peerIdFromString(peerId)).catch(() => undefined);
    },
    onPeer: (listener) => void peerListeners.push(listener),
    onBetterPath: (listener) => void pathListeners.push(listener),
    // libp2p ends a connection on which nothing is said.
    onSilence: () => undefined,
    async close() {
      closing.abort();
      await node.stop();
    },
  };
}

const way = (connection: Connection): PathKind => kindOf(connection.remoteAddr.toString());
const rank = (connection: Connection): number => rankOf(connection.remoteAddr.toString());
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Whether what carries all streams of a connection by WebRTC has ended, as when the other side hangs up: a browser says
 * that of each stream, and of the connection only after many seconds.
 */
const isHungUp = (error: Error | undefined): error is Error =>
  error !== undefined && 'errorDetail' in error && error.errorDetail === 'sctp-failure';

/** What is opened on a connection, or a rejection once that has ended. */
async function orEnded<T>(opening: Promise<T>, connection: Connection): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(new Error('the connection ended'));
  connection.addEventListener('close', end);
  try {
    return await Promise.race([opening, ended]);
  } finally {
    connection.removeEventListener('close', end);
  }
}

/** Resolves once no stream is open on it any more: new ones are opened on the better way. */
async function over(connection: Connection): Promise<void> {
  while (connection.status === 'open' && connection.streams.length > 0)
    await Promise.race(
      connection.streams.map(
        (stream) => new Promise<void>((resolve) => stream.addEventListener('close', () => resolve(), { once: true })),
      ),
    );
}
