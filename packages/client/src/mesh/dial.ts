/**
 * Tries the ways to a device side by side, and keeps the best that comes up.
 *
 * 1. A better kind of way has a head start, so that a device on the same network is not reached through a relay first;
 *    one that does not answer holds up no other, and none that is heard of later.
 * 2. Through one relay a device is tried once, wherever the relay is said to be; the relay itself is connected first.
 * 3. What came up ends the tries that could only be as good; better ones go on behind it.
 */
import type { Connection } from '@libp2p/interface';
import { kindOf, rankOf, relayOf, throughRelay, whereRelayIs, withPeer, type PathKind } from './path.ts';

/** Addresses of one device that are tried at once; of more, the first. */
const ADDRESSES_MAX = 24;
/** How long an address may take. Holes are punched in half a second, or not at all. */
const ADDRESS_MS = 6_000;
export type HeadStarts = Readonly<Record<PathKind, number>>;
const HEAD_START_MS: HeadStarts = { tcp: 0, websocket: 300, webrtc: 250, relayed: 150 };

export type Try = {
  readonly address: string;
  readonly kind: PathKind;
  readonly ms: number;
  /** Null when it connected. `not needed`: another way was there first. */
  readonly why: string | null;
};

export type DialerParts = {
  readonly dial: (address: string, signal: AbortSignal) => Promise<Connection>;
  /** The open connections to a peer. */
  readonly open: (peerId: string) => readonly Connection[];
  /** Milliseconds that only grow. */
  readonly elapsed: () => number;
  readonly addressMs?: number;
  /** Milliseconds that each kind waits for better ones. */
  readonly headStartMs?: HeadStarts;
};

export type Dialing = {
  /** Rejects, with the tries in its message, when none came up. */
  readonly first: Promise<void>;
  /** Every try, once the last one is over. */
  readonly all: Promise<readonly Try[]>;
};

export type Dialer = {
  /** @param below kinds that are no better than this rank are not tried */
  dial(peerId: string, addresses: readonly string[], signal: AbortSignal, below?: number): Dialing;
  /** Tries every address, needed or not. What comes up is closed again, unless it is better than what there is. */
  probe(peerId: string, addresses: readonly string[], signal: AbortSignal): Promise<readonly Try[]>;
};

type Way = { readonly address: string; readonly relayAt: readonly string[] };
type Trying = { readonly stop: AbortController; readonly over: Promise<Try> };

