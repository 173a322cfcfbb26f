/**
 * This device on the network: a libp2p node that talks to members and to nobody else.
 *
 * 1. No stream reaches its handler, and no byte of it is read, before `admits` has said yes to its peer and protocol.
 * 2. A stranger may ping; at most STRANGERS_MAX at once, each for STRANGER_MS.
 * 3. What a peer sends goes through its conduct (`conduct.ts`), on whatever stream; one that was cut off stays out.
 */
import { identify } from '@libp2p/identify';
import type { Connection, PrivateKey } from '@libp2p/interface';
import { mdns } from '@libp2p/mdns';
import { noise } from '@libp2p/noise';
import { peerIdFromString } from '@libp2p/peer-id';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { Failure } from '@markco/protocol';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { COST, type Conducts } from './conduct.ts';
import { messageStream, type MessageStream } from './message-stream.ts';

const CONNECTIONS_MAX = 128;
const INBOUND_PER_SECOND_MAX = 5;
const PENDING_MAX = 10;
/** Of one protocol and one peer; further ones are reset. What a protocol needs is less than that for most. */
const STREAMS_MAX = 16;
/** What a peer may have sent on one stream before it is read here. Less than libp2p gathers before it gives up. */
const WINDOW_BYTES_MAX = 1024 * 1024;
const STRANGERS_MAX = 10;
const STRANGER_MS = 10_000;
/** A peer that does not answer is noticed within one of these and what a ping may take. */
const PING_EVERY_MS = 4_000;
const PING_MS = { minTimeout: 1_000, maxTimeout: 3_000 };
const MDNS_TAG = '_markco._udp.local';

