/**
 * This device as the host of runs that others place on it: it takes an offer, claims it when its turn comes, and starts
 * it on a grant for that claim.
 *
 * 1. A run that the journal has is never started again: what the journal says of it is the answer to everything.
 * 2. A grant counts for the claim it answers, for CLAIM_MS on this device's own clock; a claim nobody answers is made
 *    again, CLAIMS_MAX times in all, and at once when who is to answer it is back. Claims are in memory only, so that
 *    none outlives the program.
 * 3. What is said to be void under a fence is written down first, and never starts under that fence.
 * 4. The owner's rules are asked when a run is offered, and again when it starts later than that.
 */
import { Failure, LIMITS, runMachine, type DeviceId, type IdSource, type Run, type RunId } from '@markco/protocol';
import { CLAIM_MS, type HostState, type VoidReason } from '@markco/scheduler';
import { nameKey } from '@markco/replica/store/key';
import type { LocalStore } from '@markco/replica/store/store';
import { endOf, type Placeable, type ToHost, type ToSubmitter } from './start-messages.ts';

/** Runs of others whose end is told when it comes; of more, the newest: who asks is answered all the same. */
const TOLD_MAX = 10_000;
const CLAIMS_MAX = 3;
/** Longer than any grant lasts, with clocks as far apart as is borne: what is void may be forgotten then. */
const VOID_KEPT_MS = 10 * 60_000;
const VOID = 'void-run/';

