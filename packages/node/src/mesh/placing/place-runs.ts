/**
 * Runs that this device places: on another device, or on one that has to come back first. The protocol is that of
 * `@markco/scheduler` (`stepRun`); here are its disk, its clock and its wire.
 *
 * 1. What a step says is on disk before anything is done about it; a run is answered once it is on disk as accepted.
 *    What its host said of its start and end is written and not synced: it says it again to who has lost it.
 * 2. What was placed and may have started is placed nowhere else: while its host is silent it is `unreachable`.
 * 3. A run that no device will ever take is refused at once and leaves nothing behind.
 * 4. Runs of a session start in the order in which they were submitted: one is offered once those before it have started.
 * 5. At most IN_FLIGHT_MAX runs are under way, and a run is offered FENCES_MAX times.
 */
import { Failure, runMachine, type DeviceId, type IdSource, type Run, type RunId, type UserId } from '@markco/protocol';
import {
  CLAIM_MS,
  CLOCK_MARGIN_MS,
  NEW_RUN,
  stepRun,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type DecisionRecord,
} from '@markco/scheduler';
import type { LocalStore } from '@markco/replica/store/store';
import { acceptedRun } from './accepted-run.ts';
import { nowhere, type Decided, type Wanted } from './decide.ts';
import { createPlacedRows, type PlacedRow } from './placed-rows.ts';
import { asStep, type Placeable, type RunError, type ToHost, type ToSubmitter } from './start-messages.ts';
import { AWAY_AFTER_MS, type SessionPlace, type Survey } from './survey.ts';
import { createUntold } from './untold.ts';

const IN_FLIGHT_MAX = 500;
const FENCES_MAX = 50;
/** How soon a run is looked after, and how seldom in the end. */
const CHECK_FIRST_MS = 5_000;
const CHECK_LAST_MS = 60_000;
/** Before a run that was given back is placed again. */
const AGAIN_MS = 500;

