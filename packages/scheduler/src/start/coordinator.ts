/**
 * One run as its coordinator keeps it: where it is offered, whether it may have started, how it ended. Pure; what it
 * returns is on disk before any of its effects is carried out.
 *
 * 1. A run goes to another host only while it was never granted, or when the host says `void`. Silence after a grant
 *    proves nothing: the run is `unreachable` until its host answers or it is canceled for good.
 * 2. A cancel is final at once while nothing was granted, and otherwise once no grant can start it any more. Only a run
 *    that is known to have started, or that its session's host was given, waits for its host's word.
 * 3. It ends once. What a host says of its end afterwards is not applied.
 */
import type { DeviceId } from '@markco/protocol';
import { CLAIM_MS, CLOCK_MARGIN_MS, type Offer, type RunEnd, type ToCoordinator, type Word } from './start-protocol.ts';

export type RunPhase = 'queued' | 'waiting' | 'offered' | 'granted' | 'running' | 'unreachable' | 'ended';

export type CoordinatedRun = {
  readonly phase: RunPhase;
  /** Where it is offered or runs; while it waits, the device it waits for. */
  readonly host: DeviceId | null;
  readonly fence: number;
  /** Until when it may start, by the clock of its coordinator: null while never granted, Infinity on its session's host. */
  readonly startsUntilMs: number | null;
  readonly isStarted: boolean;
  readonly isCancelAsked: boolean;
  /** Questions to its host, since it last counted as gone, that were not answered yet. */
  readonly unanswered: number;
  readonly end: RunEnd | null;
};

export const NEW_RUN: CoordinatedRun = {
  phase: 'queued',
  host: null,
  fence: 0,
  startsUntilMs: null,
  isStarted: false,
  isCancelAsked: false,
  unanswered: 0,
  end: null,
};

export type CoordinatorEvent =
  | { readonly type: 'placed'; readonly host: DeviceId; readonly holdsSession: boolean }
  | { readonly type: 'unplaced'; readonly waitsFor: DeviceId | null }
  | { readonly type: 'cancel' }
  /** It is time to look after it. */
  | { readonly type: 'check'; readonly isHostSilent: boolean }
  | { readonly type: 'message'; readonly from: DeviceId; readonly message: ToCoordinator };

export type CoordinatorEffect =
  | { readonly type: 'place' }
  /** The offer itself, whose contents do not concern the protocol. */
  | ({ readonly type: 'offer'; readonly to: DeviceId } & Pick<Offer, 'fence' | 'isGranted'>)
  | { readonly type: 'send'; readonly to: DeviceId; readonly message: Word }
  /** The host hears us no more, though we may hear it. */
  | { readonly type: 'distrust'; readonly host: DeviceId }
  | { readonly type: 'end'; readonly end: RunEnd };

export type CoordinatorStep = { readonly run: CoordinatedRun; readonly effects: readonly CoordinatorEffect[] };

/** Questions in a row that nobody answers, and the host counts as gone. */
const UNANSWERED_MAX = 3;

export function stepRun(run: CoordinatedRun, event: CoordinatorEvent, nowMs: number): CoordinatorStep {
  if (run.phase === 'ended') return afterTheEnd(run, event);
  switch (event.type) {
    case 'placed':
      return placed(run, event.host, event.holdsSession);
    case 'unplaced':
      return event.waitsFor === null
        ? end(run, 'failed')
        : { run: { ...run, phase: 'waiting', host: event.waitsFor }, effects: [] };
    case 'cancel':
      return run.startsUntilMs === null ? withdrawAndEnd(run) : cancelGranted(run, run.phase, nowMs);
    case 'check':
      return check(run, event.isHostSilent, nowMs);
    case 'message':
      return isCurrent(run, event.from, event.message.fence)
        ? hear(run, event.message, nowMs)
        : refuseClaim(run, event.from, event.message);
  }
}

function isCurrent(run: CoordinatedRun, from: DeviceId, fence: number): boolean {
  return run.phase !== 'queued' && run.phase !== 'waiting' && from === run.host && fence === run.fence;
}

function placed(run: CoordinatedRun, host: DeviceId, holdsSession: boolean): CoordinatorStep {
  const fence = run.fence + 1;
  const [phase, startsUntilMs] = holdsSession ? (['granted', Infinity] as const) : (['offered', null] as const);
  return {
    run: { ...run, phase, host, fence, startsUntilMs, unanswered: 0 },
    effects: [{ type: 'offer', to: host, fence, isGranted: holdsSession }],
  };
}

