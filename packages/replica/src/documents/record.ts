/**
 * The envelope of everything kept of a document. Version 1:
 *
 *   updates  01 suite[1] n × (origin[1] time[6] varBytes(update))            a row `u`, keyed by the last one's position
 *   state    01 suite[1] seq[8] varBytes(summary) state…                     a row `s`
 *
 * `suite` 0 is plain; other numbers are for sealed content and signatures, and an older program refuses them instead
 * of guessing. `time` is Unix milliseconds, big-endian. `state` is a Yjs update (V1) from nothing, so that it can be
 * sent to a client as it is.
 */
import { decodeSummary, encodeSummary, Failure, type Summary } from '@markco/protocol';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';

export const ORIGINS = ['page', 'file', 'run', 'restore', 'import'] as const;
export type Origin = (typeof ORIGINS)[number];

const VERSION = 1;
const PLAIN = 0;
const TIME_BASE = 0x1_0000_0000;

export type UpdateRecord = { readonly origin: Origin; readonly at: number; readonly update: Uint8Array };

/** Updates of one document that came one after the other, as one row. */
export function encodeUpdates(records: readonly UpdateRecord[]): Uint8Array {
  let size = 2;
  for (const { update } of records) size += 7 + varUintBytes(update.length) + update.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes[0] = VERSION;
  bytes[1] = PLAIN;
  let at = 2;
  for (const record of records) {
    bytes[at] = ORIGINS.indexOf(record.origin);
    view.setUint16(at + 1, Math.floor(record.at / TIME_BASE));
    view.setUint32(at + 3, record.at >>> 0);
    at += 7;
    let rest = record.update.length;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
    bytes[at++] = rest;
    bytes.set(record.update, at);
    at += record.update.length;
  }
  return bytes;
}

/** @returns views into `bytes` */
export function decodeUpdates(bytes: Uint8Array): UpdateRecord[] {
  requireKnown(bytes);
  const decoder = decoding.createDecoder(bytes.subarray(2));
  const records: UpdateRecord[] = [];
  try {
    while (decoding.hasContent(decoder)) {
      const origin = ORIGINS[decoding.readUint8(decoder)];
      if (origin === undefined) throw damaged();
      const at =
        decoding.readUint8(decoder) * 0x100 * TIME_BASE +
        decoding.readUint8(decoder) * TIME_BASE +
        decoding.readUint32BigEndian(decoder);
      records.push({ origin, at, update: decoding.readVarUint8Array(decoder) });
    }
  } catch (cause) {
    throw damaged(cause);
  }
  return records;
}

function varUintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

export type StateRecord = { readonly seq: number; readonly summary: Summary; readonly state: Uint8Array };

export function encodeStateRecord({ seq, summary, state }: StateRecord): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeUint8(encoder, VERSION);
  encoding.writeUint8(encoder, PLAIN);
  encoding.writeBigUint64(encoder, BigInt(seq));
  encoding.writeVarUint8Array(encoder, encodeSummary(summary));
  encoding.writeUint8Array(encoder, state);
  return encoding.toUint8Array(encoder);
}

export function decodeStateRecord(bytes: Uint8Array): StateRecord {
  requireKnown(bytes);
  try {
    const decoder = decoding.createDecoder(bytes.subarray(2));
    const seq = Number(decoding.readBigUint64(decoder));
    const summary = decodeSummary(decoding.readVarUint8Array(decoder));
    return { seq, summary, state: decoding.readTailAsUint8Array(decoder) };
  } catch (cause) {
    throw damaged(cause);
  }
}

function requireKnown(bytes: Uint8Array): void {
  if (bytes[0] !== VERSION || bytes[1] !== PLAIN) {
    throw new Failure(
      'unsupported',
      'This document was written by a newer MarkCo. Upgrade this device to open it; nothing was changed.',
    );
  }
}

function damaged(cause?: unknown): Failure {
  return new Failure(
    'storage_failed',
    'A record of this document cannot be read. The document stays closed so that nothing is overwritten.',
    { cause },
  );
}
