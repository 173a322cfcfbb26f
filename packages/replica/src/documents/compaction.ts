/**
 * Putting a document's many updates into one state.
 *
 * The new state, the packed updates and their removal from the log are one batch, synced: the state is durable
 * before what it covers is dropped, and history loses nothing.
 */
import { summarize } from '@markco/protocol';
import * as Y from 'yjs';
import { keyOf, seqRange } from '../store/key.ts';
import type { Store, StoreWrite } from '../store/store.ts';
import { lastKeyframe, needsKeyframe, packHistory, packKeyframe } from './history.ts';
import type { Log } from './log.ts';
import { decodeStateRecord, encodeStateRecord } from './record.ts';
import type { Room } from './room.ts';
import { stateOf } from './state.ts';
import { readUpdates } from './tail.ts';
import type { Views } from './views.ts';

const TAIL_MIN = 500;
/** So few are left to whoever opens it next. */
export const EVICTED_WITH = 50;
/** While it is being edited; opening it costs some milliseconds more then. */
const TAIL_BUSY_MIN = 4_096;
const TAIL_MAX = 16_384;

/** Enough updates that opening the document without them is quicker. */
export function worthCompacting(room: Room): boolean {
  return room.tail.length >= TAIL_MIN * patience(room);
}

/** What another process writes is compacted there. It may have ended, though. */
const patience = ({ isWrittenHere }: Room): number => (isWrittenHere ? 1 : 2);

/** Rare enough, while it is being edited, that compacting costs a small part of taking the updates in. */
export function shouldCompact(room: Room): boolean {
  const { length } = room.tail;
  return length >= TAIL_MAX || (length >= TAIL_BUSY_MIN * patience(room) && room.tailBytes >= (room.base?.length ?? 0));
}

export async function compact(
  room: Room,
  { store, log, views }: { store: Store; log: Log; views: Views },
): Promise<void> {
  const before = room.baseSeq;
  if ((await adoptStored(room, store)) || (room.baseSeq > before && !room.isWrittenHere)) return;
  const from = room.baseSeq + 1;
  const to = room.placedSeq;
  if (to < from) return;
  const placed = room.tail.slice(0, to - room.baseSeq);
  const state = to === room.seq ? Y.encodeStateAsUpdate(views.of(room)) : stateOf(room.base, placed);
  if (state === undefined) return;
  const summary = summarize(state);
  await room.written();
  const keyframe = await lastKeyframe(store, room.id);
  const records = await readUpdates(store, room.id, from, to);
  if (records.length !== to - from + 1) {
    // Another process was quicker; what it made is taken over the next time.
    if ((await storedSeq(room, store)) >= from) return;
    throw new Error(`the log of ${room.id} has ${records.length} updates where ${to - from + 1} were expected`);
  }
  const batch: StoreWrite[] = [
    { key: keyOf('s', room.id), value: encodeStateRecord({ seq: to, summary, state }) },
    packHistory(room.id, from, records),
  ];
  // A row that goes on past `to` stays; what of it is compacted is passed over when it is read.
  for await (const [key] of store.range(seqRange('u', room.id, 0, to))) batch.push({ key, value: null });
  if (needsKeyframe(keyframe, to)) batch.push(packKeyframe(room.id, to, state));
  const guard = { key: keyOf('s', room.id), was: from - 1, next: to };
  // Another process may have done it meanwhile.
  if (await log.writeIf({ guard, batch })) room.rebase(to, state);
}

async function storedSeq({ id }: Room, store: Store): Promise<number> {
  const row = await store.read(keyOf('s', id));
  return row === undefined ? 0 : decodeStateRecord(row).seq;
}

/**
 * Another process may have compacted it, or a disk taken a compaction that it said had failed: the log begins after it
 * then. Whether it is further than what is known here.
 */
async function adoptStored(room: Room, store: Store): Promise<boolean> {
  const row = await store.read(keyOf('s', room.id));
  if (row === undefined) return false;
  const { seq, state } = decodeStateRecord(row);
  if (seq <= room.baseSeq) return false;
  // What came before that is still to be read here.
  if (seq > room.placedSeq) return true;
  room.rebase(seq, state.slice());
  return false;
}
