/**
 * With whom of those it is connected to a device keeps the record equal: with all it would hear every change from each
 * of them, twenty devices four hundred times.
 *
 * 1. Of three that are all connected to each other, the two whose pair weighs most do not speak to each other of it:
 *    they hear it through the third. What a pair weighs is drawn from both ids, so that all agree on it.
 * 2. Whatever is connected stays so: the pairs that weigh least and still connect all (a minimum spanning tree) have no
 *    such third. That takes no view of the whole, only who is connected to whom around each device, as each says itself.
 * 3. A third counts only where it, and the device on the other side, say that they are connected.
 *
 * Of twenty devices each speaks to about four, of a hundred to about nine, and two or three steps reach all.
 */
import type { DeviceId } from '@markco/protocol';
import { createHash } from 'node:crypto';

/** Pairs of which it is remembered what they weigh; of more it is worked out again. */
const PAIRS_MAX = 20_000;
const weights = new Map<string, string>();

function weightOf(a: DeviceId, b: DeviceId): string {
  const pair = a < b ? `${a} ${b}` : `${b} ${a}`;
  const known = weights.get(pair);
  if (known !== undefined) return known;
  if (weights.size >= PAIRS_MAX) weights.clear();
  // No two weigh the same.
  const weight = `${createHash('sha256').update(pair).digest('hex')} ${pair}`;
  weights.set(pair, weight);
  return weight;
}

/**
 * Whether `self` and `peer`, who are connected, tell each other of the record themselves. The same for both.
 * @param linksOf whom a device says that it is connected to; undefined where it has not said so
 */
export function areNeighbors(
  self: DeviceId,
  peer: DeviceId,
  linksOf: (device: DeviceId) => ReadonlySet<DeviceId> | undefined,
): boolean {
  const theirs = linksOf(peer);
  const weight = weightOf(self, peer);
  for (const third of linksOf(self) ?? []) {
    if (theirs?.has(third) !== true) continue;
    const its = linksOf(third);
    if (its?.has(self) !== true || !its.has(peer)) continue;
    if (weightOf(self, third) < weight && weightOf(third, peer) < weight) return false;
  }
  return true;
}
