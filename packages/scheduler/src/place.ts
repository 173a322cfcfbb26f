/**
 * Ranks the devices for one run and chooses (domain model §6).
 *
 * 1. The same snapshot and request give the same answer on every device, in whatever order the devices are listed.
 * 2. Best first: devices and cloud runtimes that are up by score, then a fallback, though the session be there, then what
 *    would have to be started, then the refused ones. Equal scores: the device that holds the session, then the one the person sits at, then the smaller id.
 * 3. A refused device is never chosen. Where each is refused and one of them only for the moment, the run waits for the
 *    best of those.
 * 4. Its cost grows with the number of devices alone: each is put into the bucket of its score, and no two are compared
 *    but by id, once, to see that they are sorted.
 */
import type { DeviceId, RouteReason } from '@markco/protocol';
import { scoreOf, SCORES, type Components } from './rank.ts';
import { PASSING, refusalOf, type RefusalRule } from './refuse.ts';
import { whyChosen, whyNot, type Choice } from './sentence.ts';
import type { DeviceFacts, PlaceRequest, Snapshot } from './snapshot.ts';

export type RankedDevice = {
  readonly deviceId: DeviceId;
  readonly name: string;
  readonly score: number;
  readonly components: Components;
  readonly refused: RefusalRule | null;
  readonly facts: DeviceFacts;
};

export type Placement = {
  /** Every device of the snapshot, best first. */
  readonly ranked: readonly RankedDevice[];
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
  const best = runOn === null ? ranked[0] : ranked.find((device) => device.deviceId === runOn);
  if (best === undefined) return { chosen: null, waitsFor: null, ranked, why: whyNot([], request, null) };
  if (best.refused !== null) {
    const asked = runOn === null ? ranked : [best];
    const waitsFor = asked.find(({ refused }) => refused !== null && PASSING.has(refused)) ?? null;
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

function rank({ atMs, devices }: Snapshot, request: PlaceRequest): RankedDevice[] {
  const buckets: (RankedDevice[] | undefined)[] = Array.from({ length: GROUPS * SCORES });
  for (const facts of sortedById(devices)) {
    const { score, components, order } = scoreOf(facts, request);
    const refused = refusalOf(facts, request, atMs);
    const { deviceId, name } = facts;
    const at = groupOf(facts, refused) * SCORES + order;
    const device = { deviceId, name, score, components, refused, facts };
    const bucket = (buckets[at] ??= []);
    if (deviceId === request.sessionOn) bucket.unshift(device);
    else if (deviceId === request.from) bucket.splice(bucket[0]?.deviceId === request.sessionOn ? 1 : 0, 0, device);
    else bucket.push(device);
  }
  const ranked: RankedDevice[] = [];
  for (const bucket of buckets) for (const device of bucket ?? NONE) ranked.push(device);
  return ranked;
}

const NONE: readonly RankedDevice[] = [];
const GROUPS = 4;

function groupOf({ host }: DeviceFacts, refused: RefusalRule | null): number {
  return refused !== null ? 3 : host === 'cold-cloud' ? 2 : host === 'fallback' ? 1 : 0;
}

/** Whoever keeps its devices sorted, as a list that grows by UUIDv7 is, pays for no sorting. */
function sortedById(devices: readonly DeviceFacts[]): readonly DeviceFacts[] {
  let before = '';
  for (const { deviceId } of devices) {
    if (before > deviceId) return devices.toSorted((a, b) => (a.deviceId < b.deviceId ? -1 : 1));
    before = deviceId;
  }
  return devices;
}

function nameOf(ranked: readonly RankedDevice[], id: DeviceId): string {
  return ranked.find((device) => device.deviceId === id)?.name ?? 'a device that is gone';
}
