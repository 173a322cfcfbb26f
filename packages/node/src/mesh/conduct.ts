/**
 * What another device may send to this one, and what is done about one that sends more.
 *
 * 1. Who is merely fast is slowed down, and nobody is cut for it: messages beyond the pace wait on the other side
 *    (`message-stream.ts` stops reading). A device that catches up, or sends a large paste, is only fast.
 * 2. What tells nothing new (a repeat, an edit that refers to nothing, a question, a message that cannot be read) is
 *    paid for from a purse that fills with time and with news: an edit that is new here may come back from each device
 *    and be asked for by it. An honest device never empties it.
 * 3. Who empties it is cut off with everything it has open, and let in again after CUT_MS; its owner sees why.
 */
import { Failure } from '@markco/protocol';
import { COST } from '@markco/replica/replicate/cost';
import { createBucket, type Bucket } from './bucket.ts';

export const CONDUCT = {
  /** Whole messages; more wait. */
  messagesPerSecond: 400,
  messagesBurst: 4_000,
  /** All bytes of one device; more wait. The burst is a document as large as there may be. */
  bytesPerSecond: 8 * 1024 * 1024,
  bytesBurst: 64 * 1024 * 1024,
  /** What tells nothing new; more is cut off. */
  wastePerSecond: 200,
  wasteBurst: 1_600,
} as const;

/** How long one that was cut off stays out. */
export const CUT_MS = 60_000;
/** Devices of which it is remembered how they behave; of more, those heard of last. */
const PEERS_MAX = 1_000;

export type Conduct = {
  /** Milliseconds until a message of so many bytes may be looked at. 0: it may be now, and is counted. */
  admit(bytes: number): number;
  /** It told nothing new. */
  wasted(cost: number): void;
};

export type Conducts = {
  of(peerId: string): Conduct;
  /** So many edits were new here, whoever sent them. */
  news(count: number): void;
  /** Why a device is kept out now. */
  cutOff(peerId: string): Failure | undefined;
};

/** @param onCut told once for each cut */
export function createConducts(parts: {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  readonly onCut: (peerId: string, why: Failure) => void;
}): Conducts {
  const { now } = parts;
  type Kept = Conduct & { readonly purse: Bucket; cutAt: number | null };
  const peers = new Map<string, Kept>();

  function make(peerId: string): Kept {
    const messages = createBucket(CONDUCT.messagesPerSecond, CONDUCT.messagesBurst, now);
    const bytes = createBucket(CONDUCT.bytesPerSecond, CONDUCT.bytesBurst, now);
    const purse = createBucket(CONDUCT.wastePerSecond, CONDUCT.wasteBurst, now);
    const kept: Kept = {
      purse,
      cutAt: null,
      admit(length) {
        const wait = Math.max(messages.wait(1), bytes.wait(length));
        if (wait > 0) return wait;
        messages.spend(1);
        bytes.spend(length);
        return 0;
      },
      wasted(cost) {
        if (kept.cutAt !== null || purse.take(cost)) return;
        kept.cutAt = now();
        parts.onCut(peerId, TOO_MUCH);
      },
    };
    return kept;
  }

  function of(peerId: string): Kept {
    let kept = peers.get(peerId);
    if (kept?.cutAt !== undefined && kept.cutAt !== null && now() - kept.cutAt >= CUT_MS) kept = undefined;
    kept ??= make(peerId);
    peers.delete(peerId);
    peers.set(peerId, kept);
    const [oldest] = peers.keys();
    if (peers.size > PEERS_MAX && oldest !== undefined) peers.delete(oldest);
    return kept;
  }

  return {
    of,
    news(count) {
      for (const { purse } of peers.values()) purse.fill(count * COST.news);
    },
    cutOff(peerId) {
      return peers.has(peerId) && of(peerId).cutAt !== null ? TOO_MUCH : undefined;
    },
  };
}

const TOO_MUCH = new Failure(
  'too_many',
  'It sent more than a device does, over and over, so it was cut off for a minute. If it is yours, upgrade MarkCo there; if it may be stolen, remove it.',
);
