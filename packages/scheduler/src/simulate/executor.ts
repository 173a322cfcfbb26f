/**
 * A host as the start protocol knows it: what it accepted, what it claims, what it started. It knows no clock and no
 * wire; both are handed in. `journal` is what is on disk, written before anything is said or done about it; the rest is
 * gone after a crash.
 *
 * 1. A run is started once: `journal` has it as started before it begins, and what it has is never started again.
 * 2. A grant counts for the claim it answers, within `CLAIM_MS` of it; a late one is void and the run is claimed again.
 * 3. The host's own rules are asked when a run is offered and again when it starts: its owner may have changed them.
 * 4. A claim holds a slot for at most `CLAIMS_MAX` × `CLAIM_MS`; whoever does not answer loses the place, not the run.
 */
import { LIMITS, type DeviceId, type NodeCapability, type RunId } from '@markco/protocol';
import type { RefusalRule } from '../index.ts';
import { emptyQueue, positionOf, stepQueue, type HostQueue, type QueueEvent } from '../queue.ts';
import {
  CLAIM_MS,
  type HostState,
  type Offer,
  type RunEnd,
  type Send,
  type ToCoordinator,
  type ToExecutor,
  type VoidReason,
} from '../start/start-protocol.ts';

export type ExecutorParts = {
  /** Its own clock, which goes on while it sleeps. */
  readonly now: () => number;
  readonly send: Send<ToCoordinator>;
  readonly capability: () => NodeCapability;
  readonly refuses: (offer: Offer) => RefusalRule | null;
  readonly begin: (offer: Offer) => void;
  readonly stop: (runId: RunId) => void;
  /** Calls `lapse` with these in `CLAIM_MS`. */
  readonly later: (runId: RunId, claim: number) => void;
};

/** Rules left out on purpose, to see that the simulator would notice. */
export type Sabotage = 'any-grant-counts' | 'silence-proves' | 'journal-forgets' | 'rules-asked-once' | 'no-slots';

type Journaled = { readonly from: DeviceId; readonly fence: number } & (
  | { readonly state: 'accepted'; readonly offer: Offer }
  | { readonly state: 'void' }
  | { readonly state: 'started' }
  | { readonly state: 'ended'; readonly end: RunEnd }
);

type Entry = {
  readonly from: DeviceId;
  readonly offer: Offer;
  /** The latest claim, or null: its turn has not come. */
  claim: { readonly number: number; readonly atMs: number } | null;
  claims: number;
};

const CLAIMS_MAX = 3;

export type Executor = ReturnType<typeof createExecutor>;

