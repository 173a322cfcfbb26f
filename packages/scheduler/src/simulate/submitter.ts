/**
 * A device that people sit at: it places the runs they start, coordinates each (`coordinator.ts`) and keeps their order.
 * Three queues, all of them `queue.ts`: runs that wait for their session, runs that wait for a device, and the host's own.
 */
import type { DeviceId, RunId, SessionId } from '@markco/protocol';
import type { Placement } from '../place.ts';
import { emptyQueue, positionOf, stepQueue, type HostQueue, type Priority, type QueueEffect } from '../queue.ts';
import type { PlaceRequest, Snapshot } from '../snapshot.ts';
import {
  NEW_RUN,
  stepRun,
  type CoordinatedRun,
  type CoordinatorEffect,
  type CoordinatorEvent,
} from '../start/coordinator.ts';
import type { Sabotage } from './executor.ts';
import type { RunEnd, Send, ToCoordinator, ToExecutor } from '../start/start-protocol.ts';
import type { Heartbeat, View } from './view.ts';

export type Submission = {
  readonly runId: RunId;
  readonly sessionId: SessionId;
  /** Whether further runs of its session will come. */
  readonly keepsSession: boolean;
  readonly priority: Priority;
  readonly request: Omit<PlaceRequest, 'sessionOn'>;
};

export type SubmitterParts = {
  readonly self: DeviceId;
  /** Its own clock. */
  readonly now: () => number;
  readonly send: Send<ToExecutor>;
  readonly view: View;
  readonly decide: (snapshot: Snapshot, request: PlaceRequest) => Placement;
  /** Calls `check` in so long. */
  readonly later: (runId: RunId, delayMs: number) => void;
  readonly onDecided: (request: PlaceRequest, placement: Placement) => void;
  readonly onEnded: (runId: RunId, end: RunEnd) => void;
  readonly sabotage: Sabotage | null;
};

type Tracked = { readonly submission: Submission; state: CoordinatedRun; checkMs: number };

/** Runs of one submitter that have not ended. */
const IN_FLIGHT_MAX = 500;
/** How soon a run is looked after, and how seldom in the end. */
const CHECK_FIRST_MS = 5_000;
export const CHECK_LAST_MS = 60_000;

export type Submitter = ReturnType<typeof createSubmitter>;

