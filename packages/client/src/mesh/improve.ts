/**
 * Looks for a better way to devices that are reached by a lesser one: at once, when something is heard of them, and
 * again from time to time. What comes up is used by itself; the lesser one stays as long as it lasts, and is what is left
 * when the better one breaks.
 */
import type { Try } from './dial.ts';
import type { Network } from './network.ts';
import { rankOf, relayOf } from './path.ts';
import type { Peers } from './peers.ts';

/** A hole that could not be punched is tried again soon, then more and more seldom: chance has a part in it. */
const AGAIN_MS = 1_000;
const AGAIN_MAX_MS = 5 * 60_000;
const TRY_MS = 10_000;
/** Where there is no better way, it is looked so often whether that is still so. */
const BEST_MS = 10_000;

export type Improves = {
  /** Tries what is better than the way in use. Answers each try, once all are over. */
  improve(peerId: string, addresses: readonly string[], signal: AbortSignal): Promise<readonly Try[]>;
};

export type ImproveParts = {
  readonly host: Pick<Network, 'paths'> & Improves;
  readonly peers: Pick<Peers, 'isGreeted' | 'waysTo' | 'onPeer' | 'onNews'>;
  /** Of two devices, the one that punches holes: done by both at once, they would make two. */
  readonly leads: (peerId: string) => boolean;
};

type Looking = { tries: number; timer: ReturnType<typeof setTimeout> | undefined };

/** Answers how to stop. */
export function keepImproving({ host, peers, leads }: ImproveParts): () => void {
  const looking = new Map<string, Looking>();

  function stop(peerId: string): void {
    clearTimeout(looking.get(peerId)?.timer);
    looking.delete(peerId);
  }

  function begin(peerId: string): void {
    stop(peerId);
    if (!peers.isGreeted(peerId)) return;
    const state: Looking = { tries: 0, timer: undefined };
    looking.set(peerId, state);
    const turn = async (): Promise<void> => {
      const [best] = host.paths(peerId);
      // One that ends and comes back at once is connected all along, by no way for a moment.
      const isBest = best !== undefined && rankOf(best.address) === 0;
      if (isBest) state.tries = 0;
      else if (best !== undefined)
        await host
          .improve(peerId, betterWays(peerId, best.address), AbortSignal.timeout(TRY_MS))
          .catch(() => undefined);
      if (looking.get(peerId) !== state) return;
      const delay = isBest ? BEST_MS : Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** Math.min(state.tries++, 10));
      state.timer = setTimeout(() => void turn(), delay);
    };
    void turn();
  }

  function betterWays(peerId: string, best: string): readonly string[] {
    const ways = peers.waysTo(peerId);
    const relays = new Set([best, ...ways].flatMap((address) => relayOf(address) ?? []));
    const punched = leads(peerId) ? [...relays].map((relay) => `/p2p/${relay}/p2p-circuit/webrtc`) : [];
    return [...ways, ...punched];
  }

  peers.onPeer(({ peerId }, isConnected) => (isConnected ? begin(peerId) : stop(peerId)));
  peers.onNews(begin);

  return () => {
    for (const peerId of looking.keys()) stop(peerId);
  };
}
