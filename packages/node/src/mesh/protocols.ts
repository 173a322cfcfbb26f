/**
 * What is spoken between devices, and what it takes to speak it. A protocol that is not listed here is spoken with
 * nobody; those that parts of this device bring along (`channels`) take `sync`.
 */
import { authorize, type Operation, type ResourceKind, type UserId } from '@markco/protocol';
import { CONTROL, HELLO, HTTP, PAIR, STREAM } from '@markco/client/mesh/protocol-names';
import type { DeviceCap, Member } from '@markco/protocol/identity';
import { ASSET_LISTS } from './assets/exchange.ts';
import { ASSETS } from './assets/transfer.ts';
import { MOVE } from './moving/messages.ts';
import { DIAL_BACK } from './dial-back.ts';
import { HOP, STOP } from './relay.ts';

export const DOCUMENTS = '/markco/documents/1.0.0';
/** By which libp2p finds a direct way between two that talk through a relay. */
export const SIGNALING = '/webrtc-signaling/0.0.1';

/** `anybody`: it decides itself, before it answers. `pairing`: anybody, while a code is shown here. */
type Need = 'anybody' | 'pairing' | 'member' | Extract<DeviceCap, 'sync'>;

export const NEEDS: ReadonlyMap<string, Need> = new Map<string, Need>([
  [HELLO, 'anybody'],
  [PAIR, 'pairing'],
  [CONTROL, 'member'],
  // Calls nobody but who asks.
  [DIAL_BACK, 'member'],
  [DOCUMENTS, 'sync'],
  [ASSET_LISTS, 'sync'],
  [ASSETS, 'sync'],
  // What is moved by it takes the right to submit besides, and to bring something a grant.
  [MOVE, 'sync'],
  // What is run by it takes a grant besides.
  [STREAM, 'sync'],
  [HTTP, 'sync'],
]);

const ACCESS: Readonly<Record<Need, readonly [Operation, ResourceKind]>> = {
  anybody: ['read', 'door'],
  pairing: ['enrol', 'pairing'],
  member: ['read', 'mesh'],
  sync: ['sync', 'mesh'],
};
/** A member is one of the user's devices, or none: the greeting has seen to that. */
const SAME_USER = '00000000-0000-0000-0000-000000000000' as UserId;

/** What libp2p itself answers here, and only members. */
const OF_LIBP2P: ReadonlySet<string> = new Set([HOP, STOP, SIGNALING]);

/** @param member whom the peer has shown to be, on this connection */
export function mayUse(protocol: string, member: Member | undefined, isPairing: boolean): boolean {
  const need = OF_LIBP2P.has(protocol) ? 'member' : NEEDS.get(protocol);
  if (need === undefined) return false;
  const [operation, kind] = ACCESS[need];
  // On a connection of another user's device nothing else is spoken: whose devices they are is decided before.
  const owner = SAME_USER;
  const subject = member === undefined ? null : { role: 'device' as const, userId: owner, caps: member.caps };
  return authorize(subject, operation, { kind, owner, isOpen: isPairing }) === 'allowed';
}
