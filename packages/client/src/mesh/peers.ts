/**
 * The other devices of the user, from here: who is connected and how, and the trying again while one is not.
 *
 * 1. On every connection the two say hello first (`greet.ts`); until that went well nothing else is admitted.
 * 2. A device that does not answer is tried again, at first after RETRY_MS and at most every RETRY_MAX_MS, and at once
 *    when something is heard of it.
 * 3. A device is tried at its addresses, and through every relay that this device is connected to.
 * 4. A device that is connected and says nothing is tried beside that, so that a network that is back is noticed.
 * 5. Who was removed from the user's devices is disconnected in the turn this device hears of it.
 */
import { Failure, LIMITS, type DeviceId } from '@markco/protocol';
import type { Member } from '@markco/protocol/identity';
import { greet, type Met } from './greet.ts';
import type { MessageStream } from '@markco/protocol/message-stream';
import type { Network, Path } from './network.ts';
import { relayOf, withoutPeer } from './path.ts';
import { peerOfKey } from './peer-key.ts';
import { HELLO } from './protocol-names.ts';
import type { Trust } from './trust.ts';

const RETRY_MS = 500;
const RETRY_MAX_MS = 30_000;
/**
 * Without a relay, devices do not find each other: it is looked for more often than others. So is one that was connected,
 * or first looked for, less than JUST_NOW_MS ago: most that break off are back soon.
 */
const SOON_RETRY_MAX_MS = 1_500;
const JUST_NOW_MS = 60_000;
const DIAL_MS = 10_000;
/** Addresses kept of one device, the last that worked first. */
const ADDRESSES_MAX = 16;

export type PeerState = 'connected' | 'connecting' | 'offline';

export type Peer = {
  readonly deviceId: DeviceId;
  readonly peerId: string;
  readonly name: string;
  readonly kind: Member['kind'];
  readonly state: PeerState;
  /** Unix milliseconds: since when it is connected, or is not. */ readonly since: number;
  /** Why it is not connected, for people. */
  readonly why: string | null;
  /** It answers, and does not take this device for one of its user's. */
  readonly isRefused?: boolean;
  readonly paths: readonly Path[];
  readonly addresses: readonly string[];
  /** It passes on what the others say. */
  readonly isRelay: boolean;
};

/** Who said where a device is: it itself, which replaces what was known, or somebody else. */
export type Said = { readonly bySelf: boolean; readonly isRelay?: boolean | undefined };

type Known = {
  member: Member;
  readonly peerId: string;
  state: PeerState;
  since: number;
  why: string | null;
  isRefused: boolean;
  addresses: string[];
  /** The address that it was last reached at from here. */
  worked: string | null;
  isRelay: boolean;
  tries: number;
  timer: ReturnType<typeof setTimeout> | undefined;
};

export type Peers = {
  list(): readonly Peer[];
  /** Devices that said hello and may speak now. */
  isGreeted(peerId: string): boolean;
  deviceAt(peerId: string): DeviceId | undefined;
  peerAt(device: DeviceId): string | undefined;
  /** What a device that is connected showed when it said hello. */
  certificateOf(device: DeviceId): Met['certificate'] | undefined;
  /** Somebody said where a device is. A hint, which Noise proves or not. Answers whether it was news. */
  heard(peerId: string, addresses: readonly string[], said?: Said): boolean;
  /** Where a device is tried: what is known of it, and the relays that both may be connected to. */
  waysTo(peerId: string): readonly string[];
  /** Something about a device that is connected was news: its addresses, or that it is a relay. */
  onNews(listener: (peerId: string) => void): void;
  /** Tries a device that is not connected now, and resolves when that went well or not, or at the signal. */
  reach(device: DeviceId, signal: AbortSignal): Promise<void>;
  /** Looks again who the members are, and tries those that are not connected. */
  refresh(): void;
  /** Answers how to stop. */
  onPeer(listener: (peer: { deviceId: DeviceId; peerId: string }, isConnected: boolean) => void): () => void;
  close(): void;
};

