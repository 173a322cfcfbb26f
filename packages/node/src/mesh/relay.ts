/**
 * Passing on what the user's other devices say to each other, when this one can be reached and they cannot.
 *
 * 1. Only devices that have said hello get a place, and only they are passed on to each other: nobody else's bytes are.
 * 2. But for one: while a device has a code to pair with on its screen it says so, and then a stranger may reach that
 *    device through this one. Few at once, no longer than the code is good for, and with few bytes.
 * 3. What is passed on is encrypted between the two; the relay reads none of it.
 * 4. Of each device no more is passed on than its pace (`relay-pace.ts`); the rest waits at the device.
 */
import { circuitRelayServer, RELAY_V2_HOP_CODEC, RELAY_V2_STOP_CODEC } from '@libp2p/circuit-relay-v2';
import type { Connection, Stream } from '@libp2p/interface';
import { PAIRING_LIFETIME_MS } from '@markco/protocol/identity';
import type { Bucket } from './bucket.ts';
import { guarded, type Guard } from './guarded.ts';
import { createPaces, keepPace, pacedAnswers } from './relay-pace.ts';

export const HOP = RELAY_V2_HOP_CODEC;
export const STOP = RELAY_V2_STOP_CODEC;
/** Further devices get no place, and say so. */
export const RESERVATIONS_MAX = 200;
const RESERVATION_MS = 24 * 3_600_000;
const HOP_MS = 10_000;
/** Guests of one device at once, and of all. */
const GUESTS_EACH_MAX = 2;
const GUESTS_MAX = 10;
/** What a guest may send: to pair takes a few kilobytes. Past it its connection ends. */
export const GUEST_BYTES_MAX = 256 * 1024;

/** Who is let through. */
export type RelayRules = {
  reserves(peerId: string): boolean;
  connects(from: string, to: string): boolean;
  /** What is left of the bytes that a device may say through here now. */
  paceOf(peerId: string): Bucket;
};

export type Relay = RelayRules & {
  /** A device has a code on its screen until then (Unix milliseconds), or has none any more. */
  expectsGuests(peerId: string, until: number): void;
  /** Devices that have a code on their screen. */
  expecting(): readonly string[];
  /** Whether a stranger may ask to be passed on at all. */
  hasGuests(): boolean;
  /** Whether this stranger is being passed on. */
  isGuest(peerId: string): boolean;
  /** It has gone; another guest may come in its place. */
  left(peerId: string): void;
};

export function createRelay(parts: {
  /** It has said hello, and is one of the user's devices. */
  readonly isGreeted: (peerId: string) => boolean;
  readonly now: () => number;
  /** Milliseconds that never go back. */
  readonly elapsed: () => number;
}): Relay {
  const { isGreeted, now } = parts;
  const hosts = new Map<string, number>();
  /** By guest: whom it came for, and until when. */
  const guests = new Map<string, { readonly to: string; readonly until: number }>();

  function sweep(): void {
    for (const [peerId, until] of hosts) if (until <= now() || !isGreeted(peerId)) hosts.delete(peerId);
    for (const [peerId, guest] of guests)
      if (hosts.get(guest.to) === undefined || guest.until <= now()) guests.delete(peerId);
  }

  return {
    reserves: isGreeted,
    paceOf: createPaces(parts.elapsed),
    connects(from, to) {
      if (!isGreeted(to)) return false;
      if (isGreeted(from)) return true;
      sweep();
      const until = hosts.get(to);
      const others = [...guests].filter(([peerId]) => peerId !== from);
      const here = others.filter(([, guest]) => guest.to === to);
      if (until === undefined || here.length >= GUESTS_EACH_MAX || others.length >= GUESTS_MAX) return false;
      guests.set(from, { to, until });
      return true;
    },
    expectsGuests(peerId, until) {
      hosts.set(peerId, Math.min(until, now() + PAIRING_LIFETIME_MS));
      sweep();
    },
    expecting() {
      sweep();
      return [...hosts.keys()];
    },
    hasGuests() {
      sweep();
      return hosts.size > 0;
    },
    isGuest(peerId) {
      sweep();
      return guests.has(peerId);
    },
    left: (peerId) => void guests.delete(peerId),
  };
}

/** The service of libp2p by these rules. */
export function relayService(guard: Guard, rules: RelayRules) {
  const bounded: Guard = (stream, connection, protocol) => {
    if (!guard(stream, connection, protocol)) return false;
    const peerId = connection.remotePeer.toString();
    if (!rules.reserves(peerId)) boundGuest(stream, connection);
    keepPace(stream, rules.paceOf(peerId));
    return true;
  };
  const serve = circuitRelayServer({
    hopTimeout: HOP_MS,
    maxInboundHopStreams: RESERVATIONS_MAX,
    reservations: { maxReservations: RESERVATIONS_MAX, reservationTtl: RESERVATION_MS, applyDefaultLimit: false },
  });
  return (components: Parameters<typeof serve>[0]) => serve(pacedAnswers(guarded(components, bounded), rules.paceOf));
}

function boundGuest(stream: Stream, connection: Connection): void {
  let bytes = 0;
  stream.addEventListener('message', ({ data }) => {
    bytes += data.byteLength;
    if (bytes > GUEST_BYTES_MAX) connection.abort(new Error('a guest sent more than pairing takes'));
  });
}
