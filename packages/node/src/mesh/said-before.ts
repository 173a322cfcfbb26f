/**
 * What two devices told each other of themselves while they were connected last: where both still have the same, it is not
 * told again. Digests say whether they do, so that a device that started anew, or missed the last of it, is told all.
 */
import { NodeCapabilitySchema, type DeviceId } from '@markco/protocol';
import { createHash } from 'node:crypto';
import type { Heartbeat } from './control.ts';

/** Heartbeats of which any may be the last that arrived. */
const HEARTBEATS_MAX = 4;
/** Of more devices, those met last. */
const PEERS_MAX = 200;

export type SaidBefore = {
  /** By this device of itself, newest last. */
  heartbeats: readonly Heartbeat[];
  /** By this device, where each one is. */
  placed: ReadonlyMap<DeviceId, string>;
  /** By the other device of itself. */
  heard: Heartbeat | null;
  /** By the other device, where each one is. */
  places: ReadonlyMap<DeviceId, string>;
};

export const nothingSaid = (): SaidBefore => ({ heartbeats: [], placed: new Map(), heard: null, places: new Map() });

/** What was said to each device. */
export function createSaidBefore(): (peer: DeviceId) => SaidBefore {
  const all = new Map<DeviceId, SaidBefore>();
  return (peer) => {
    const found = all.get(peer) ?? nothingSaid();
    all.delete(peer);
    all.set(peer, found);
    const [oldest] = all.keys();
    if (all.size > PEERS_MAX && oldest !== undefined) all.delete(oldest);
    return found;
  };
}

export const lastOf = (heartbeats: readonly Heartbeat[], next: Heartbeat): readonly Heartbeat[] =>
  [...heartbeats, next].slice(-HEARTBEATS_MAX);

/** The same for who said it and for who heard it, if both know all of its fields. */
export const digestOfHeartbeat = ({ capability, sessions = [] }: Heartbeat): string =>
  digestOf([NodeCapabilitySchema.parse(capability), sessions]);

export const digestOfPlaces = (places: ReadonlyMap<DeviceId, string>): string =>
  digestOf([...places].toSorted(([a], [b]) => (a < b ? -1 : 1)));

const digestOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
