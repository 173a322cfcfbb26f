/**
 * Ranks the devices for one run and chooses (domain model §6).
 *
 * 1. The same snapshot and request give the same answer on every device, in whatever order the devices are listed.
 * 2. A refused device is never chosen. Where each is refused and one of them only for the moment, the run waits for the
 *    best of those.
 */
import type { DeviceId, RouteReason } from '@markco/protocol';
import { rank, type RankedDevice, type Ranking } from './ranking.ts';
import { PASSING } from './refuse.ts';
import { whyChosen, whyNot, type Choice } from './sentence.ts';
import type { PlaceRequest, Snapshot } from './snapshot.ts';

export type Placement = {
  /** Every device of the snapshot, best first. */
  readonly ranked: Ranking;
  /** One or two sentences for people. */
  readonly why: string;
} & (
  | {
      readonly chosen: DeviceId;
      readonly reason: RouteReason;
      /** Whether the run had a session elsewhere, whose variables it will not see. */
      readonly newSession: boolean;
    }
  | {
      readonly chosen: null;
      /** The device whose return would let it run; null when none would. */
      readonly waitsFor: DeviceId | null;
    }
);

export function place(snapshot: Snapshot, request: PlaceRequest): Placement {
  const ranked = rank(snapshot, request);
  const { runOn, sessionOn } = request;
  const best = ranked.at(runOn === null ? 0 : ranked.placeOf(runOn));
  if (best === undefined) return { chosen: null, waitsFor: null, ranked, why: whyNot([], request, null) };
  if (best.refused !== null) {
    const asked = runOn === null ? ranked : [best];
    const waitsFor = firstThatPasses(asked);
    return { chosen: null, waitsFor: waitsFor?.deviceId ?? null, ranked, why: whyNot(asked, request, waitsFor) };
  }
  const choice: Choice = {
    device: best,
    reason: reasonFor(best, request),
    byHand: runOn !== null,
    leftSession: sessionOn === null || sessionOn === best.deviceId ? null : nameOf(ranked, sessionOn),
  };
  const newSession = choice.leftSession !== null;
  return { chosen: best.deviceId, reason: choice.reason, newSession, ranked, why: whyChosen(choice) };
}

function reasonFor({ components, facts }: RankedDevice, { needsGpu, runOn }: PlaceRequest): RouteReason {
  if (facts.host === 'fallback' && runOn === null) return 'fallback';
  if (components.session > 0) return 'session-affinity';
  if (runOn !== null) return 'availability';
  if (facts.host === 'cold-cloud') return 'fallback';
  return needsGpu === false ? 'availability' : 'gpu-required';
}

/** It would take the run but for the moment. */
function firstThatPasses(ranked: Iterable<RankedDevice>): RankedDevice | null {
  for (const device of ranked) if (device.refused !== null && PASSING.has(device.refused)) return device;
  return null;
}

const nameOf = (ranked: Ranking, id: DeviceId): string =>
  ranked.at(ranked.placeOf(id))?.name ?? 'a device that is gone';
