/**
 * This device on the network: a libp2p node that talks to members and to nobody else.
 *
 * 1. No stream reaches its handler, and no byte of it is read, before `admits` has said yes to its peer and protocol.
 *    That holds for what libp2p itself answers as well, but for ping and identify, and identify tells no addresses.
 * 2. A stranger may ping; few at once, each for seconds (`strangers.ts`).
 * 3. What a peer sends goes through its conduct (`conduct.ts`), on whatever stream; one that was cut off stays out.
 * 4. A stream is opened on the best way there is; when a better one comes up, who has a stream open is told.
 */
import { aborted, answers } from '@markco/client/mesh/answers';
import { createDialer, type Try } from '@markco/client/mesh/dial';
import type { Improves } from '@markco/client/mesh/improve';
import type { Network } from '@markco/client/mesh/network';
import { isLoopback, kindOf, rankOf, relayOf, withPeer } from '@markco/client/mesh/path';
import { identify } from '@libp2p/identify';
import type { Connection, PrivateKey, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { ping } from '@libp2p/ping';
import { Failure } from '@markco/protocol';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { COST } from '@markco/replica/replicate/cost';
import type { Conducts } from './conduct.ts';
import { standIn } from './guarded.ts';
import { watchConnections } from './liveness.ts';
import { messageStream } from './message-stream.ts';
import type { Neighbors } from './neighbors.ts';
import { thriftyYamux, type OnTraffic } from './muxer.ts';
import { quickNoise } from './noise.ts';
import { relayService, type RelayRules } from './relay.ts';
import { createStrangers } from './strangers.ts';
import { createTransports } from './transports.ts';

const CONNECTIONS_MAX = 128;
/** For a relay: every device of its user, and more than one way to some. */
const RELAY_CONNECTIONS_MAX = 400;
/** Ways to one peer at once, or to one page of a browser; of more, the worst is closed. */
const PATHS_MAX = 4;
const INBOUND_PER_SECOND_MAX = 5;
const PENDING_MAX = 10;
const PROVES_MS = 10_000;
/** Of one protocol and one peer; further ones are reset. What a protocol needs is less than that for most. */
const STREAMS_MAX = 16;
/** How long a hole that seems to be punched may take to carry something. */
const PROOF_MS = 5_000;

export type HostParts = {
  readonly key: PrivateKey;
  /** `/ip4/0.0.0.0/tcp/4001` and the like. */
  readonly listen: readonly string[];
  /** What others are told besides what is listened on. */
  readonly announce?: readonly string[];
  /** Devices on the same network are looked for. */
  readonly neighbors?: Pick<Neighbors, 'service'>;
  /** Asked before anything of a stream is read. `protocol` null: whether the peer may stay connected at all. */
  readonly admits: (peerId: string, protocol: string | null) => boolean;
  readonly conducts: Conducts;
  /** How many of its pages may be connected at once, each by ways of its own: of a browser more than one. */
  readonly pagesOf?: (peerId: string) => number;
  /** Whether a stranger may stay a while longer than others, and come in through a relay. */
  readonly keeps?: (peerId: string) => boolean;
  /** Whether somebody may come in through that relay. */
  readonly admitsThrough?: (relay: string, peerId: string) => boolean;
  /** `stun:203.0.113.7:7718`: who says by which address the world sees this device. */
  readonly stunServers?: () => readonly string[];
  /** Makes this device pass on what others say. */
  readonly relay?: RelayRules;
  /** For who connects, to show who it is; 10 s when left out. */
  readonly provesWithinMs?: number;
  readonly now: () => number;
  readonly onTraffic?: OnTraffic | undefined;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export type Host = Network &
  Improves & {
    /** Where this device can be reached, with its peer id. Through relays last. */
    addresses(): readonly string[];
    /** Where it listens, as the system has it. */
    listening(): readonly string[];
    /** Of every protocol there is here, but libp2p's own. */
    protocols(): readonly string[];
    /** Tries every address for itself, and says how each went; `signal` ends what has not answered. */
    probe(peerId: string, addresses: readonly string[], signal: AbortSignal): Promise<readonly Try[]>;
    /** Milliseconds. */
    ping(peerId: string, signal: AbortSignal): Promise<number>;
    /**
     * A place at a relay: others reach this device through it from now on, for as long as the two are connected.
     * @param where where others reach the relay; asked again whenever somebody is told
     */
    reserve(relay: string, where: () => readonly string[]): Promise<void>;
    /** Where others found this device from outside its network. */
    setOutside(addresses: readonly string[]): void;
    /** The addresses through a relay, or from outside, have changed. */
    onAddresses(listener: () => void): void;
    /** A place at a relay is lost. */
    onLostRelay(listener: (relay: string) => void): void;
    close(): Promise<void>;
  };

/** What libp2p hands to its services. */
type Inner = {
  readonly transportManager: {
    dial(address: ReturnType<typeof multiaddr>, options: { signal: AbortSignal }): Promise<Connection>;
    getAddrs(): ReturnType<typeof multiaddr>[];
  };
};

export async function createHost(parts: HostParts): Promise<Host> {
  const peerListeners: ((peerId: string, isConnected: boolean) => void)[] = [];
  const pathListeners: ((peerId: string) => void)[] = [];
  const silenceListeners: ((peerId: string) => void)[] = [];
  const addressListeners: (() => void)[] = [];
  /** By relay, where others reach it. */
  const relayed = new Map<string, () => readonly string[]>();
  let outside: readonly string[] = [];
  const closing = new AbortController();
  const { conducts } = parts;
  const handled: string[] = [];
  const isMember = (peerId: string): boolean => parts.admits(peerId, null);
  const strangers = createStrangers({
    isKnown: isMember,
    isKept: (peerId) => parts.keeps?.(peerId) === true,
    hangUp: (peerId) => void node.hangUp(peerIdFromString(peerId)).catch(() => undefined),
  });
  const guard = (_: Stream, connection: Connection, protocol: string): boolean =>
    parts.admits(connection.remotePeer.toString(), protocol);
  const { factories, slots, listen } = await createTransports({
    listen: parts.listen,
    guard,
    stunServers: () => parts.stunServers?.() ?? [],
    onTrouble: parts.onTrouble,
  });

  const node = await createLibp2p({
    privateKey: parts.key,
    addresses: { listen: [...listen] },
    transports: factories,
    connectionEncrypters: [quickNoise()],
    streamMuxers: [thriftyYamux(parts.onTraffic)],
    services: {
      // Members tell each other where they are once they have said hello; nobody else is told.
      identify: (components) =>
        identify()(
          standIn(components, 'addressManager', (manager: object) => standIn(manager, 'getAddresses', () => () => [])),
        ),
      ping: ping(),
      inner: ({ transportManager }: Inner) => ({ transportManager }),
      ...(parts.neighbors === undefined ? {} : { neighbors: parts.neighbors.service }),
      ...(parts.relay === undefined ? {} : { relay: relayService(guard, parts.relay) }),
    },
    connectionManager: {
      maxConnections: parts.relay === undefined ? CONNECTIONS_MAX : RELAY_CONNECTIONS_MAX,
      inboundConnectionThreshold: INBOUND_PER_SECOND_MAX,
      maxIncomingPendingConnections: PENDING_MAX,
      inboundUpgradeTimeout: parts.provesWithinMs ?? PROVES_MS,
      reconnectRetries: 0,
    },
    // It would count time in which nothing here could be heard (`liveness.ts`).
    connectionMonitor: { enabled: false },
    connectionGater: {
      denyDialMultiaddr: () => false,
      denyInboundEncryptedConnection: (peer) =>
        conducts.cutOff(peer.toString()) !== undefined ||
        (!isMember(peer.toString()) && !strangers.hasRoom(peer.toString())),
      denyInboundRelayReservation: (source) => parts.relay?.reserves(source.toString()) !== true,
      denyOutboundRelayedConnection: (from, to) => parts.relay?.connects(from.toString(), to.toString()) !== true,
      denyInboundRelayedConnection: (relay, peer) => parts.admitsThrough?.(relay.toString(), peer.toString()) !== true,
    },
  });
  const { transportManager } = node.services.inner;

  /** Two sides do not agree at once on whether a hole was punched; what has answered once is there. */
  const unproven = new WeakMap<Connection, Promise<void>>();
  const connectionsOf = (peerId: string): Connection[] =>
    node
      .getConnections(peerIdFromString(peerId))
      .filter((connection) => connection.status === 'open' && !unproven.has(connection))
      .toSorted(
        (a, b) => Number(isSilent(a)) - Number(isSilent(b)) || rank(a) - rank(b) || a.timeline.open - b.timeline.open,
      );

  node.addEventListener('connection:open', ({ detail }) => {
    if (kindOf(detail.remoteAddr.toString()) !== 'webrtc') return useToo(detail);
    const proof = answers(detail, AbortSignal.timeout(PROOF_MS)).then(() => {
      unproven.delete(detail);
      useToo(detail);
    });
    unproven.set(detail, proof);
    proof.catch((error: unknown) => detail.abort(error instanceof Error ? error : new Error(String(error))));
  });

  function useToo(detail: Connection): void {
    const peerId = detail.remotePeer.toString();
    const others = connectionsOf(peerId).filter(({ id }) => id !== detail.id);
    const worst = connectionsOf(peerId).slice(PATHS_MAX * (parts.pagesOf?.(peerId) ?? 1));
    for (const connection of worst) void connection.close().catch(() => connection.abort(new Error('too many ways')));
    if (others.length > 0 && others.every((other) => rank(detail) < rank(other)))
      for (const listener of pathListeners) listener(peerId);
  }
  node.addEventListener('peer:connect', ({ detail }) => {
    const peerId = detail.toString();
    if (!isMember(peerId)) return strangers.came(peerId);
    for (const listener of peerListeners) listener(peerId, true);
  });
  node.addEventListener('peer:disconnect', ({ detail }) => {
    const peerId = detail.toString();
    strangers.left(peerId);
    for (const listener of peerListeners) listener(peerId, false);
  });
  slots.onLost((relay) => {
    if (relayed.delete(relay)) for (const listener of addressListeners) listener();
  });

  const liveness = watchConnections({
    connections: () => node.getConnections(),
    look(peerId) {
      for (const listener of silenceListeners) listener(peerId);
    },
  });
  const isSilent = (connection: Connection): boolean => liveness.isSilent(connection);
  /** Those on which something is said. */
  const speakingTo = (peerId: string): Connection[] => connectionsOf(peerId).filter((each) => !isSilent(each));
  const heardOn = (stream: Stream, connection: Connection): void =>
    stream.addEventListener('message', () => liveness.heard(connection));

  const dialer = createDialer({
    elapsed: () => performance.now(),
    open: speakingTo,
    async dial(address, signal) {
      const connection = await transportManager.dial(multiaddr(address), { signal });
      await unproven.get(connection);
      return connection;
    },
  });
  /** This device is no way to others. */
  const usable = (addresses: readonly string[]): readonly string[] =>
    addresses.filter((address) => relayOf(address) !== node.peerId.toString());

  return {
    peerId: node.peerId.toString(),
    addresses() {
      const listening = transportManager.getAddrs().map(String);
      const outer = listening.filter((address) => !isLoopback(address));
      // Between relays in turn, so that with few addresses each is among them.
      const through = [...relayed].flatMap(([relay, where]) =>
        where().map((address, turn) => ({ address: `${withPeer(address, relay)}/p2p-circuit`, turn })),
      );
      const announced = parts.announce ?? [];
      const all = [
        ...announced,
        ...outside,
        // Where this machine alone hears it, others are told the way that somebody made for them.
        ...(outer.length > 0 || announced.length > 0 ? outer : listening),
        ...through.toSorted((a, b) => a.turn - b.turn).map(({ address }) => address),
      ];
      return [...new Set(all.map((address) => withPeer(address, node.peerId.toString())))];
    },

    listening: () => transportManager.getAddrs().map(String),
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
          heardOn(stream, connection);
          handler(messageStream(stream, bytesMax, conduct), peerId);
        },
        { maxInboundStreams: streamsMax, runOnLimitedConnection: true },
      );
    },

    async connect(peerId, addresses, signal) {
      const why = conducts.cutOff(peerId);
      if (why !== undefined) throw why;
      if (speakingTo(peerId).length > 0) return;
      if (addresses.length === 0) throw new Failure('not_ready', 'It is not known where this device is.');
      // It may call this device meanwhile, as one does that cannot be called.
      const called = Promise.withResolvers<void>();
      const look = (): void => void (speakingTo(peerId).length > 0 && called.resolve());
      node.addEventListener('connection:open', look);
      try {
        const { first } = dialer.dial(peerId, usable(addresses), closing.signal);
        await Promise.race([first, called.promise, aborted(signal)]);
      } catch (cause) {
        throw new Failure('not_ready', 'This device does not answer at any address that is known of it.', { cause });
      } finally {
        node.removeEventListener('connection:open', look);
      }
    },

    async improve(peerId, addresses, signal) {
      const [best] = connectionsOf(peerId);
      const until = AbortSignal.any([signal, closing.signal]);
      const { all } = dialer.dial(peerId, usable(addresses), until, best === undefined ? undefined : rank(best));
      return Promise.race([all, aborted(signal)]);
    },

    probe: (peerId, addresses, signal) => dialer.probe(peerId, usable(addresses), signal),

    async open(peerId, protocol, signal, bytesMax, isAsking = false) {
      const [best] = connectionsOf(peerId);
      if (best === undefined) throw new Failure('not_ready', 'This device is not connected.');
      try {
        const stream = await best.newStream(protocol, { signal, runOnLimitedConnection: true });
        const conduct = conducts.of(peerId);
        heardOn(stream, best);
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
      const [best] = connectionsOf(peerId);
      if (best === undefined) throw new Failure('not_ready', 'This device is not connected.');
      return answers(best, signal);
    },

    paths: (peerId) =>
      connectionsOf(peerId).map((connection) => ({
        address: connection.remoteAddr.toString(),
        isRelayed: kindOf(connection.remoteAddr.toString()) === 'relayed',
        isOutgoing: connection.direction === 'outbound',
        since: connection.timeline.open,
        roundTripMs: connection.rtt ?? null,
      })),

    async reserve(relay, where) {
      await slots.reserve(relay);
      relayed.set(relay, where);
      for (const listener of addressListeners) listener();
    },

    async disconnect(peerId) {
      await node.hangUp(peerIdFromString(peerId)).catch((cause: unknown) => parts.onTrouble('hanging up', cause));
    },

    setOutside(addresses) {
      if (addresses.length === outside.length && addresses.every((address) => outside.includes(address))) return;
      outside = addresses;
      for (const listener of addressListeners) listener();
    },

    onAddresses: (listener) => void addressListeners.push(listener),
    onLostRelay: slots.onLost,
    onPeer: (listener) => void peerListeners.push(listener),
    onBetterPath: (listener) => void pathListeners.push(listener),
    onSilence: (listener) => void silenceListeners.push(listener),

    async close() {
      closing.abort();
      liveness.close();
      strangers.close();
      await node.stop();
    },
  };
}

const rank = (connection: Connection): number => rankOf(connection.remoteAddr.toString());