export type PeersParts = {
  readonly host: Omit<Network, 'onBetterPath'>;
  readonly trust: Trust;
  readonly chance: () => number;
  /** Where devices were last time. */
  readonly addresses: ReadonlyMap<DeviceId, readonly string[]>;
  readonly keep: (device: DeviceId, addresses: readonly string[]) => void;
  /** What a device calls itself now; the log has what it was called when it was added. */
  readonly calledNow: (device: DeviceId) => string | undefined;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export async function createPeers(parts: PeersParts): Promise<Peers> {
  const { host, trust } = parts;
  const known = new Map<string, Known>();
  const greeted = new Map<string, Met['certificate']>();
  const greeting = new Map<string, Promise<void>>();
  /** Of members, in which their log ended when they said hello last. */
  const heads = new Map<string, Met['heads']>();
  const listeners = new Set<(peer: { deviceId: DeviceId; peerId: string }, isConnected: boolean) => void>();
  const newsListeners: ((peerId: string) => void)[] = [];
  const closing = new AbortController();

  /** Through whom somebody says to be reached. */
  const relays = (): ReadonlySet<string | undefined> =>
    new Set(known.values().flatMap(({ addresses }) => addresses.map(relayOf)));
  const isRelay = (peer: Known, found = peer.isRelay ? undefined : relays()): boolean =>
    peer.isRelay || found?.has(peer.peerId) === true;

  function waysTo(peerId: string): readonly string[] {
    const found = relays();
    const through = [...known.values()].filter(
      (peer) => peer.peerId !== peerId && greeted.has(peer.peerId) && isRelay(peer, found),
    );
    return [...(known.get(peerId)?.addresses ?? []), ...through.map((relay) => `/p2p/${relay.peerId}/p2p-circuit`)];
  }

  function move(peer: Known, state: PeerState, why: string | null): void {
    // Trying again in vain is no news.
    if ((peer.state === 'connected') !== (state === 'connected')) peer.since = trust.now();
    peer.state = state;
    peer.why = why;
  }

  function refresh(): void {
    const members = [...trust.members.members.values()].filter(({ deviceId }) => deviceId !== trust.deviceId);
    const present = new Set<string>();
    for (const member of members) {
      const peerId = peerOfKey(member.publicKey);
      present.add(peerId);
      const before = known.get(peerId);
      if (before !== undefined) before.member = member;
      else {
        const addresses = [...(parts.addresses.get(member.deviceId) ?? [])];
        const peer: Known = {
          member,
          peerId,
          state: 'offline',
          since: trust.now(),
          why: null,
          isRefused: false,
          addresses,
          worked: null,
          isRelay: false,
          tries: 0,
          timer: undefined,
        };
        known.set(peerId, peer);
        tryLater(peer, 0);
      }
    }
    for (const [peerId, peer] of known) {
      if (present.has(peerId)) continue;
      clearTimeout(peer.timer);
      known.delete(peerId);
      heads.delete(peerId);
      lose(peerId, peer);
      void host.disconnect(peerId);
    }
  }

  function tryLater(peer: Known, inMs: number): void {
    clearTimeout(peer.timer);
    peer.timer = setTimeout(() => void tryNow(peer), inMs);
  }

  async function tryNow(peer: Known): Promise<void> {
    if (closing.signal.aborted || greeted.has(peer.peerId) || known.get(peer.peerId) !== peer) return;
    const ways = waysTo(peer.peerId);
    if (ways.length === 0) return move(peer, 'offline', 'It is not known where it is.');
    move(peer, 'connecting', peer.why);
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(DIAL_MS)]);
    try {
      await host.connect(peer.peerId, ways, signal);
      await introduce(peer.peerId, signal);
    } catch (error) {
      if (greeted.has(peer.peerId) || closing.signal.aborted) return;
      const failure = Failure.from(error);
      peer.isRefused = failure.code === 'forbidden';
      move(peer, 'offline', failure.message);
      const isSoon = isRelay(peer) || trust.now() - peer.since < JUST_NOW_MS;
      const longest = isSoon ? SOON_RETRY_MAX_MS : RETRY_MAX_MS;
      const delay = Math.min(longest, RETRY_MS * 2 ** Math.min(peer.tries++, 10));
      tryLater(peer, delay * (0.75 + parts.chance() / 2));
    }
  }

  /** Says hello, once at a time: who connects is heard of as soon as it has, and by who waits for that. */
  async function introduce(peerId: string, signal: AbortSignal): Promise<void> {
    if (greeted.has(peerId)) return;
    const saying = greeting.get(peerId) ?? sayHello(peerId, signal).finally(() => greeting.delete(peerId));
    greeting.set(peerId, saying);
    return saying;
  }

  async function meet(stream: MessageStream, peerId: string, role: 'initiator' | 'responder'): Promise<Met> {
    const before = heads.get(peerId);
    // Who lost what it had is told all of it the next time.
    heads.delete(peerId);
    const met = await greet(stream, peerId, trust, role, before);
    heads.set(peerId, met.heads);
    return met;
  }

  async function sayHello(peerId: string, signal: AbortSignal): Promise<void> {
    const stream = await host.open(peerId, HELLO, signal, LIMITS.helloBytesMax);
    welcome(peerId, await meet(stream, peerId, 'initiator'));
  }

  function welcome(peerId: string, { member, certificate }: Met): void {
    if (host.paths(peerId).length === 0) return;
    refresh();
    const peer = known.get(peerId);
    if (peer === undefined || peer.member.deviceId !== member.deviceId) return;
    peer.tries = 0;
    peer.isRefused = false;
    move(peer, 'connected', null);
    const [path] = host.paths(peerId);
    if (path?.isOutgoing === true) {
      peer.worked = withoutPeer(path.address);
      remember(peer, [peer.worked, ...peer.addresses]);
    }
    if (greeted.has(peerId)) return;
    greeted.set(peerId, certificate);
    for (const listener of listeners) listener({ deviceId: member.deviceId, peerId }, true);
    if (isRelay(peer)) tryAllAgain();
  }

  function lose(peerId: string, peer: Known): void {
    if (!greeted.delete(peerId)) return;
    move(peer, 'offline', 'The connection ended.');
    for (const listener of listeners) listener({ deviceId: peer.member.deviceId, peerId }, false);
  }

  /** A relay is there again: who was not found without it may be now. */
  function tryAllAgain(): void {
    for (const peer of known.values()) {
      if (greeted.has(peer.peerId)) continue;
      tryMore(peer);
    }
  }

  /** There is more to try, and no reason to wait until what is tried now has failed. */
  function tryMore(peer: Known): void {
    peer.tries = 0;
    if (peer.state !== 'connecting') return tryLater(peer, 0);
    // Who connects is greeted by what waits already, or as one who connected by itself.
    host.connect(peer.peerId, waysTo(peer.peerId), closing.signal).catch(() => undefined);
  }

  function remember(peer: Known, addresses: readonly string[]): boolean {
    const all = [...new Set(addresses.map(withoutPeer))].slice(0, ADDRESSES_MAX);
    const isNews = all.some((address) => !peer.addresses.includes(address));
    if (JSON.stringify(all) === JSON.stringify(peer.addresses)) return false;
    peer.addresses = all;
    parts.keep(peer.member.deviceId, all);
    return isNews;
  }

  await host.handle(
    HELLO,
    (stream, peerId) => {
      meet(stream, peerId, 'responder').then(
        (met) => welcome(peerId, met),
        (error: unknown) => parts.onTrouble('a hello', error),
      );
    },
    LIMITS.helloBytesMax,
  );
  host.onPeer((peerId, isConnected) => {
    const peer = known.get(peerId);
    if (peer === undefined) return;
    if (!isConnected) {
      lose(peerId, peer);
      tryLater(peer, RETRY_MS * parts.chance());
      return;
    }
    if (host.paths(peerId)[0]?.isOutgoing === true && !greeted.has(peerId)) tryLater(peer, 0);
  });
  // What was said to it is sent again ever more seldom: a new connection is there sooner than the old one answers.
  host.onSilence((peerId) => {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(DIAL_MS)]);
    if (greeted.has(peerId)) host.connect(peerId, waysTo(peerId), signal).catch(() => undefined);
  });
  trust.onChange(refresh);

  function heard(peerId: string, addresses: readonly string[], said: Said = { bySelf: false }): boolean {
    const peer = known.get(peerId);
    if (peer === undefined) return false;
    const wasRelay = isRelay(peer);
    if (said.bySelf || said.isRelay === true) peer.isRelay = said.isRelay === true;
    // What a device says of itself holds; the address that it was reached at may be one that it does not know of.
    const kept = said.bySelf ? (peer.worked === null ? [] : [peer.worked]) : peer.addresses;
    const isNews = remember(
      peer,
      said.bySelf ? [...addresses.slice(0, ADDRESSES_MAX - 1), ...kept] : [...addresses, ...kept],
    );
    if (!greeted.has(peerId)) {
      tryMore(peer);
    } else if (isNews || wasRelay !== isRelay(peer)) {
      for (const listener of newsListeners) listener(peerId);
      if (!wasRelay && isRelay(peer)) tryAllAgain();
    }
    return isNews || wasRelay !== isRelay(peer);
  }

  refresh();

  const peerOf = (device: DeviceId): Known | undefined =>
    known.values().find(({ member }) => member.deviceId === device);

  return {
    list() {
      let found: ReturnType<typeof relays> | undefined;
      return [...known.values()].map((peer) => ({
        deviceId: peer.member.deviceId,
        peerId: peer.peerId,
        kind: peer.member.kind,
        state: peer.state,
        since: peer.since,
        why: peer.why,
        isRefused: peer.isRefused,
        addresses: peer.addresses,
        // Each run asks several times who is there; what takes long to find out is found out for who reads it.
        get name() {
          return parts.calledNow(peer.member.deviceId) ?? peer.member.name;
        },
        get paths() {
          return host.paths(peer.peerId);
        },
        get isRelay() {
          return isRelay(peer, (found ??= relays()));
        },
      }));
    },
    isGreeted: (peerId) => greeted.has(peerId),
    deviceAt: (peerId) => known.get(peerId)?.member.deviceId,
    peerAt: (device) => peerOf(device)?.peerId,
    certificateOf: (device) => greeted.get(peerOf(device)?.peerId ?? ''),
    heard,
    waysTo,
    onNews: (listener) => void newsListeners.push(listener),
    async reach(device, signal) {
      const peer = peerOf(device);
      if (peer === undefined || greeted.has(peer.peerId)) return;
      const given = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      clearTimeout(peer.timer);
      await Promise.race([tryNow(peer), given]);
    },
    refresh,
    onPeer(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      closing.abort();
      for (const peer of known.values()) clearTimeout(peer.timer);
    },
  };
}
