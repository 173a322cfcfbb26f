/** What an address says of the way it leads by. */
import { expect, test } from 'vitest';
import { isLoopback, kindOf, rankOf, relayOf, throughRelay, whereRelayIs, withoutPeer, withPeer } from './path.ts';

const TCP = '/ip4/192.168.1.9/tcp/7718';
const RELAYED = '/ip4/203.0.113.7/tcp/7718/p2p/Relay/p2p-circuit';
const PUNCHED = '/p2p/Relay/p2p-circuit/webrtc';

test('ways are ranked by their kind, and one that WebRTC punched counts as direct, by whomever the two met', () => {
  const best = [TCP, '/ip4/192.168.1.9/tcp/7719/ws', PUNCHED, RELAYED];
  expect(best.map(kindOf)).toEqual(['tcp', 'websocket', 'webrtc', 'relayed']);
  expect(best.map((address) => kindOf(`${address}/p2p/Peer`))).toEqual(best.map(kindOf));
  expect(best.toReversed().toSorted((a, b) => rankOf(a) - rankOf(b))).toEqual(best);
  expect(kindOf('/webrtc/p2p/Peer')).toBe('webrtc');
});

test('a relay is found in an address, and the peer that it leads to is put at its end once', () => {
  expect([TCP, RELAYED, PUNCHED].map(relayOf)).toEqual([undefined, 'Relay', 'Relay']);
  expect([TCP, RELAYED, PUNCHED].map(throughRelay)).toEqual([TCP, '/p2p/Relay/p2p-circuit', PUNCHED]);
  expect([RELAYED, PUNCHED].map(whereRelayIs)).toEqual(['/ip4/203.0.113.7/tcp/7718/p2p/Relay', '']);
  for (const address of [TCP, RELAYED, PUNCHED]) {
    expect(withPeer(withPeer(address, 'Peer'), 'Peer')).toBe(`${address}/p2p/Peer`);
    expect(withoutPeer(`${address}/p2p/Peer`)).toBe(address);
    expect(withoutPeer(address)).toBe(address);
  }
  expect([TCP, '/ip4/127.0.0.1/tcp/1', '/ip6/::1/tcp/1', '/ip6/::12/tcp/1'].map(isLoopback)).toEqual([
    ...[false, true, true, false],
  ]);
});
