/**
 * The envelope of everything kept of a document. Version 1:
 *
 *   update   01 suite[1] origin[1] time[6] update…                          a row `u`
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
const HEADER_BYTES = 9;

export type UpdateRecord = { readonly origin: Origin; readonly at: number; readonly update: Uint8Array };

export function encodeUpdateRecord({ origin, at, update }: UpdateRecord): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + update.length);
  bytes[0] = VERSION;
  bytes[1] = PLAIN;
  bytes[2] = ORIGINS.indexOf(origin);
  const view = new DataView(bytes.buffer);
  view.setUint16(3, Math.floor(at / 0x1_0000_0000));
  view.setUint32(5, at >>> 0);
  bytes.set(update, HEADER_BYTES);
  return bytes;
}

export function decodeUpdateRecord(bytes: Uint8Array): UpdateRecord {
  requireKnown(bytes);
  const origin = ORIGINS[bytes[2] ?? ORIGINS.length];
  if (bytes.length < HEADER_BYTES || origin === undefined) throw damaged();
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  return { origin, at: view.getUint16(3) * 0x1_0000_0000 + view.getUint32(5), update: bytes.subarray(HEADER_BYTES) };
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
    throw new Failure('unsupported', 'This document was written by a newer MarkCo. Upgrade this device to open it; nothing was changed.');
  }
}

function damaged(cause?: unknown): Failure {
  return new Failure('storage_failed', 'A record of this document cannot be read. The document stays closed so that nothing is overwritten.', { cause });
}
