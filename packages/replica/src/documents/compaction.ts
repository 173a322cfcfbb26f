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
import { readTail } from './tail.ts';
import type { Views } from './views.ts';

const TAIL_MIN = 500;
/** While it is being edited; opening it costs some milliseconds more then. */
const TAIL_BUSY_MIN = 4_096;
const TAIL_MAX = 16_384;

/** Enough updates that opening the document without them is quicker. */
export function worthCompacting(room: Room): boolean {
  return room.tail.length >= TAIL_MIN;
}

/** Rare enough, while it is being edited, that compacting costs a small part of taking the updates in. */
export function shouldCompact(room: Room): boolean {
  const { length } = room.tail;
  return length >= TAIL_MAX || (length >= TAIL_BUSY_MIN && room.tailBytes >= (room.base?.length ?? 0));
}

export async function compact(
  room: Room,
  { store, log, views }: { store: Store; log: Log; views: Views },
): Promise<void> {
  await adoptStored(room, store);
  if (room.tail.length === 0) return;
  const from = room.baseSeq + 1;
  const to = room.seq;
  const state = Y.encodeStateAsUpdate(views.of(room));
  const summary = summarize(state);
  await room.written();
  const keyframe = await lastKeyframe(store, room.id);
  const records = await readTail(store, room.id, from, to);
  if (records.length !== to - from + 1)
    throw new Error(`the log of ${room.id} has ${records.length} updates where ${to - from + 1} were expected`);
  const batch: StoreWrite[] = [
    { key: keyOf('s', room.id), value: encodeStateRecord({ seq: to, summary, state }) },
    packHistory(room.id, from, records),
  ];
  // A row that goes on past `to` stays; what of it is compacted is passed over when it is read.
  for await (const [key] of store.range(seqRange('u', room.id, 0, to))) batch.push({ key, value: null });
  if (needsKeyframe(keyframe, to)) batch.push(packKeyframe(room.id, to, state));
  await log.write(batch);
  room.rebase(to, state);
}

/** A disk may have taken a compaction that it said had failed. The log begins after it then. */
async function adoptStored(room: Room, store: Store): Promise<void> {
  const row = await store.read(keyOf('s', room.id));
  if (row === undefined) return;
  const { seq, state } = decodeStateRecord(row);
  if (seq > room.baseSeq) room.rebase(seq, state.slice());
}