export type TakeOffersParts = {
  readonly ids: IdSource;
  readonly store: LocalStore;
  readonly runs: {
    get(id: RunId): Promise<Run | null>;
    cancel(id: RunId): Promise<unknown>;
    onChange(listener: (run: Run) => void): () => void;
  };
  /** Why what a run brings along, that another device than its submitter offers, lets nothing start here; or null. */
  readonly mistrusts: (request: Placeable) => Failure | null;
  /** The rule that keeps it off this device now, or null. */
  readonly refuses: (request: Placeable, from: DeviceId) => Promise<VoidReason | null>;
  /** Resolves when the project is open here and the document has arrived. It starts nothing. */
  readonly prepare: (request: Placeable) => Promise<void>;
  /** Checks the grant and takes the run into the journal: once, however often it is asked. */
  readonly accept: (request: Placeable, grant: string, from: DeviceId) => Promise<Run>;
  readonly state: () => Promise<HostState>;
  readonly send: (to: DeviceId, message: ToSubmitter) => void;
  /** Milliseconds, going on while the machine sleeps. */
  readonly clock: () => number;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

type Entry = {
  readonly from: DeviceId;
  readonly fence: number;
  readonly request: Placeable;
  isReady: boolean;
  claim: { readonly number: number; readonly at: number; readonly timer: NodeJS.Timeout } | null;
  claims: number;
};

export type TakeOffers = ReturnType<typeof createTakeOffers>;

export function createTakeOffers(parts: TakeOffersParts) {
  const { runs, store, send } = parts;
  const entries = new Map<RunId, Entry>();
  const tell = new Map<RunId, { readonly to: DeviceId; readonly fence: number }>();
  /** One message of a run after another. */
  const turns = new Map<RunId, Promise<void>>();
  let isFilling = false;
  let isStale = false;
  let isClosed = false;

  function inTurn(id: RunId, work: () => Promise<void>): Promise<void> {
    const before = turns.get(id) ?? Promise.resolve();
    const mine = before.then(work).catch((error: unknown) => parts.onTrouble('a run of another device', error));
    turns.set(id, mine);
    void mine.then(() => turns.get(id) === mine && turns.delete(id));
    return mine;
  }

  /** It frees the slot that it was claimed for. */
  function drop(id: RunId): void {
    const entry = entries.get(id);
    clearTimeout(entry?.claim?.timer);
    if (entries.delete(id) && entry?.claim !== null) fill();
  }

  async function makeVoid(to: DeviceId, id: RunId, fence: number, why: VoidReason): Promise<void> {
    await noteVoid(id, fence);
    drop(id);
    send(to, { type: 'void', runId: id, fence, why, host: await parts.state() });
  }

  async function noteVoid(id: RunId, fence: number): Promise<void> {
    const value = new TextEncoder().encode(JSON.stringify({ fence, at: parts.ids.now() }));
    await store.write([{ key: nameKey(VOID + id), value }], { sync: true });
  }

  function voidFence(id: RunId): number {
    const found = store.get(nameKey(VOID + id));
    return found === undefined ? 0 : (JSON.parse(new TextDecoder().decode(found)) as { fence: number }).fence;
  }

  function answer(to: DeviceId, fence: number, run: Run): void {
    tell.delete(run.id);
    if (runMachine.isTerminal(run.state))
      return send(to, { type: 'ended', runId: run.id, fence, end: endOf(run), run });
    tell.set(run.id, { to, fence });
    const [oldest] = tell.keys();
    if (tell.size > TOLD_MAX && oldest !== undefined) tell.delete(oldest);
    send(to, { type: 'started', runId: run.id, fence, run });
  }

  async function takeOffer(from: DeviceId, { runId, fence, request, grant }: Offer): Promise<void> {
    if (voidFence(runId) >= fence) return makeVoid(from, runId, voidFence(runId), 'withdrawn');
    const known = entries.get(runId);
    if (known !== undefined && known.fence >= fence) return send(from, { type: 'waits', runId, fence: known.fence });
    const placeable = asPlaceable(request, runId);
    const wrong = placeable.certificate === undefined ? null : parts.mistrusts(placeable);
    if (wrong !== null) return giveUp({ from, fence, request: placeable }, wrong);
    const refusal = await parts.refuses(placeable, from);
    if (refusal !== null) return makeVoid(from, runId, fence, refusal);
    if (known === undefined && entries.size >= LIMITS.queuedRunsMax) return makeVoid(from, runId, fence, 'queue-full');
    drop(runId);
    const entry: Entry = { from, fence, request: placeable, isReady: false, claim: null, claims: 0 };
    entries.set(runId, entry);
    if (grant !== undefined) return take(entry, grant);
    // A grant is good for seconds: what takes longer comes before it is asked for.
    void ready(entry).catch((error: unknown) => parts.onTrouble('a run of another device', error));
  }

  async function ready(entry: Entry): Promise<void> {
    const { id } = entry.request;
    const failed = await parts.prepare(entry.request).then(
      () => null,
      (error: unknown) => Failure.from(error),
    );
    if (entries.get(id) !== entry) return;
    if (failed !== null) return giveUp(entry, failed);
    entry.isReady = true;
    fill();
  }

  /** Runs that were claimed take a slot, as they are about to start. */
  async function hasRoom(): Promise<boolean> {
    const { capability, runningRuns, queuedRuns } = await parts.state();
    const claimed = [...entries.values()].filter((entry) => entry.claim !== null).length;
    return runningRuns + queuedRuns + claimed < capability.policy.maxConcurrentRuns;
  }

  function claim(entry: Entry): void {
    const runId = entry.request.id;
    const number = Buffer.from(parts.ids.randomBytes(6)).readUIntBE(0, 6);
    const timer = setTimeout(() => void inTurn(runId, () => lapse(entry, number)), CLAIM_MS).unref();
    entry.claim = { number, at: parts.clock(), timer };
    entry.claims += 1;
    send(entry.from, { type: 'claim', runId, fence: entry.fence, claim: number });
  }

  async function lapse(entry: Entry, number: number): Promise<void> {
    if (entries.get(entry.request.id) !== entry || entry.claim?.number !== number) return;
    if (entry.claims < CLAIMS_MAX) return claim(entry);
    // Whoever does not answer loses the place, not the run.
    drop(entry.request.id);
  }

  async function start(entry: Entry, grant: string): Promise<void> {
    const { from, fence, request } = entry;
    const refusal = await parts.refuses(request, from);
    if (refusal !== null) return makeVoid(from, request.id, fence, refusal);
    return take(entry, grant);
  }

  async function take(entry: Entry, grant: string): Promise<void> {
    const { from, fence, request } = entry;
    try {
      const run = await parts.accept(request, grant, from);
      drop(request.id);
      answer(from, fence, run);
      // It may have begun before anybody was to be told.
      const now = await runs.get(run.id);
      if (run.state !== 'running' && now?.state === 'running') answer(from, fence, now);
    } catch (error) {
      await giveUp(entry, Failure.from(error));
    }
  }

  /** It is not in the journal, and will not be: no grant for it is good after this. */
  async function giveUp(
    { from, fence, request: { id } }: Pick<Entry, 'from' | 'fence' | 'request'>,
    { code, message }: Failure,
  ): Promise<void> {
    await noteVoid(id, fence);
    drop(id);
    send(from, { type: 'ended', runId: id, fence, end: 'failed', error: { type: code, message } });
  }

  /** Claims what waits, in the order it came, as far as there is room. One look at a time. */
  function fill(): void {
    isStale = true;
    if (isFilling) return;
    isFilling = true;
    claimAll().catch((error: unknown) => parts.onTrouble('claiming runs', error));
  }

  async function claimAll(): Promise<void> {
    try {
      while (isStale && !isClosed) {
        isStale = false;
        for (const entry of [...entries.values()]) {
          if (entry.claim !== null || !entry.isReady) continue;
          if (!(await hasRoom())) break;
          if (entries.get(entry.request.id) === entry && entry.claim === null && !isClosed) claim(entry);
        }
      }
    } finally {
      isFilling = false;
    }
  }

  async function receive(from: DeviceId, message: ToHost): Promise<void> {
    const { runId, fence } = message;
    const known = await runs.get(runId);
    if (known !== null) {
      answer(from, fence, known);
      if (message.type === 'cancel' && !runMachine.isTerminal(known.state))
        void runs.cancel(runId).catch((error: unknown) => parts.onTrouble('canceling a run', error));
      return;
    }
    const entry = entries.get(runId);
    switch (message.type) {
      case 'offer':
        return takeOffer(from, message);
      case 'grant':
        if (entry?.claim === null || entry?.claim.number !== message.claim || entry.fence !== fence) return;
        if (entry.from !== from || parts.clock() - entry.claim.at >= CLAIM_MS) return;
        return start(entry, message.grant);
      case 'ask':
        if (entry?.fence === fence) return send(from, { type: 'waits', runId, fence });
        return makeVoid(from, runId, fence, 'unknown');
      default:
        if ((entry?.fence ?? 0) <= fence) return makeVoid(from, runId, fence, 'withdrawn');
    }
  }

  const stop = runs.onChange((run) => {
    const isOver = runMachine.isTerminal(run.state);
    if (!isOver && run.state !== 'running') return;
    const who = tell.get(run.id);
    if (who !== undefined) answer(who.to, who.fence, run);
    if (isOver) fill();
  });

  return {
    receive: (from: DeviceId, message: ToHost): Promise<void> => inTurn(message.runId, () => receive(from, message)),

    /** A device is connected again, and may not have heard what was claimed of it. */
    back(device: DeviceId): void {
      for (const [id, { from, claim: unheard }] of entries)
        if (from === device && unheard !== null)
          void inTurn(id, async () => {
            const entry = entries.get(id);
            if (entry?.claim !== unheard || isClosed) return;
            clearTimeout(unheard.timer);
            entry.claims = 0;
            claim(entry);
          });
    },

    /** Resolves once a run that is being taken in is in the journal, or will not be; at once for any other. */
    async arrived(id: RunId): Promise<void> {
      const turn = turns.get(id);
      if (turn === undefined) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const stopListening = runs.onChange((run) => {
        if (run.id === id) resolve();
      });
      await Promise.race([turn, promise]).finally(stopListening);
    },

    /** The owner has other rules now: what waits and is not taken any more is given back. */
    async rulesChanged(): Promise<void> {
      for (const { from, fence, request } of [...entries.values()])
        await inTurn(request.id, async () => {
          const refusal = await parts.refuses(request, from);
          if (refusal !== null && entries.has(request.id)) await makeVoid(from, request.id, fence, refusal);
        });
      fill();
    },

    /** Forgets what was void long enough ago. Call at a start. */
    async tidy(): Promise<void> {
      const gone = [];
      for await (const [key, value] of store.range({ gte: nameKey(VOID), lt: nameKey(`${VOID}~`) })) {
        const { at } = JSON.parse(new TextDecoder().decode(value)) as { at: number };
        if (Math.abs(parts.ids.now() - at) > VOID_KEPT_MS) gone.push({ key, value: null });
      }
      if (gone.length > 0) await store.write(gone, { sync: false });
    },

    close(): void {
      isClosed = true;
      stop();
      for (const id of [...entries.keys()]) drop(id);
    },
  };
}

type Offer = Extract<ToHost, { type: 'offer' }>;

function asPlaceable(request: Offer['request'], runId: RunId): Placeable {
  const { id, projectId, language } = request;
  if (id !== runId || projectId === undefined || language === undefined)
    throw new Failure('bad_request', 'A run is placed elsewhere with its id, its project and its language.');
  return { ...request, id, projectId, language };
}
