import { generateKeyPair } from '@libp2p/crypto/keys';
import type { PeerDiscovery, PeerInfo, Startable } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { expect, test } from 'vitest';
import { testHost } from './host.fixture.ts';
import { createNeighbors, type Neighbor } from './neighbors.ts';

const B = '12D3KooWDZ11hPrP3wvJYamWZA5zA43S9mjyJty2rsagcrMpqCmG';
const AT = '/ip4/192.0.2.7/tcp/7718';

/** Answers of others, by hand. */
function createSearch() {
  const emitter = new EventTarget();
  const states: string[] = [];
  const search = Object.assign(emitter, {
    start: () => void states.push('started'),
    stop: () => void states.push('stopped'),
  }) as unknown as PeerDiscovery & Startable;
  const answer = (peerId: string, ...addresses: string[]): void => {
    const detail: PeerInfo = {
      id: peerIdFromString(peerId),
      multiaddrs: addresses.map((address) => multiaddr(address)),
    };
    emitter.dispatchEvent(new CustomEvent('peer', { detail }));
  };
  return { search: () => search, answer, states };
}

const hostWith = (neighbors?: ReturnType<typeof createNeighbors>) =>
  testHost(neighbors === undefined ? {} : { neighbors });

test('one that has connected by itself before it answers is found, and one that has moved is found where it is', async () => {
  const { search, answer, states } = createSearch();
  const neighbors = createNeighbors(() => 0, search);
  const found: Neighbor[] = [];
  neighbors.onFound((neighbor) => found.push(neighbor));
  const [a, b] = [await hostWith(neighbors), await hostWith()];
  try {
    await b.connect(a.peerId, a.addresses(), AbortSignal.timeout(10_000));
    answer(b.peerId, AT);
    answer(b.peerId, '/ip4/192.0.2.8/tcp/7718');
    expect(found.map(({ peerId, addresses }) => [peerId === b.peerId, ...addresses])).toEqual([
      [true, AT],
      [true, '/ip4/192.0.2.8/tcp/7718'],
    ]);
    expect(neighbors.list().map(({ addresses }) => addresses)).toEqual([['/ip4/192.0.2.8/tcp/7718']]);
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
  expect(states).toEqual(['started', 'stopped']);
});

test('who answers the same is told of again after eight seconds, and is gone after two minutes of silence', () => {
  let now = 0;
  const { search, answer } = createSearch();
  const neighbors = createNeighbors(() => now, search);
  let told = 0;
  neighbors.onFound(() => told++);
  neighbors.service({} as never);
  for (now = 0; now <= 20_000; now += 1_000) answer(B, AT);
  expect(told).toBe(3);
  expect(neighbors.list()).toEqual([{ peerId: B, addresses: [AT] }]);
  now = 20_000 + 120_000 - 1;
  expect(neighbors.list()).toHaveLength(1);
  now += 1;
  expect(neighbors.list()).toEqual([]);
});

test('of more than a hundred those heard of last are kept', async () => {
  const { search, answer } = createSearch();
  const neighbors = createNeighbors(() => 0, search);
  neighbors.service({} as never);
  const keys = await Promise.all(Array.from({ length: 101 }, () => generateKeyPair('Ed25519')));
  const ids = keys.map(({ publicKey }) => publicKey.toString());
  for (const id of ids) answer(id, AT);
  expect(neighbors.list().map(({ peerId }) => peerId)).toEqual(ids.slice(1));
});