function hear(heard: CoordinatedRun, message: ToCoordinator, nowMs: number): CoordinatorStep {
  const run: CoordinatedRun = {
    ...heard,
    unanswered: 0,
    phase: heard.phase !== 'unreachable' ? heard.phase : heard.isStarted ? 'running' : 'granted',
  };
  switch (message.type) {
    case 'waits':
      return { run, effects: [] };
    case 'claim':
      return run.isStarted || run.isCancelAsked
        ? refuseClaim(run, run.host, message)
        : grant(run, message.claim, nowMs);
    case 'started':
      return { run: { ...run, phase: 'running', isStarted: true }, effects: [] };
    case 'void':
      if (run.isStarted) return { run, effects: [] };
      return run.isCancelAsked ? end(run, 'cancelled') : placeAgain(run);
    case 'ended':
      return end(run, message.end);
  }
}

function grant(run: CoordinatedRun, claim: number, nowMs: number): CoordinatorStep {
  const { fence, host } = run;
  const startsUntilMs = Math.max(run.startsUntilMs ?? -Infinity, nowMs + CLAIM_MS + CLOCK_MARGIN_MS);
  return {
    run: { ...run, phase: 'granted', startsUntilMs },
    effects: host === null ? [] : [{ type: 'send', to: host, message: { type: 'grant', fence, claim } as const }],
  };
}

function check(run: CoordinatedRun, isHostSilent: boolean, nowMs: number): CoordinatorStep {
  const { phase, host, fence } = run;
  if (phase === 'queued' || phase === 'waiting' || host === null) return { run, effects: [{ type: 'place' }] };
  const isGone = isHostSilent || run.unanswered >= UNANSWERED_MAX;
  const effects: CoordinatorEffect[] = isGone && !isHostSilent ? [{ type: 'distrust', host }] : [];
  if (phase === 'offered' && isGone) {
    const next = placeAgain(run);
    return { run: next.run, effects: [...effects, ...next.effects] };
  }
  // Counted anew once it counts as gone: of a host that is back, or is asked by a way made anew, nothing is known yet.
  const asked = { ...run, unanswered: isGone ? 0 : run.unanswered + 1 };
  if (phase === 'offered') return { run: asked, effects: [{ type: 'offer', to: host, fence, isGranted: false }] };
  const phaseNow = isGone ? 'unreachable' : phase;
  if (run.isCancelAsked) return cancelGranted(asked, phaseNow, nowMs);
  // An offer that was lost is not repeated to the session's host: it says `void`, and the run is placed anew.
  const message = { type: 'ask', fence } as const;
  return {
    run: { ...asked, phase: phaseNow },
    effects: [...effects, { type: 'send', to: host, message }],
  };
}

function cancelGranted(run: CoordinatedRun, phase: RunPhase, nowMs: number): CoordinatorStep {
  const { host, fence } = run;
  const effects: CoordinatorEffect[] =
    host === null ? [] : [{ type: 'send', to: host, message: { type: 'cancel', fence } as const }];
  if (run.isStarted || nowMs <= (run.startsUntilMs ?? Infinity))
    return { run: { ...run, phase, isCancelAsked: true }, effects };
  const last = end(run, 'cancelled');
  return { run: last.run, effects: [...effects, ...last.effects] };
}

function placeAgain(run: CoordinatedRun): CoordinatorStep {
  return { run: { ...run, phase: 'queued', host: null, startsUntilMs: null }, effects: [{ type: 'place' }] };
}

function withdrawAndEnd(run: CoordinatedRun): CoordinatorStep {
  const last = end(run, 'cancelled');
  if (run.phase !== 'offered' || run.host === null) return last;
  const message = { type: 'withdraw', fence: run.fence } as const;
  return { run: last.run, effects: [{ type: 'send', to: run.host, message }, ...last.effects] };
}

function end(run: CoordinatedRun, how: RunEnd): CoordinatorStep {
  return { run: { ...run, phase: 'ended', end: how }, effects: [{ type: 'end', end: how }] };
}

function refuseClaim(run: CoordinatedRun, from: DeviceId | null, { type, fence }: ToCoordinator): CoordinatorStep {
  if (from === null || (type !== 'claim' && type !== 'waits')) return { run, effects: [] };
  return { run, effects: [{ type: 'send', to: from, message: { type: 'withdraw', fence } as const }] };
}

function afterTheEnd(run: CoordinatedRun, event: CoordinatorEvent): CoordinatorStep {
  return event.type === 'message' ? refuseClaim(run, event.from, event.message) : { run, effects: [] };
}