export type HostParts = {
  readonly key: PrivateKey;
  /** `/ip4/0.0.0.0/tcp/4001` and the like. */
  readonly listen: readonly string[];
  /** What others are told, where it is not what is listened on. */
  readonly announce?: readonly string[];
  /** Whether devices on the same network are looked for. */
  readonly findsNeighbors: boolean;
  /** Asked before anything of a stream is read. `protocol` null: whether the peer may stay connected at all. */
  readonly admits: (peerId: string, protocol: string | null) => boolean;
  readonly conducts: Conducts;
  readonly now: () => number;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

/** One way to a peer. */
export type Path = {
  readonly address: string;
  readonly isRelayed: boolean;
  readonly isOutgoing: boolean;
  /** Unix milliseconds. */ readonly since: number;
  /** Of the last ping, in milliseconds. */ readonly roundTripMs: number | null;
};

export type Handler = (stream: MessageStream, peerId: string) => void;

export type Host = {
  readonly peerId: string;
  /** Where this device can be reached, with its peer id. */
  addresses(): readonly string[];
  /** Of every protocol there is here, but libp2p's own. */
  protocols(): readonly string[];
  /** @param streamsMax of one peer at once; further ones are reset */
  handle(protocol: string, handler: Handler, bytesMax?: number, streamsMax?: number): Promise<void>;
  /** `not_ready` when no address answers; who answers has proven to be this peer. */
  connect(peerId: string, addresses: readonly string[], signal: AbortSignal): Promise<void>;
  /**
   * Opens a stream to a peer that is connected: `not_ready`, `forbidden`.
   *
   * @param isAsking what comes on it was asked for here, and may come as fast as it can
   */
  open(
    peerId: string,
    protocol: string,
    signal: AbortSignal,
    bytesMax?: number,
    isAsking?: boolean,
  ): Promise<MessageStream>;
  /** Milliseconds. */
  ping(peerId: string, signal: AbortSignal): Promise<number>;
  paths(peerId: string): readonly Path[];
  disconnect(peerId: string): Promise<void>;
  /** A member connects; anybody disconnects. */
  onPeer(listener: (peerId: string, isConnected: boolean) => void): void;
  /** A device on the same network said where it is. A hint: nothing about it is proven. */
  onFound(listener: (peerId: string, addresses: readonly string[]) => void): void;
  close(): Promise<void>;
};

export async function createHost(parts: HostParts): Promise<Host> {
  const peerListeners: ((peerId: string, isConnected: boolean) => void)[] = [];
  const foundListeners: ((peerId: string, addresses: readonly string[]) => void)[] = [];
  const strangers = new Map<string, NodeJS.Timeout>();
  const { conducts } = parts;
  const handled: string[] = [];
  const node = await createLibp2p({
    privateKey: parts.key,
    addresses: {
      listen: [...parts.listen],
      ...(parts.announce === undefined ? {} : { announce: [...parts.announce] }),
    },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: WINDOW_BYTES_MAX } })],
    services: { identify: identify(), ping: ping() },
    ...(parts.findsNeighbors ? { peerDiscovery: [mdns({ serviceTag: MDNS_TAG })] } : {}),
    connectionManager: {
      maxConnections: CONNECTIONS_MAX,
      inboundConnectionThreshold: INBOUND_PER_SECOND_MAX,
      maxIncomingPendingConnections: PENDING_MAX,
      reconnectRetries: 0,
    },
    connectionMonitor: { pingInterval: PING_EVERY_MS, pingTimeout: PING_MS },
    connectionGater: {
      denyDialMultiaddr: () => false,
      denyInboundEncryptedConnection: (peer) =>
        conducts.cutOff(peer.toString()) !== undefined ||
        (!parts.admits(peer.toString(), null) && strangers.size >= STRANGERS_MAX && !strangers.has(peer.toString())),
    },
  });

  node.addEventListener('peer:connect', ({ detail }) => {
    const peerId = detail.toString();
    if (parts.admits(peerId, null)) {
      for (const listener of peerListeners) listener(peerId, true);
      return;
    }
    const timer = setTimeout(() => {
      strangers.delete(peerId);
      // It may have become a member meanwhile.
      if (!parts.admits(peerId, null)) void node.hangUp(detail).catch(() => undefined);
    }, STRANGER_MS);
    strangers.set(peerId, timer.unref());
  });
  node.addEventListener('peer:disconnect', ({ detail }) => {
    const peerId = detail.toString();
    clearTimeout(strangers.get(peerId));
    strangers.delete(peerId);
    for (const listener of peerListeners) listener(peerId, false);
  });
  node.addEventListener('peer:discovery', ({ detail }) => {
    const addresses = detail.multiaddrs.map(String);
    for (const listener of foundListeners) listener(detail.id.toString(), addresses);
  });

  const connectionsOf = (peerId: string): Connection[] =>
    node.getConnections(peerIdFromString(peerId)).filter(({ status }) => status === 'open');

  return {
    peerId: node.peerId.toString(),
    addresses: () => node.getMultiaddrs().map(String),

    protocols: () => handled,

    async handle(protocol, handler, bytesMax, streamsMax = STREAMS_MAX) {
      handled.push(protocol);
      await node.handle(
        protocol,
        (stream, connection) => {
          const peerId = connection.remotePeer.toString();
          const conduct = conducts.of(peerId);
          conduct.wasted(COST.stream);
          if (conducts.cutOff(peerId) !== undefined || !parts.admits(peerId, protocol)) {
            stream.abort(new Error('refused'));
            return;
          }
          handler(messageStream(stream, bytesMax, conduct), peerId);
        },
        { maxInboundStreams: streamsMax, runOnLimitedConnection: true },
      );
    },

    async connect(peerId, addresses, signal) {
      const why = conducts.cutOff(peerId);
      if (why !== undefined) throw why;
      if (connectionsOf(peerId).length > 0) return;
      const targets = addresses.map((address) =>
        multiaddr(address.includes('/p2p/') ? address : `${address}/p2p/${peerId}`),
      );
      if (targets.length === 0) throw new Failure('not_ready', 'It is not known where this device is.');
      try {
        await node.dial(targets, { signal });
      } catch (cause) {
        throw new Failure('not_ready', 'This device does not answer at any address that is known of it.', { cause });
      }
    },

    async open(peerId, protocol, signal, bytesMax, isAsking = false) {
      const [best] = connectionsOf(peerId).toSorted((a, b) => Number(isRelayed(a)) - Number(isRelayed(b)));
      if (best === undefined) throw new Failure('not_ready', 'This device is not connected.');
      try {
        const stream = await best.newStream(protocol, { signal, runOnLimitedConnection: true });
        const conduct = conducts.of(peerId);
        return messageStream(stream, bytesMax, isAsking ? { ...conduct, admit: () => 0 } : conduct);
      } catch (cause) {
        const isUnknown = cause instanceof Error && cause.name === 'UnsupportedProtocolError';
        throw new Failure(
          isUnknown ? 'unsupported' : 'not_ready',
          isUnknown
            ? 'This device does not know how to do that. Upgrade MarkCo there.'
            : 'This device does not answer.',
          { cause },
        );
      }
    },

    async ping(peerId, signal) {
      return node.services.ping.ping(peerIdFromString(peerId), { signal });
    },

    paths: (peerId) =>
      connectionsOf(peerId).map((connection) => ({
        address: connection.remoteAddr.toString(),
        isRelayed: isRelayed(connection),
        isOutgoing: connection.direction === 'outbound',
        since: connection.timeline.open,
        roundTripMs: connection.rtt ?? null,
      })),

    async disconnect(peerId) {
      await node.hangUp(peerIdFromString(peerId)).catch((cause: unknown) => parts.onTrouble('hanging up', cause));
    },

    onPeer: (listener) => void peerListeners.push(listener),
    onFound: (listener) => void foundListeners.push(listener),

    async close() {
      for (const timer of strangers.values()) clearTimeout(timer);
      await node.stop();
    },
  };
}

const isRelayed = (connection: Connection): boolean => connection.remoteAddr.toString().includes('/p2p-circuit');
