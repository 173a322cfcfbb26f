/**
 * The devices of a snapshot in the order in which they suit one run.
 *
 * 1. Best first: devices and cloud runtimes that are up by score, then a fallback, though the session be there, then what
 *    would have to be started, then the refused ones. Equal scores: the device that holds the session, then the one the person sits at, then the smaller id.
 * 2. Its cost grows with the number of devices alone: each is counted into the group of its score, and no two are compared
 *    but by id, once, to see that they are sorted.
 * 3. What is kept of a device is its number in that order. What there is to say of it is made when somebody reads it:
 *    of thousands, a decision and its record read some twenty.
 */
import type { DeviceId } from '@markco/protocol';
import { scoreOf, SCORES, type Components } from './rank.ts';
import { refusalOf, type RefusalRule } from './refuse.ts';
import type { DeviceFacts, PlaceRequest, Snapshot } from './snapshot.ts';

export type RankedDevice = {
  readonly deviceId: DeviceId;
  readonly name: string;
  readonly score: number;
  readonly components: Components;
  readonly refused: RefusalRule | null;
  readonly facts: DeviceFacts;
};

/** Every device of the snapshot, best first. The snapshot must not be changed while it is read. */
export type Ranking = Iterable<RankedDevice> & {
  readonly length: number;
  at(place: number): RankedDevice | undefined;
  /** Its place; -1 for one that is not there. */
  placeOf(deviceId: DeviceId): number;
};

const GROUPS = 4;
const EMPTY: readonly number[] = Array.from({ length: GROUPS * SCORES }, () => 0);

export function rank({ atMs, devices }: Snapshot, request: PlaceRequest): Ranking {
  const sorted = sortedById(devices);
  /** Of each device. */
  const group: number[] = [];
  const sizes = [...EMPTY];
  let [holder, sitsAt] = [-1, -1];
  for (let n = 0; n < sorted.length; n++) {
    const facts = sorted[n] as DeviceFacts;
    const of = groupOf(facts, refusalOf(facts, request, atMs)) * SCORES + scoreOf(facts, request).order;
    group.push(of);
    sizes[of] = (sizes[of] ?? 0) + 1;
    if (facts.deviceId === request.sessionOn) holder = n;
    else if (facts.deviceId === request.from) sitsAt = n;
  }

  /** Of each group, the place of the next device that is put into it. */
  const next: number[] = [0];
  for (let of = 1; of < sizes.length; of++) next.push((next[of - 1] ?? 0) + (sizes[of - 1] ?? 0));
  const order = group.slice();
  const put = (n: number): void => {
    const of = group[n] ?? 0;
    const place = next[of] ?? 0;
    order[place] = n;
    next[of] = place + 1;
  };
  if (holder >= 0) put(holder);
  if (sitsAt >= 0) put(sitsAt);
  for (let n = 0; n < sorted.length; n++) if (n !== holder && n !== sitsAt) put(n);

  const at = (place: number): RankedDevice | undefined => {
    const facts = sorted[order[place] ?? -1];
    if (facts === undefined) return undefined;
    const { score, components } = scoreOf(facts, request);
    const { deviceId, name } = facts;
    return { deviceId, name, score, components, refused: refusalOf(facts, request, atMs), facts };
  };
  return {
    length: order.length,
    at,
    placeOf(deviceId) {
      let [from, to] = [0, sorted.length];
      while (from < to) {
        const middle = (from + to) >> 1;
        if ((sorted[middle]?.deviceId ?? '') < deviceId) from = middle + 1;
        else to = middle;
      }
      return sorted[from]?.deviceId === deviceId ? order.indexOf(from) : -1;
    },
    *[Symbol.iterator]() {
      for (let place = 0; place < order.length; place++) yield at(place) as RankedDevice;
    },
  };
}

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
