/**
 * A browser on the network of its user's devices: it dials the one door that it has, the WebSocket of the page's own
 * server, and other devices through the device behind it. It listens nowhere.
 *
 * 1. It talks to members, and to the one that it asks to add it; nobody else's stream is read.
 * 2. Whom it talks to has proven its key (Noise): whoever passes the bytes on, the door and the relay, reads none of them.
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
import { messageStream } from '../message-stream.ts';
import type { Network } from '../network.ts';
import { kindOf, throughRelay, whereRelayIs, withPeer } from '../path.ts';

/** How long one that says nothing is waited for. */
const SILENT_MS = 15_000;

export type BrowserNetwork = Network & { close(): Promise<void> };

/** @param admits whether a peer may open streams here */
export async function createBrowserNetwork(
  privateKey: Ed25519PrivateKey,
  admits: (peerId: string) => boolean,
): Promise<BrowserNetwork> {
  const listeners: ((peerId: string, isConnected: boolean) => void)[] = [];
  const node = await createLibp2p({
    privateKey,
    addresses: { listen: [] },
    // It looks for no relays by itself, and asks for no place at one.
    transports: [
      webSockets(),
      circuitRelayTransport({ discoveryFilter: { has: () => true, add: () => undefined, remove: () => undefined } }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify({ runOnConnectionOpen: false }), ping: ping() },
    // By itself it would dial no address of a home network, and no server on this machine.
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: { reconnectRetries: 0 },
    connectionMonitor: { pingTimeout: { maxTimeout: SILENT_MS } },
  });
  node.addEventListener('peer:connect', ({ detail }) => {
    const peerId = detail.toString();
    if (admits(peerId)) for (const listener of listeners) listener(peerId, true);
  });
  node.addEventListener('peer:disconnect', ({ detail }) => {
    for (const listener of listeners) listener(detail.toString(), false);
  });

  const connectionsOf = (peerId: string): Connection[] =>
    node.getConnections(peerIdFromString(peerId)).filter(({ status }) => status === 'open');

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
      const ways = new Set(addresses.flatMap(dialable));
      if (ways.size === 0) throw new Failure('not_ready', 'It is not known where this device is.');
      try {
        await Promise.any([...ways].map((way) => node.dial(multiaddr(withPeer(way, peerId)), { signal })));
      } catch (cause) {
        throw new Failure('not_ready', 'This device does not answer.', { cause });
      }
    },

    async open(peerId, protocol, signal, bytesMax) {
      const [connection] = connectionsOf(peerId);
      if (connection === undefined) throw new Failure('not_ready', 'This device is not connected.');
      try {
        const stream = await connection.newStream(protocol, { signal, runOnLimitedConnection: true });
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
        isRelayed: kindOf(connection.remoteAddr.toString()) === 'relayed',
        isOutgoing: connection.direction === 'outbound',
        since: connection.timeline.open,
        roundTripMs: connection.rtt ?? null,
      })),

    async disconnect(peerId) {
      await node.hangUp(peerIdFromString(peerId)).catch(() => undefined);
    },

    onPeer: (listener) => void listeners.push(listener),
    // It has one way to each, and libp2p ends one on which nothing is said.
    onBetterPath: () => undefined,
    onSilence: () => undefined,

    async close() {
      await node.stop();
    },
  };
}

/** A browser opens WebSockets, and goes through relays that it reaches by one, or is connected to. */
function dialable(address: string): readonly string[] {
  const kind = kindOf(address);
  if (kind === 'websocket') return [address];
  if (kind !== 'relayed') return [];
  return [kindOf(whereRelayIs(address)) === 'websocket' ? address : throughRelay(address)];
}
