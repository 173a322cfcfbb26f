/**
 * Puts what other processes wrote into a room: before its own updates that are not stored yet, because the order of the
 * log is that in which the store took them.
 */
import { absorb, decodeSummary, encodeFrame, encodeSummary, Failure, inspectUpdate } from '@markco/protocol';
import { outFrame, updateFrame } from '../documents/out-frame.ts';
import type { StateRecord } from '../documents/record.ts';
import type { Room } from '../documents/room.ts';
import type { TailEntry } from '../documents/tail.ts';

/** The next updates of the log. Throws when they do not belong to what is here. */
export function insert(room: Room, entries: readonly TailEntry[]): void {
  const [first] = entries;
  if (first === undefined) return;
  const at = room.placedSeq - room.baseSeq;
  const updates: Uint8Array[] = [];
  for (const { update } of entries) {
    const kept = update.slice();
    absorbKnown(room, kept);
    updates.push(kept);
    room.tailBytes += kept.length;
  }
  // Copying a long list for each letter of another process would cost more than all the rest.
  if (at === room.tail.length) for (const update of updates) room.tail.push(update);
  else room.tail = [...room.tail.slice(0, at), ...updates, ...room.tail.slice(at)];
  room.placed(
    entries.map(({ seq }, index) => updateFrame(updates[index] ?? new Uint8Array(), seq)),
    entries.length,
    first.origin,
  );
}

/** A state that has more of the log than is here. How many positions it is ahead. */
export function leap(room: Room, { seq, state, summary }: StateRecord): number {
  const moved = seq - room.placedSeq;
  const waiting = room.tail.slice(room.placedSeq - room.baseSeq);
  const base = state.slice();
  room.base = base;
  room.baseSeq = seq;
  room.tail = waiting;
  room.tailBytes = waiting.reduce((sum, update) => sum + update.length, 0);
  room.summary = decodeSummary(encodeSummary(summary));
  for (const update of waiting) absorbKnown(room, update);
  room.placed([outFrame(encodeFrame({ type: 'update', update: base }), seq)], moved, 'page');
  return moved;
}

function absorbKnown(room: Room, update: Uint8Array): void {
  const found = inspectUpdate(room.summary, update);
  if (found.kind === 'fresh') absorb(room.summary, found);
  else if (found.kind !== 'known')
    throw new Failure('storage_failed', 'What another process wrote does not belong to what is here. Try again.', {
      retryable: true,
    });
}