export function createSubmitter(parts: SubmitterParts) {
  const { view } = parts;
  const runs = new Map<RunId, Tracked>();
  const sessions = new Map<SessionId, DeviceId>();
  /** Runs of kept sessions: the next one of a session is placed when the one before has ended. */
  let outbox = emptyQueue({ online: true, slots: IN_FLIGHT_MAX });
  /** Runs that wait for a device, by device: a queue of a host that is not there. */
  const held = new Map<DeviceId, HostQueue>();

  function take(run: Tracked, event: CoordinatorEvent): void {
    const before = run.state;
    const { run: state, effects } = stepRun(before, event, parts.now());
    run.state = state;
    if (before.phase === 'waiting' && state.phase !== 'waiting' && before.host !== null) leaveHeld(run, before.host);
    if (state.phase !== before.phase && event.type !== 'check') run.checkMs = CHECK_FIRST_MS;
    for (const effect of effects) carryOut(run, effect);
  }

  function carryOut(run: Tracked, effect: CoordinatorEffect): void {
    const { runId, sessionId, priority } = run.submission;
    switch (effect.type) {
      case 'place':
        return placeRun(run);
      case 'offer': {
        const { to, fence, isGranted } = effect;
        const request = { ...run.submission.request, sessionOn: sessions.get(sessionId) ?? null };
        return parts.send(to, { type: 'offer', runId, fence, isGranted, sessionId, priority, request });
      }
      case 'send':
        return parts.send(effect.to, { ...effect.message, runId });
      case 'distrust':
        return view.distrust(effect.host, parts.now());
      case 'end':
        return finish(run, effect.end);
    }
  }

  function placeRun(run: Tracked): void {
    const { sessionId, request: wish } = run.submission;
    const request = { ...wish, sessionOn: sessions.get(sessionId) ?? null };
    const placement = parts.decide(view.snapshot(parts.now()), request);
    parts.onDecided(request, placement);
    if (placement.chosen !== null) {
      view.sent(placement.chosen);
      return take(run, {
        type: 'placed',
        host: placement.chosen,
        holdsSession: placement.chosen === request.sessionOn,
      });
    }
    const { waitsFor } = placement;
    take(run, { type: 'unplaced', waitsFor: waitsFor !== null && hold(run, waitsFor) ? waitsFor : null });
  }

  /** Puts a run into the queue of a device that is away. Whether there was room. */
  function hold({ submission, state }: Tracked, host: DeviceId): boolean {
    if (state.phase === 'waiting' && state.host !== null && state.host !== host) leaveHeld({ submission }, state.host);
    const queue = held.get(host) ?? emptyQueue({ online: false, slots: IN_FLIGHT_MAX });
    const { queue: after, effects } = stepQueue(queue, { type: 'submit', ...submission });
    held.set(host, after);
    return !effects.some((effect) => effect.type === 'refused' && effect.rule === 'full');
  }

  function leaveHeld({ submission: { runId } }: Pick<Tracked, 'submission'>, host: DeviceId): void {
    const queue = held.get(host);
    if (queue === undefined) return;
    const after = stepQueue(queue, { type: 'cancel', runId }).queue;
    if (after.waiting.length === 0) held.delete(host);
    else held.set(host, after);
  }

  function placeNext(effects: readonly QueueEffect[]): void {
    for (const effect of effects) {
      if (effect.type !== 'start') continue;
      const run = runs.get(effect.runId);
      if (run === undefined) continue;
      placeRun(run);
      if (run.state.phase !== 'ended') parts.later(effect.runId, CHECK_FIRST_MS);
    }
  }

  function finish({ submission, state }: Tracked, end: RunEnd): void {
    const { runId, sessionId, keepsSession } = submission;
    if (state.host !== null && state.isStarted) view.went(state.host, end === 'lost');
    if (end === 'lost' || !keepsSession) sessions.delete(sessionId);
    runs.delete(runId);
    parts.onEnded(runId, end);
    if (!keepsSession) return;
    const waited = positionOf(outbox, runId) !== null;
    const step = stepQueue(outbox, { type: waited ? 'cancel' : 'ended', runId });
    outbox = step.queue;
    placeNext(step.effects);
  }

  return {
    submit(submission: Submission): void {
      const { runId, sessionId, priority, keepsSession } = submission;
      if (runs.has(runId)) return;
      if (runs.size >= IN_FLIGHT_MAX) return parts.onEnded(runId, 'failed');
      const step = keepsSession ? stepQueue(outbox, { type: 'submit', runId, sessionId, priority }) : null;
      if (step?.effects.some(({ type }) => type === 'refused') === true) return parts.onEnded(runId, 'failed');
      runs.set(runId, { submission, state: NEW_RUN, checkMs: CHECK_FIRST_MS });
      if (step === null) return placeNext([{ type: 'start', runId }]);
      outbox = step.queue;
      placeNext(step.effects);
    },

    cancel(runId: RunId): void {
      const run = runs.get(runId);
      if (run !== undefined) take(run, { type: 'cancel' });
    },

    receive(from: DeviceId, message: ToCoordinator): void {
      const run = runs.get(message.runId);
      if (message.type !== 'claim' && message.type !== 'ended') view.answered(from, parts.now());
      if (message.type === 'void') view.corrects(from, message.host);
      const event = { type: 'message', from, message } as const;
      if (run === undefined) return forgotten(event);
      if (message.type === 'started' && run.state.host === from && run.state.fence === message.fence)
        sessions.set(run.submission.sessionId, from);
      take(run, event);
    },

    check(runId: RunId): void {
      const run = runs.get(runId);
      if (run === undefined) return;
      const { host, phase } = run.state;
      const isHostSilent = host !== null && view.isSilent(host, parts.now());
      if (parts.sabotage === 'silence-proves' && isHostSilent && phase === 'granted')
        run.state = { ...run.state, phase: 'offered', startsUntilMs: null };
      take(run, { type: 'check', isHostSilent });
      run.checkMs = Math.min(CHECK_LAST_MS, run.checkMs * 2);
      if (run.state.phase !== 'ended') parts.later(runId, run.checkMs);
    },

    hears(from: DeviceId, heartbeat: Heartbeat): void {
      const wasAway = view.hears(from, heartbeat, parts.now());
      const queue = held.get(from);
      if (!wasAway || queue === undefined || !heartbeat.capability.online) return;
      held.delete(from);
      for (const effect of stepQueue(queue, { type: 'host', online: true, slots: IN_FLIGHT_MAX }).effects) {
        const run = effect.type === 'start' ? runs.get(effect.runId) : undefined;
        if (run !== undefined) take(run, { type: 'check', isHostSilent: false });
      }
    },

    runs: (): ReadonlyMap<RunId, Tracked> => runs,

    /** What a person is shown of a run that has not ended; null would be silence. */
    shown(runId: RunId): string | null {
      const run = runs.get(runId);
      if (run === undefined) return null;
      const { phase, host } = run.state;
      if (phase === 'queued') {
        const position = positionOf(outbox, runId);
        return position === null ? null : `waits for its session, ${position} before it`;
      }
      if (host === null) return null;
      if (phase === 'unreachable') return `${host} does not answer`;
      if (phase !== 'waiting') return view.isSilent(host, parts.now()) ? null : `${phase} on ${host}`;
      const queue = held.get(host);
      return queue === undefined || positionOf(queue, runId) === null ? null : `waits for ${host}`;
    },
  };

  /** It has ended here, and whoever asks for a grant is told so. */
  function forgotten(event: Extract<CoordinatorEvent, { type: 'message' }>): void {
    const { runId } = event.message;
    for (const effect of stepRun({ ...NEW_RUN, phase: 'ended' }, event, parts.now()).effects)
      if (effect.type === 'send') parts.send(effect.to, { ...effect.message, runId });
  }
}
