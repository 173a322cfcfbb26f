/**
 * Placements to compare with: by lot, and on the host with the least to do. Both know who refuses a run and heed a
 * person's choice; what they do not have is the score.
 */
import { place, type Placement } from '../place.ts';
import type { Ranking } from '../ranking.ts';
import { refusalOf } from '../refuse.ts';
import type { DeviceFacts, PlaceRequest, Snapshot } from '../snapshot.ts';
import type { Chance } from './chance.ts';
import type { Policy } from './scenario.ts';

/** They rank nobody. */
const NOBODY: Ranking = { length: 0, at: () => undefined, placeOf: () => -1, [Symbol.iterator]: () => [].values() };

export function decideBy(policy: Policy, chance: Chance): (snapshot: Snapshot, request: PlaceRequest) => Placement {
  if (policy === 'scheduler') return place;
  return (snapshot, request) => {
    const candidates = snapshot.devices.filter((device) => refusalOf(device, request, snapshot.atMs) === null);
    const [first, ...others] = candidates;
    if (first === undefined || request.runOn !== null) return place(snapshot, request);
    const device = policy === 'random' ? chance.pick([first, ...others]) : others.reduce(lessLoaded, first);
    const newSession = request.sessionOn !== null && request.sessionOn !== device.deviceId;
    return { chosen: device.deviceId, reason: 'availability', newSession, ranked: NOBODY, why: policy };
  };
}

function lessLoaded(best: DeviceFacts, device: DeviceFacts): DeviceFacts {
  return loadOf(device) < loadOf(best) ? device : best;
}

/** Runs for each that fits at once. */
function loadOf({ runningRuns, queuedRuns, capability }: DeviceFacts): number {
  return (runningRuns + queuedRuns) / capability.policy.maxConcurrentRuns;
}
