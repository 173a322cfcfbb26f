/**
 * Every moment of a document: the updates that compaction took out of the log, packed, and now and then the whole
 * state, so that no moment is far from one.
 *
 *   row `h` doc seq   01 from[8] deflate( a row `u` )      the updates from..seq
 *   row `k` doc seq   01 deflate( state )                  the state after seq
 */
import { Failure, type DocumentId, type Moment } from '@markco/protocol';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as Y from 'yjs';
import { keyAt, seqOf, seqRange } from '../store/key.ts';
import type { Store, StoreWrite } from '../store/store.ts';
import { applyAll } from './apply.ts';
import { decodeUpdates, encodeUpdates, type UpdateRecord } from './record.ts';
import { readTail } from './tail.ts';

const VERSION = 1;
const HEADER_BYTES = 9;
/** Updates between two whole states: a moment is at most this far from one. */
const KEYFRAME_EVERY = 4_096;
/** Edits by the same hand that are no further apart than this are one moment. */
const MOMENT_GAP_MS = 2 * 60_000;
const MOMENT_LENGTH_MAX_MS = 10 * 60_000;
const MOMENTS_MAX = 1_000;
/** Nothing that was packed here is larger; more is a damaged row. */
const UNPACKED_BYTES_MAX = 256 * 1024 * 1024;

/** The rows that keep the updates `from`..`to` when the log drops them. */
export function packHistory(id: DocumentId, from: number, records: readonly UpdateRecord[]): StoreWrite {
  const packed = deflateRawSync(encodeUpdates(records), { level: 1 });
  const value = new Uint8Array(HEADER_BYTES + packed.length);
  value[0] = VERSION;
  new DataView(value.buffer).setBigUint64(1, BigInt(from));
  value.set(packed, HEADER_BYTES);
  return { key: keyAt('h', id, from + records.length - 1), value };
}

export function needsKeyframe(lastKeyframe: number, seq: number): boolean {
  return seq - lastKeyframe >= KEYFRAME_EVERY;
}

export function packKeyframe(id: DocumentId, seq: number, state: Uint8Array): StoreWrite {
  const packed = deflateRawSync(state, { level: 1 });
  const value = new Uint8Array(1 + packed.length);
  value[0] = VERSION;
  value.set(packed, 1);
  return { key: keyAt('k', id, seq), value };
}

export async function lastKeyframe(store: Store, id: DocumentId): Promise<number> {
  for await (const [key] of store.range({ ...seqRange('k', id), reverse: true, limit: 1 })) return seqOf(key);
  return 0;
}

/**
 * The document as it was after its first `seq` updates. `tail`: the updates not yet packed, the first of them being
 * number `tailFrom`.
 */
export async function docAt(
  store: Store,
  id: DocumentId,
  seq: number,
  tailFrom: number,
  tail: readonly Uint8Array[],
): Promise<Y.Doc> {
  const doc = new Y.Doc({ guid: id });
  const updates: Uint8Array[] = [];
  let at = 0;
  for await (const [key, value] of store.range({ ...seqRange('k', id, 0, seq), reverse: true, limit: 1 })) {
    at = seqOf(key);
    updates.push(unpack(value.subarray(1), value[0]));
  }
  if (at < seq) {
    for await (const [, value] of store.range(seqRange('h', id, at + 1))) {
      const segment = openSegment(value);
      if (segment.from > seq) break;
      let number = segment.from;
      for (const record of segment.records()) {
        if (number > seq) break;
        if (number > at) updates.push(record.update);
        number++;
      }
      at = Math.min(seq, number - 1);
      if (at >= seq) break;
    }
  }
  for (let number = Math.max(at + 1, tailFrom); number <= seq; number++) {
    const update = tail[number - tailFrom];
    if (update === undefined) throw new Failure('not_found', `This document has no moment ${seq}.`);
    updates.push(update);
    at = number;
  }
  if (at < seq) throw new Failure('not_found', `This document has no moment ${seq}.`);
  applyAll(doc, updates);
  return doc;
}

/** When update `seq` was made, in Unix milliseconds; undefined before the first. */
export async function timeOf(store: Store, id: DocumentId, seq: number): Promise<number | undefined> {
  for await (const [, value] of store.range({ ...seqRange('h', id, seq), limit: 1 })) {
    const segment = openSegment(value);
    return segment.records()[seq - segment.from]?.at;
  }
  return (await readTail(store, id, seq, seq))[0]?.at;
}

/** The moments of a document, oldest first; at most the last 1,000. */
export async function moments(store: Store, id: DocumentId): Promise<Moment[]> {
  const found: { seq: number; began: number; at: number; edits: number; by: Moment['by'] }[] = [];
  const add = (seq: number, { at, origin }: UpdateRecord): void => {
    const last = found.at(-1);
    if (
      last !== undefined &&
      last.by === origin &&
      at - last.at <= MOMENT_GAP_MS &&
      at - last.began <= MOMENT_LENGTH_MAX_MS
    ) {
      last.seq = seq;
      last.at = at;
      last.edits++;
      return;
    }
    found.push({ seq, began: at, at, edits: 1, by: origin });
    if (found.length > MOMENTS_MAX) found.shift();
  };
  let next = 1;
  for await (const [, value] of store.range(seqRange('h', id))) {
    const segment = openSegment(value);
    next = segment.from;
    for (const record of segment.records()) add(next++, record);
  }
  for (const entry of await readTail(store, id, next)) add(entry.seq, entry);
  return found.map(({ seq, at, edits, by }) => ({ seq, at: new Date(at).toISOString(), edits, by }));
}

function openSegment(value: Uint8Array): { from: number; records(): UpdateRecord[] } {
  if (value[0] !== VERSION)
    throw new Failure('unsupported', 'This history was written by a newer MarkCo. Upgrade this device to read it.');
  const view = new DataView(value.buffer, value.byteOffset, HEADER_BYTES);
  return {
    from: Number(view.getBigUint64(1)),
    records: () => decodeUpdates(unpack(value.subarray(HEADER_BYTES), VERSION)),
  };
}

function unpack(packed: Uint8Array, version: number | undefined): Uint8Array {
  if (version !== VERSION)
    throw new Failure('unsupported', 'This history was written by a newer MarkCo. Upgrade this device to read it.');
  return new Uint8Array(inflateRawSync(packed, { maxOutputLength: UNPACKED_BYTES_MAX }));
}