export function createDialer({
  dial,
  open,
  elapsed,
  addressMs = ADDRESS_MS,
  headStartMs = HEAD_START_MS,
}: DialerParts): Dialer {
  /** By peer and address; one address is tried once at a time, whoever asks. */
  const trying = new Map<string, Map<string, Trying>>();

  /** Connects through a relay that may have to be connected first. */
  async function dialWay({ address, relayAt }: Way, signal: AbortSignal): Promise<Connection> {
    const relay = relayOf(address);
    if (relay !== undefined && open(relay).length === 0 && relayAt.length > 0)
      await dialAll(relay, relayAt, signal).first.catch((cause: unknown) => {
        throw new Error('the relay does not answer', { cause });
      });
    // A signal that outlived the dialing would end the connection with it.
    const dialing = new AbortController();
    const give = (): void => dialing.abort(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', give);
    try {
      return await dial(address, dialing.signal);
    } finally {
      signal.removeEventListener('abort', give);
    }
  }

  async function attempt(peerId: string, way: Way, stop: AbortSignal, signal: AbortSignal): Promise<Try> {
    const { address } = way;
    const [kind, rank] = [kindOf(address), rankOf(address)];
    const began = elapsed();
    const end = (why: string | null): Try => ({ address, kind, ms: Math.round(elapsed() - began), why });
    const until = AbortSignal.any([signal, stop, AbortSignal.timeout(headStartMs[kind] + addressMs)]);
    try {
      await pause(headStartMs[kind], until);
      const connection = await dialWay(way, until);
      // Only its own: when two devices dial each other at once, and each closed its own for the other's, none would stay.
      const others = open(peerId).filter(({ id, direction }) => direction === 'outbound' && id !== connection.id);
      if (others.some(({ remoteAddr }) => rankOf(remoteAddr.toString()) <= rank)) {
        void connection.close().catch(() => connection.abort(new Error('another way was there first')));
        return end('not needed');
      }
      for (const [other, { stop: needless }] of trying.get(peerId) ?? [])
        if (other !== address && rankOf(other) >= rank) needless.abort();
      return end(null);
    } catch (error) {
      return end(stop.aborted ? 'not needed' : whyNot(error, until.aborted));
    }
  }

  function begin(peerId: string, way: Way, signal: AbortSignal): Promise<Try> {
    const { address } = way;
    const all = trying.get(peerId) ?? new Map<string, Trying>();
    const running = all.get(address);
    if (running !== undefined) return running.over;
    if (all.size >= ADDRESSES_MAX)
      return Promise.resolve({ address, kind: kindOf(address), ms: 0, why: 'too many addresses are tried already' });
    trying.set(peerId, all);
    const stop = new AbortController();
    const over = attempt(peerId, way, stop.signal, signal).finally(() => {
      all.delete(address);
      if (all.size === 0) trying.delete(peerId);
    });
    all.set(address, { stop, over });
    return over;
  }

  function ranked(peerId: string, addresses: readonly string[], below: number): readonly Way[] {
    const ways = new Map<string, string[]>();
    for (const each of addresses) {
      const address = withPeer(throughRelay(each), peerId);
      const relayAt = ways.get(address) ?? [];
      if (rankOf(address) < below) ways.set(address, relayAt);
      if (relayOf(each) !== undefined && whereRelayIs(each) !== '') relayAt.push(whereRelayIs(each));
    }
    return [...ways]
      .map(([address, relayAt]) => ({ address, relayAt }))
      .toSorted((one, other) => rankOf(one.address) - rankOf(other.address))
      .slice(0, ADDRESSES_MAX);
  }

  async function probeOne(peerId: string, way: Way, signal: AbortSignal): Promise<Try> {
    const { address } = way;
    const began = elapsed();
    const end = (why: string | null): Try => ({ address, kind: kindOf(address), ms: elapsed() - began, why });
    try {
      const connection = await dialWay(way, signal);
      const others = open(peerId).filter(({ id }) => id !== connection.id);
      if (others.some(({ remoteAddr }) => rankOf(remoteAddr.toString()) <= rankOf(address)))
        void connection.close().catch(() => connection.abort(new Error('it was only tried')));
      return end(null);
    } catch (error) {
      return end(whyNot(error, signal.aborted));
    }
  }

  function dialAll(peerId: string, addresses: readonly string[], signal: AbortSignal, below = Infinity): Dialing {
    const wanted = ranked(peerId, addresses, below);
    const tries = wanted.map((way) => begin(peerId, way, signal));
    const all = Promise.all(tries);
    const first = Promise.any(
      tries.map(async (one) => {
        const { address, why } = await one;
        if (why !== null && open(peerId).length === 0) throw new Error(`${address}: ${why}`);
      }),
    );
    // Who waits for all of them alone has heard of it there.
    first.catch(() => undefined);
    return { first, all };
  }

  return {
    dial: dialAll,
    probe: (peerId, addresses, signal) =>
      Promise.all(ranked(peerId, addresses, Infinity).map((way) => probeOne(peerId, way, signal))),
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new Error('given up'));
    });
  });
}

/** In words, by what the system and libp2p say. */
function whyNot(error: unknown, isOver: boolean): string {
  const texts: string[] = [];
  for (let cause: unknown = error; cause instanceof Error && texts.length < 5; cause = cause.cause)
    texts.push(`${cause.name} ${'code' in cause ? String(cause.code) : ''} ${cause.message}`);
  const text = texts.join(' ');
  if (/the relay does not answer/.test(text)) return 'the relay does not answer';
  if (/ECONNREFUSED/.test(text)) return 'nothing listens there';
  if (/ENETUNREACH|EHOSTUNREACH/.test(text)) return 'there is no way to that network from here';
  if (/NO_RESERVATION/.test(text)) return 'the relay does not have it now';
  if (/PERMISSION_DENIED/.test(text)) return 'the relay does not pass on to it';
  if (/UnexpectedPeer|remote peer id|expected remote identity|crypto exchange/i.test(text))
    return 'another device answers there';
  if (/TransportUnavailable/.test(text)) return 'this device cannot use such an address';
  if (isOver || /ETIMEDOUT|Timeout|abort/i.test(text)) return 'no answer';
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
