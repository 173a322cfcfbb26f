/**
 * What a device told together with edits that are to be told by others (`authors.ts`).
 *
 * Two devices whose writers answered each other's words both tell all of it, and each is believed of its own half
 * alone. Neither half can be put in place without the other, so each is kept until they make a whole together.
 */
import { encodeStateVector, LIMITS } from '@markco/protocol';
import * as Y from 'yjs';
import type { Seat } from './seat.ts';

/** Of those, the ids whose edits may not be taken from whoever has this seat. */
export type NotOf = (seat: Seat, clients: readonly number[]) => readonly number[];

/** Without the edits of these clients; undefined when nothing is left but deletions, which come again with the rest. */
export function without(update: Uint8Array, clients: readonly number[]): Uint8Array | undefined {
  const { to } = Y.parseUpdateMeta(update);
  if (clients.every((client) => !to.has(client))) return update;
  const passedOver = new Map(clients.map((client) => [client, to.get(client) ?? 0]));
  return to.size > passedOver.size ? Y.diffUpdate(update, encodeStateVector(passedOver)) : undefined;
}

/**
 * What may be tried to be put in place now: what this one told itself, then everything that is kept, as one.
 * Of more than is taken at once the parts are tried alone.
 */
export function* attempts(seats: Iterable<Seat>, seat: Seat, notOf: NotOf): Generator<Uint8Array> {
  if (seat.part === undefined) return;
  yield seat.part;
  const parts: Uint8Array[] = [];
  for (const each of seats) {
    if (each.part === undefined) continue;
    // Somebody may have begun to write since.
    each.part = without(each.part, notOf(each, [...Y.parseUpdateMeta(each.part).to.keys()]));
    if (each.part !== undefined) parts.push(each.part);
  }
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  if (parts.length > 1 && bytes <= LIMITS.bulkUpdateBytesMax) yield Y.mergeUpdates(parts);
}
