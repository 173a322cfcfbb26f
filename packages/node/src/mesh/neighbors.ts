/**
 * Devices on the same network, this user's and others', as they answer by mDNS. Where they say to be is a hint, for
 * dialing: nothing about it is proven.
 *
 * libp2p tells of a peer once only, and never of one that connected by itself before it was heard, nor of where it has
 * moved to. So the answers are listened to here.
 */
import type { PeerDiscovery, Startable } from '@libp2p/interface';
import { mdns, type MulticastDNSComponents } from '@libp2p/mdns';

const SERVICE = '_markco._udp.local';
/** What is heard is good for so long, as the answers themselves say. They are asked for every 10 s. */
const GOOD_FOR_MS = 120_000;
/** One that says the same as before is told of so often: it is there, and may have been away. */
const AGAIN_MS = 8_000;
/** Of more, those heard of last. */
const NEIGHBORS_MAX = 100;

type Search = (components: MulticastDNSComponents) => PeerDiscovery;

export type Neighbor = { readonly peerId: string; readonly addresses: readonly string[] };

export type Neighbors = {
  /** The service of libp2p that asks and answers. */
  service(components: MulticastDNSComponents): Startable;
  /** Who is there now. */
  list(): readonly Neighbor[];
  onFound(listener: (neighbor: Neighbor) => void): void;
};

export function createNeighbors(now: () => number, search: Search = mdns({ serviceTag: SERVICE })): Neighbors {
  const known = new Map<string, Neighbor & { at: number; toldAt: number }>();
  const listeners: ((neighbor: Neighbor) => void)[] = [];

  function hear(peerId: string, addresses: readonly string[]): void {
    const before = known.get(peerId);
    const isSame = before !== undefined && String(before.addresses) === String(addresses);
    const isTold = isSame && now() - before.toldAt < AGAIN_MS;
    known.delete(peerId);
    known.set(peerId, { peerId, addresses, at: now(), toldAt: isTold ? before.toldAt : now() });
    const [oldest] = known.keys();
    if (known.size > NEIGHBORS_MAX && oldest !== undefined) known.delete(oldest);
    if (!isTold) for (const listener of listeners) listener({ peerId, addresses });
  }

  return {
    service(components) {
      const searching = search(components) as PeerDiscovery & Startable;
      searching.addEventListener('peer', ({ detail }) => hear(detail.id.toString(), detail.multiaddrs.map(String)));
      // Without its mark: libp2p would keep everybody who answers for ever.
      return { start: () => searching.start(), stop: () => searching.stop() };
    },
    list: () =>
      [...known.values()]
        .filter(({ at }) => now() - at < GOOD_FOR_MS)
        .map(({ peerId, addresses }) => ({ peerId, addresses })),
    onFound: (listener) => void listeners.push(listener),
  };
}
