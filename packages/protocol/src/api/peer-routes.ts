/**
 * The part of the route table by which a browser at a cloud finds the devices of its user. The way to them is a WebSocket
 * at `/` of the same port: byte for byte that of the device beside the cloud, in the protocols of libp2p.
 */
import * as z from 'zod/mini';

const peerId = z.string().check(z.maxLength(100));
export const PeerDoorSchema = z.strictObject({
  /** The device that answers there; null while it is nobody's. */
  peerId: z.nullable(peerId),
  /** Devices that are reached through it and show a code to pair with. */
  showing: z.array(peerId).check(z.maxLength(300)),
  /** Why a browser asks for no runs through here; absent while it may. */
  closed: z.optional(z.string()),
});

export const PEER_ROUTES = {
  /** `not_found` at a device, whose page needs none. */
  peerDoor: { method: 'GET', path: '/api/peer', status: 200, answer: PeerDoorSchema },
} as const;