export function createExecutor(parts: ExecutorParts, sabotage: Sabotage | null = null) {
  /**
   * What ended or is void is forgotten, oldest first, beyond `LIMITS.runsKeptMax`: in a simulation long after anybody
   * asks. A real host forgets no end that its coordinator has not heard of, however long that sleeps: it would say `void`
   * of a run that it did, and the run would be done again.
   */
  const journal = new Map<RunId, Journaled>();
  const entries = new Map<RunId, Entry>();
  const slots = () => (sabotage === 'no-slots' ? 1_000 : parts.capability().policy.maxConcurrentRuns);
  /** Numbers of claims are never used twice, also after a crash: a real device draws them by lot. */
  let claims = 0;
  let queue: HostQueue = emptyQueue({ online: true, slots: slots() });

  const state = (): HostState => ({
    capability: parts.capability(),
    runningRuns: queue.running.length,
    queuedRuns: queue.waiting.length,
  });

  function write(runId: RunId, record: Journaled): void {
    journal.delete(runId);
    journal.set(runId, record);
    if (journal.size <= LIMITS.runsKeptMax) return;
    for (const [old, { state }] of journal) {
      if (state === 'accepted' || state === 'started') continue;
      journal.delete(old);
      break;
    }
  }

  function step(event: QueueEvent): void {
    const next = stepQueue(queue, event);
    queue = next.queue;
    for (const effect of next.effects) if (effect.type === 'start') takeTurn(effect.runId);
  }

  function takeTurn(runId: RunId): void {
    const entry = entries.get(runId);
    if (entry === undefined) return;
    if (entry.offer.isGranted) start(entry);
    else claim(entry);
  }

  function claim(entry: Entry): void {
    const { runId, fence } = entry.offer;
    entry.claims += 1;
    entry.claim = { number: ++claims, atMs: parts.now() };
    parts.send(entry.from, { type: 'claim', runId, fence, claim: claims });
    parts.later(runId, claims);
  }

  function start({ from, offer }: Entry): void {
    const { runId, fence } = offer;
    const isOver = queue.running.length > slots();
    const refusal = sabotage === 'rules-asked-once' ? null : (parts.refuses(offer) ?? (isOver ? 'queue-full' : null));
    if (refusal !== null) return makeVoid(from, runId, fence, refusal);
    if (sabotage !== 'journal-forgets') write(runId, { from, fence, state: 'started' });
    entries.delete(runId);
    parts.begin(offer);
    parts.send(from, { type: 'started', runId, fence });
  }

  /** Never under this fence. It leaves the queue, if it was there. */
  function makeVoid(from: DeviceId, runId: RunId, fence: number, why: VoidReason): void {
    write(runId, { from, fence, state: 'void' });
    drop(runId);
    parts.send(from, { type: 'void', runId, fence, why, host: state() });
  }

  function drop(runId: RunId): void {
    if (!entries.delete(runId)) return;
    step({ type: positionOf(queue, runId) === null ? 'ended' : 'cancel', runId });
  }

  function takeOffer(from: DeviceId, offer: Offer): void {
    const { runId, fence, sessionId, priority } = offer;
    const entry = entries.get(runId);
    if (entry !== undefined && entry.offer.fence > fence) return;
    if (entry !== undefined && entry.offer.fence === fence) return parts.send(from, { type: 'waits', runId, fence });
    const refusal = parts.refuses(offer);
    if (refusal !== null) return makeVoid(from, runId, fence, refusal);
    if (entry === undefined && queue.waiting.length >= LIMITS.queuedRunsMax)
      return makeVoid(from, runId, fence, 'queue-full');
    if (offer.isGranted) write(runId, { from, fence, state: 'accepted', offer });
    entries.set(runId, { from, offer, claim: null, claims: 0 });
    // Offered anew under a higher fence it keeps its place.
    if (entry === undefined) step({ type: 'submit', runId, sessionId, priority });
    else if (positionOf(queue, runId) === null) takeTurn(runId);
    if (positionOf(queue, runId) !== null) parts.send(from, { type: 'waits', runId, fence });
  }

  function takeGrant({ runId, fence, claim: answered }: Extract<ToExecutor, { type: 'grant' }>): void {
    const entry = entries.get(runId);
    if (entry === undefined || entry.claim === null || entry.offer.fence !== fence) return;
    if (answered !== entry.claim.number && sabotage !== 'any-grant-counts') return;
    if (parts.now() < entry.claim.atMs + CLAIM_MS || sabotage === 'any-grant-counts') start(entry);
  }

  /** What is on disk of it answers, whatever is asked. Whether there was anything. */
  function answerFromJournal(from: DeviceId, runId: RunId, fence: number): boolean {
    const known = journal.get(runId);
    if (known === undefined || known.state === 'accepted') return false;
    if (known.state === 'void' && known.fence < fence) return false;
    if (known.state === 'void') parts.send(from, { type: 'void', runId, fence, why: 'withdrawn', host: state() });
    else if (known.state === 'ended') parts.send(from, { type: 'ended', runId, fence: known.fence, end: known.end });
    else parts.send(from, { type: 'started', runId, fence: known.fence });
    return true;
  }

  return {
    receive(from: DeviceId, message: ToExecutor): void {
      const { runId, fence } = message;
      const known = journal.get(runId);
      if (message.type === 'cancel' && known?.state === 'started') return parts.stop(runId);
      if (answerFromJournal(from, runId, fence)) return;
      switch (message.type) {
        case 'offer':
          return takeOffer(from, message);
        case 'grant':
          return takeGrant(message);
        case 'ask':
          return entries.get(runId)?.offer.fence === fence
            ? parts.send(from, { type: 'waits', runId, fence })
            : makeVoidUnlessNewer(from, runId, fence, 'unknown');
        case 'withdraw':
        case 'cancel':
          return makeVoidUnlessNewer(from, runId, fence, 'withdrawn');
      }
    },

    /** A claim that nobody answered. */
    lapse(runId: RunId, lapsed: number): void {
      const entry = entries.get(runId);
      if (entry === undefined || entry.claim?.number !== lapsed) return;
      if (entry.claims < CLAIMS_MAX) claim(entry);
      else drop(runId);
    },

    /** A run that was begun is over. */
    ended(runId: RunId, end: RunEnd): void {
      const known = journal.get(runId);
      if (known !== undefined) {
        write(runId, { from: known.from, fence: known.fence, state: 'ended', end });
        parts.send(known.from, { type: 'ended', runId, fence: known.fence, end });
      }
      step({ type: 'ended', runId });
    },

    /** What waits and is not taken any more is given back, or it would wait for ever. */
    rulesChanged(): void {
      for (const { from, offer } of [...entries.values()].toReversed()) {
        const refusal = parts.refuses(offer);
        if (refusal !== null) makeVoid(from, offer.runId, offer.fence, refusal);
      }
      step({ type: 'host', online: true, slots: slots() });
    },

    /** It lost what was not on disk and is back: what ran is lost, what was accepted is in the queue again. */
    restart(): void {
      entries.clear();
      queue = emptyQueue({ online: true, slots: slots() });
      for (const [runId, known] of [...journal]) {
        const { from, fence } = known;
        if (known.state === 'started') {
          write(runId, { from, fence, state: 'ended', end: 'lost' });
          parts.send(from, { type: 'ended', runId, fence, end: 'lost' });
        } else if (known.state === 'accepted') takeOffer(from, known.offer);
      }
    },

    state,
    queue: () => queue,
  };

  function makeVoidUnlessNewer(from: DeviceId, runId: RunId, fence: number, why: VoidReason): void {
    if ((entries.get(runId)?.offer.fence ?? 0) <= fence) makeVoid(from, runId, fence, why);
  }
}