export type PlaceRunsParts = {
  readonly self: DeviceId;
  readonly userId: () => UserId;
  readonly ids: IdSource;
  readonly store: LocalStore;
  readonly survey: Survey;
  readonly decide: (id: RunId, wanted: Wanted) => Promise<Decided>;
  /** Where a session runs, this device included. */
  readonly sessionOn: (session: SessionPlace) => DeviceId | null;
  /** Signs the leave to run this, there, under this fence. */
  readonly grant: (request: Placeable, session: SessionPlace, host: DeviceId, fence: number) => string;
  readonly send: (to: DeviceId, message: ToHost) => void;
  /** It is connected and answers nothing: what carries messages to it is made anew. */
  readonly reopen: (device: DeviceId) => void;
  /** Milliseconds, going on while the machine sleeps. */
  readonly clock: () => number;
  readonly onRun: (run: Run) => void;
  /** It may start there from now on: its events can be asked for before it is known that it did. */
  readonly onGranted: (run: Run, host: DeviceId) => void;
  readonly onDecided: (record: DecisionRecord) => void;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

type Placed = {
  row: PlacedRow;
  checkMs: number;
  timer: NodeJS.Timeout | null;
  turn: Promise<unknown>;
  error: RunError | null;
  /** Its host has it: who follows it asks there, also while that is not on disk yet. */
  isHeard: boolean;
  readonly waiters: Set<() => void>;
};

export type PlaceRuns = Awaited<ReturnType<typeof createPlaceRuns>>;

export async function createPlaceRuns(parts: PlaceRunsParts) {
  const { self, survey, clock } = parts;
  const rows = createPlacedRows(parts.store);
  const placed = new Map<RunId, Placed>();
  const untold = createUntold();
  let isClosed = false;

  const track = (row: PlacedRow): Placed => {
    const made: Placed = {
      ...{ row, checkMs: CHECK_FIRST_MS, timer: null, turn: Promise.resolve(), error: null, isHeard: false },
      waiters: new Set(),
    };
    placed.set(row.run.id, made);
    return made;
  };

  function inTurn<T>(run: Placed, work: () => Promise<T>): Promise<T> {
    const mine = run.turn.then(work);
    run.turn = mine.catch((error: unknown) => parts.onTrouble('placing a run', error));
    return mine;
  }

  async function take(run: Placed, event: CoordinatorEvent, learned: Partial<Run> = {}): Promise<void> {
    const before = run.row;
    const { run: state, effects } = stepRun(before.state, event, clock());
    if (before.state.phase === 'ended' && effects.length === 0) return;
    const shown = show({ ...before, state, run: { ...before.run, ...learned } }, run.error);
    run.row = { ...before, state, run: shown };
    const isNews = JSON.stringify([before.state, before.run]) !== JSON.stringify([state, shown]);
    if (isNews && isDurable(before, run.row)) await rows.put(run.row, { sync: !isTold(event) });
    if (isNews && JSON.stringify(before.run) !== JSON.stringify(shown)) parts.onRun(shown);
    if (state.phase !== before.state.phase && event.type !== 'check') run.checkMs = CHECK_FIRST_MS;
    for (const effect of effects) await carryOut(run, effect);
    for (const wake of run.waiters) wake();
    if (run.row.state.phase === 'ended') forget(run);
    else schedule(run, run.checkMs);
    if (run.row.state.isStarted || run.row.state.phase === 'ended') letNextGo(run);
  }

  function heardOf(id: RunId, from: DeviceId): void {
    const run = placed.get(id);
    if (run === undefined || run.row.state.host !== from || run.isHeard) return;
    run.isHeard = true;
    for (const wake of run.waiters) wake();
  }

  /** Whether a run of the same session, for the same device, was submitted before it and has not started. */
  function hasOneBefore(run: Placed): boolean {
    for (const other of placed.values()) {
      if (other === run) return false;
      if (!other.row.state.isStarted && other.row.state.phase !== 'ended' && keyOf(other.row) === keyOf(run.row))
        return true;
    }
    return false;
  }

  function letNextGo({ row }: Placed): void {
    for (const run of placed.values())
      if (keyOf(run.row) === keyOf(row) && run.row.state.phase === 'queued' && !hasOneBefore(run))
        return void inTurn(run, () => placeAgain(run));
  }

  async function carryOut(run: Placed, effect: CoordinatorEffect): Promise<void> {
    const { request, session, state } = run.row;
    const runId = request.id as RunId;
    const placeable = request as Placeable;
    switch (effect.type) {
      case 'place':
        // Given back just now: what its host said of itself is known, and it is not asked in a circle without a pause.
        return void setTimeout(() => void inTurn(run, () => placeAgain(run)), AGAIN_MS).unref();
      case 'offer': {
        const { to, fence, isGranted } = effect;
        survey.sent(to);
        const grant = isGranted ? { grant: parts.grant(placeable, session, to, fence) } : {};
        parts.send(to, { type: 'offer', runId, fence, request: { ...placeable, runOn: to }, ...grant });
        if (isGranted) parts.onGranted(run.row.run, to);
        return;
      }
      case 'send': {
        const { to, message } = effect;
        if (message.type !== 'grant') return parts.send(to, { ...message, runId });
        const grant = parts.grant(placeable, session, to, message.fence);
        return parts.send(to, { ...message, runId, grant });
      }
      case 'distrust':
        parts.reopen(effect.host);
        return survey.distrust(effect.host);
      case 'end':
        if (state.host !== null && state.isStarted) survey.ended(state.host, effect.end === 'lost');
    }
  }

  async function placeAgain(run: Placed): Promise<void> {
    const { state, session, named, needsGpu, until, run: shown } = run.row;
    if (isClosed || (state.phase !== 'queued' && state.phase !== 'waiting')) return;
    if (hasOneBefore(run)) return schedule(run, run.checkMs);
    if (until !== undefined && parts.ids.now() > until) {
      run.error = TOO_LATE;
      return take(run, { type: 'unplaced', waitsFor: null });
    }
    const wanted = { session, named, needsGpu, sessionOn: parts.sessionOn(session) };
    const { placement, record } = await parts.decide(shown.id, wanted);
    if (placement.chosen === null) {
      const { waitsFor, why } = placement;
      if (state.phase === 'waiting' && waitsFor === state.host) return schedule(run, run.checkMs);
      parts.onDecided(record);
      run.error = waitsFor === null ? { type: nowhere(placement).code, message: why } : null;
      return take(run, { type: 'unplaced', waitsFor }, { routedTo: { ...shown.routedTo, why } });
    }
    parts.onDecided(record);
    if (state.fence >= FENCES_MAX) {
      run.error = { type: 'unavailable', message: `${FENCES_MAX} times a device was asked, and none took it.` };
      return take(run, { type: 'unplaced', waitsFor: null });
    }
    const { chosen, reason, why } = placement;
    const routedTo = { hostType: 'device', deviceId: chosen, reason, why } as const;
    await take(run, { type: 'placed', host: chosen, holdsSession: chosen === wanted.sessionOn }, { routedTo });
  }

  /** What a person is shown of it: what its host said last, and whether that is known to be so. */
  function show({ run, state }: PlacedRow, error: RunError | null): Run {
    const { waitsFor: _, unreachable: since, ...plain } = run;
    if (state.phase === 'ended')
      return { ...plain, ...(runMachine.isTerminal(run.state) ? {} : endedHere(state.end, error)) };
    if (state.phase === 'waiting' && state.host !== null) return { ...plain, waitsFor: survey.nameOf(state.host) };
    return state.phase === 'unreachable' ? { ...plain, unreachable: since ?? now() } : plain;
  }

  function endedHere(end: PlacedRow['state']['end'], error: RunError | null): Partial<Run> {
    const why = error ?? (end === 'lost' ? LOST : null);
    return {
      state: end === 'cancelled' ? 'cancelled' : end === 'completed' ? 'completed' : 'failed',
      completedAt: now(),
      ...(why === null || end === 'cancelled' ? {} : { error: why as NonNullable<Run['error']> }),
    };
  }

  const now = (): string => new Date(parts.ids.now()).toISOString();

  function schedule(run: Placed, inMs: number): void {
    if (run.timer !== null) clearTimeout(run.timer);
    run.timer = isClosed ? null : setTimeout(() => void check(run), inMs).unref();
  }

  function check(run: Placed): Promise<void> {
    run.checkMs = Math.min(CHECK_LAST_MS, run.checkMs * 2);
    return inTurn(run, async () => {
      const { phase, host } = run.row.state;
      if (phase === 'ended' || isClosed) return;
      if (phase === 'queued' || phase === 'waiting') return placeAgain(run);
      await take(run, { type: 'check', isHostSilent: host !== null && survey.isAway(host) });
    });
  }

  /** It is over: its row answers for it from now on. */
  function forget(run: Placed): void {
    if (run.timer !== null) clearTimeout(run.timer);
    placed.delete(run.row.run.id);
    untold.note(run.row);
  }

  const of = (host: DeviceId): readonly Placed[] => [...placed.values()].filter(({ row }) => row.state.host === host);

  for (const row of await rows.load(clock() + CLAIM_MS + CLOCK_MARGIN_MS))
    if (row.state.phase === 'ended') untold.note(row);
    else schedule(track(row), CHECK_FIRST_MS);

  return {
    /** On disk when it resolves; a run that no device will take rejects, and is not kept. */
    async submit(request: Placeable, wanted: Wanted, { placement, record }: Decided): Promise<Run> {
      if (placed.size >= IN_FLIGHT_MAX)
        throw new Failure(
          'too_many',
          `${IN_FLIGHT_MAX} runs wait for other devices, the most there may be. Cancel one.`,
        );
      if (placement.chosen === null && placement.waitsFor === null) throw nowhere(placement);
      const host = placement.chosen ?? placement.waitsFor ?? self;
      const reason = placement.chosen === null ? 'availability' : placement.reason;
      const where = { deviceId: host, reason, why: placement.why };
      const run = acceptedRun({ request, wanted, userId: parts.userId(), where, ids: parts.ids });
      const { session, named, needsGpu, until } = wanted;
      const { grant: _, ...own } = request;
      const kept = until === undefined ? { request: own } : { request, until };
      const made = track({ ...kept, session, named, needsGpu, run, state: NEW_RUN });
      parts.onDecided(record);
      const event: CoordinatorEvent =
        placement.chosen === null
          ? { type: 'unplaced', waitsFor: placement.waitsFor }
          : { type: 'placed', host, holdsSession: host === wanted.sessionOn };
      try {
        if (hasOneBefore(made)) await inTurn(made, () => rows.put(made.row, { sync: true }));
        else await inTurn(made, () => take(made, event));
      } catch (error) {
        forget(made);
        throw error;
      }
      parts.onRun(made.row.run);
      return made.row.run;
    },

    /** What is known here of a run that was placed here, and where it is; null for any other. */
    get(id: RunId): { readonly run: Run; readonly host: DeviceId | null; readonly isOver: boolean } | null {
      const known = placed.get(id);
      const row = known?.row ?? rows.get(id);
      if (row === null) return null;
      const { phase, isStarted, host } = row.state;
      // Its end may be all that was ever heard of its start.
      const isThere = isStarted || row.run.ranOn !== undefined || known?.isHeard === true;
      return { run: row.run, host: isThere ? host : null, isOver: phase === 'ended' };
    },

    /** Those that are not over. */
    list: (): readonly Run[] => [...placed.values()].map(({ row }) => row.run),

    /** Resolves once a run has started somewhere, or is over, or at the signal. */
    async begun(id: RunId, signal: AbortSignal): Promise<void> {
      const run = placed.get(id);
      if (run === undefined) return;
      while (!signal.aborted && !run.isHeard && !run.row.state.isStarted && run.row.state.phase !== 'ended')
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            run.waiters.delete(wake);
            signal.removeEventListener('abort', wake);
            resolve();
          };
          run.waiters.add(wake);
          signal.addEventListener('abort', wake);
        });
    },

    /** An event of it has come from a device: it began there, whatever else is on its way. */
    heardOf,

    /** Ends it at once when nothing was granted, else asks its host; resolves with the run as it is then. */
    async cancel(id: RunId): Promise<Run> {
      const run = placed.get(id);
      if (run === undefined) throw new Failure('not_found', 'There is no such run here.');
      await inTurn(run, () => take(run, { type: 'cancel' }));
      return run.row.run;
    },

    async receive(from: DeviceId, message: ToSubmitter): Promise<void> {
      if (message.type !== 'claim' && message.type !== 'ended') survey.answered(from);
      if (message.type === 'void') survey.corrects(from, message.host);
      if (message.type === 'void' || message.type === 'ended') untold.told(message.runId);
      const event = { type: 'message', from, message: asStep(message) } as const;
      // Who follows it need not wait until that is on disk.
      if (message.type === 'started') heardOf(message.runId, from);
      const run = placed.get(message.runId);
      if (run === undefined) {
        const known = stepRun({ ...NEW_RUN, phase: 'ended' }, event, clock());
        for (const effect of known.effects)
          if (effect.type === 'send') parts.send(effect.to, { ...effect.message, runId: message.runId } as ToHost);
        return;
      }
      await inTurn(run, async () => {
        const isCurrent = from === run.row.state.host && message.fence === run.row.state.fence;
        if (message.type === 'ended' && isCurrent) run.error = message.error ?? null;
        const learned = 'run' in message && isCurrent && message.run?.id === message.runId ? message.run : {};
        await take(run, event, keepWhy(run.row.run, learned ?? {}));
      });
    },

    /** A device is connected again: what waits, and what is on it, is looked after. */
    back(device: DeviceId): void {
      for (const { runId, fence } of untold.of(device)) parts.send(device, { type: 'cancel', runId, fence });
      for (const run of placed.values())
        if (run.row.state.host === device || run.row.state.phase === 'waiting') {
          // What went wrong before it was away says nothing of how soon it answers now.
          run.checkMs = CHECK_FIRST_MS;
          void check(run);
        }
    },

    /** A device said how it is: what waits may go there. */
    heard(): void {
      for (const run of placed.values()) if (run.row.state.phase === 'waiting') void check(run);
    },

    /** A device is gone: if it stays away, what is on it is shown so. */
    gone(device: DeviceId): void {
      for (const run of of(device)) schedule(run, AWAY_AFTER_MS + AGAIN_MS);
    },

    async close(): Promise<void> {
      isClosed = true;
      for (const run of placed.values()) {
        if (run.timer !== null) clearTimeout(run.timer);
        for (const wake of run.waiters) wake();
      }
      await Promise.all([...placed.values()].map(({ turn }) => turn));
    },
  };
}

const TOO_LATE = {
  type: 'too_late',
  message: 'Its device was away for too long. Nothing was run. Run the cell again.',
};
const LOST = { type: 'lost', message: 'The device that ran it stopped in the middle. It was not started again.' };

/** The sentence why it runs there is this device's own; the host knows only that it was asked. */
function keepWhy(before: Run, learned: Partial<Run>): Partial<Run> {
  const { routedTo } = before;
  return learned.id === undefined ? learned : { ...learned, routedTo };
}

const keyOf = ({ session, named }: PlacedRow): string => JSON.stringify([session, named]);

function isTold(event: CoordinatorEvent): boolean {
  return event.type === 'message' && (event.message.type === 'started' || event.message.type === 'ended');
}

/** How often nobody answered need not be remembered. */
function isDurable(before: PlacedRow, after: PlacedRow): boolean {
  const { unanswered: _, ...one } = before.state;
  const { unanswered: __, ...two } = after.state;
  return JSON.stringify([one, before.run]) !== JSON.stringify([two, after.run]);
}
