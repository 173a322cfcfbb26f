/** A place at each relay of the user, so that this device is found through it: asked for, kept, asked for again. */
import type { Host } from './host.ts';
import { isLoopback, kindOf, relayOf } from '@markco/client/mesh/path';
import type { Peers } from '@markco/client/mesh/peers';

/** Relays that this device has a place at; of more, the first. */
const RELAYS_MAX = 4;
/** How long a new code waits for the address that others find this device at. */
const READY_MS = 2_000;
/** Addresses of one relay that others are told. */
const ADDRESSES_EACH_MAX = 3;
const AGAIN_MS = 1_000;
const AGAIN_MAX_MS = 30_000;

export type Slot = { readonly relay: string; readonly isReserved: boolean; readonly why: string | null };

export type Slots = {
  list(): readonly Slot[];
  /** Resolves once there is a place, no relay is known, or READY_MS are over. */
  ready(): Promise<void>;
  close(): void;
};

export function createSlots({ host, peers }: { readonly host: Host; readonly peers: Peers }): Slots {
  const slots = new Map<string, { isReserved: boolean; why: string | null; tries: number; timer?: NodeJS.Timeout }>();

  const waiting = new Set<() => void>();
  const isReserved = (): boolean => [...slots.values()].some((slot) => slot.isReserved);

  function drop(relay: string): void {
    clearTimeout(slots.get(relay)?.timer);
    slots.delete(relay);
  }

  /** Where others reach a relay: what it says of itself, and where this device reaches it. */
  function whereIs(relay: string): readonly string[] {
    const told = peers.list().find(({ peerId }) => peerId === relay)?.addresses ?? [];
    const direct = told.filter((address) => relayOf(address) === undefined && kindOf(address) !== 'webrtc');
    const outer = direct.filter((address) => !isLoopback(address));
    return (outer.length > 0 ? outer : direct).slice(0, ADDRESSES_EACH_MAX);
  }

  async function ask(relay: string): Promise<void> {
    const slot = slots.get(relay);
    if (slot === undefined) return;
    try {
      await host.reserve(relay, () => whereIs(relay));
      slot.isReserved = true;
      slot.why = null;
      slot.tries = 0;
      for (const tell of waiting) tell();
    } catch (error) {
      slot.why = whyNot(error);
      const delay = Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** Math.min(slot.tries++, 10));
      if (slots.get(relay) === slot) slot.timer = setTimeout(() => void ask(relay), delay).unref();
    }
  }

  function look(peerId: string): void {
    const isRelay = peers.list().some((peer) => peer.peerId === peerId && peer.isRelay);
    if (!isRelay || !peers.isGreeted(peerId)) return drop(peerId);
    if (slots.has(peerId) || slots.size >= RELAYS_MAX) return;
    // A relay is no way to a relay.
    if (host.paths(peerId)[0]?.isRelayed === true) return;
    slots.set(peerId, { isReserved: false, why: null, tries: 0 });
    void ask(peerId);
  }

  peers.onPeer(({ peerId }) => look(peerId));
  peers.onNews(look);
  host.onBetterPath(look);
  host.onLostRelay((relay) => {
    drop(relay);
    look(relay);
  });

  return {
    list: () => [...slots].map(([relay, { isReserved, why }]) => ({ relay, isReserved, why })),
    async ready() {
      if (isReserved() || !peers.list().some((peer) => peer.isRelay)) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, READY_MS);
      waiting.add(resolve);
      await promise;
      clearTimeout(timer);
      waiting.delete(resolve);
    },
    close() {
      for (const relay of slots.keys()) drop(relay);
    },
  };
}

function whyNot(error: unknown): string {
  const text = error instanceof Error ? `${error.name} ${error.message}` : String(error);
  if (/PERMISSION_DENIED/.test(text)) return 'it does not take this device for one of yours yet';
  if (/RESERVATION_REFUSED/.test(text)) return 'it has no room for more devices';
  if (/UnsupportedProtocol/.test(text)) return 'it is no relay any more';
  return 'it did not answer in time';
}
