/**
 * The messages of one document, as y-protocols writes them (sync 0, awareness 1, auth 2, query awareness 3), so that
 * a stock `y-websocket` provider is a full client.
 *
 * Two messages are ours. "saved": how many of the sender's updates are on this device's disk. "held", between devices:
 * what has come to this device's disk from others. They are auth messages with numbers of their own, because that is
 * the one place where a stock client passes over what it does not know without a word. Bytes: 02 4D varUint(count),
 * 02 4E varBytes(summary).
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';

const SYNC = 0;
const AWARENESS = 1;
const AUTH = 2;
const QUERY_AWARENESS = 3;

const STEP_1 = 0;
const STEP_2 = 1;
const UPDATE = 2;

const DENIED = 0;
const SAVED = 0x4d;
const HELD = 0x4e;

export type Frame =
  /** "This is what I have; send what I lack." */
  | { readonly type: 'step1'; readonly stateVector: Uint8Array }
  /** The answer: everything that was lacking. */
  | { readonly type: 'step2'; readonly update: Uint8Array }
  | { readonly type: 'update'; readonly update: Uint8Array }
  | { readonly type: 'awareness'; readonly update: Uint8Array }
  | { readonly type: 'query-awareness' }
  | { readonly type: 'denied'; readonly reason: string }
  /** `count`: step2 and update messages of this connection and document that are on the device's disk, since it was opened. */
  | { readonly type: 'saved'; readonly count: number }
  /** `summary`: as `encodeSummary` writes it. */
  | { readonly type: 'held'; readonly summary: Uint8Array }
  /** A message of a later version: passed over. */
  | { readonly type: 'unknown' };

/** Throws on bytes that end too early; the caller refuses the connection then. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const decoder = decoding.createDecoder(bytes);
  switch (decoding.readVarUint(decoder)) {
    case SYNC:
      switch (decoding.readVarUint(decoder)) {
        case STEP_1:
          return { type: 'step1', stateVector: decoding.readVarUint8Array(decoder) };
        case STEP_2:
          return { type: 'step2', update: decoding.readVarUint8Array(decoder) };
        case UPDATE:
          return { type: 'update', update: decoding.readVarUint8Array(decoder) };
        default:
          return { type: 'unknown' };
      }
    case AWARENESS:
      return { type: 'awareness', update: decoding.readVarUint8Array(decoder) };
    case AUTH:
      switch (decoding.readVarUint(decoder)) {
        case DENIED:
          return { type: 'denied', reason: decoding.readVarString(decoder) };
        case SAVED:
          return { type: 'saved', count: decoding.readVarUint(decoder) };
        case HELD:
          return { type: 'held', summary: decoding.readVarUint8Array(decoder) };
        default:
          return { type: 'unknown' };
      }
    case QUERY_AWARENESS:
      return { type: 'query-awareness' };
    default:
      return { type: 'unknown' };
  }
}

export function encodeFrame(frame: Exclude<Frame, { type: 'unknown' }>): Uint8Array {
  const encoder = encoding.createEncoder();
  switch (frame.type) {
    case 'step1':
      encoding.writeUint8(encoder, SYNC);
      encoding.writeUint8(encoder, STEP_1);
      encoding.writeVarUint8Array(encoder, frame.stateVector);
      break;
    case 'step2':
    case 'update':
      encoding.writeUint8(encoder, SYNC);
      encoding.writeUint8(encoder, frame.type === 'step2' ? STEP_2 : UPDATE);
      encoding.writeVarUint8Array(encoder, frame.update);
      break;
    case 'awareness':
      encoding.writeUint8(encoder, AWARENESS);
      encoding.writeVarUint8Array(encoder, frame.update);
      break;
    case 'query-awareness':
      encoding.writeUint8(encoder, QUERY_AWARENESS);
      break;
    case 'denied':
      encoding.writeUint8(encoder, AUTH);
      encoding.writeUint8(encoder, DENIED);
      encoding.writeVarString(encoder, frame.reason);
      break;
    case 'saved':
      encoding.writeUint8(encoder, AUTH);
      encoding.writeUint8(encoder, SAVED);
      encoding.writeVarUint(encoder, frame.count);
      break;
    case 'held':
      encoding.writeUint8(encoder, AUTH);
      encoding.writeUint8(encoder, HELD);
      encoding.writeVarUint8Array(encoder, frame.summary);
      break;
  }
  return encoding.toUint8Array(encoder);
}
