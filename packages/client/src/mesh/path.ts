/**
 * The ways to another device, by their addresses, and which of them is better.
 *
 * A way through a relay ends in `/p2p-circuit`; one that WebRTC punched says `/p2p-circuit/webrtc`, by which way the two
 * met, and is direct all the same.
 */

/** Best first. Two of a kind are equally good: what is used stays in use. */
const KINDS = ['tcp', 'websocket', 'webrtc', 'relayed'] as const;
export type PathKind = (typeof KINDS)[number];

export function kindOf(address: string): PathKind {
  if (/\/webrtc(-direct)?(\/|$)/.test(address)) return 'webrtc';
  if (address.includes('/p2p-circuit')) return 'relayed';
  return /\/wss?(\/|$)/.test(address) ? 'websocket' : 'tcp';
}

/** Lower is better. */
export const rankOf = (address: string): number => KINDS.indexOf(kindOf(address));

/** The peer id of the relay that an address leads through. */
export const relayOf = (address: string): string | undefined => /\/p2p\/([^/]+)\/p2p-circuit/.exec(address)?.[1];

/** The same way, wherever the relay is: `/p2p/RELAY/p2p-circuit…`. Of an address that leads through none, itself. */
export const throughRelay = (address: string): string => address.replace(/^.*(?=\/p2p\/[^/]+\/p2p-circuit)/, '');

/** Where the relay is that an address leads through; empty where that is not in it. */
export const whereRelayIs = (address: string): string =>
  address.replace(/\/p2p-circuit.*$/, '').replace(/^\/p2p\/[^/]+$/, '');

/** The same address with the peer id that it leads to at its end, once. */
export const withPeer = (address: string, peerId: string): string => `${withoutPeer(address)}/p2p/${peerId}`;

/** Without the peer id that it leads to; the one of a relay on the way stays. */
export const withoutPeer = (address: string): string => address.replace(/\/p2p\/[^/]+$/, '');

/** Whether it leads to this very machine, wherever it is told. */
export const isLoopback = (address: string): boolean => /^\/(ip4\/127\.|ip6\/::1\/)/.test(address);
