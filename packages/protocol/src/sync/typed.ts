/**
 * The one form that nearly every update has, read straight from its bytes: a piece of ASCII text by one client, and
 * nothing deleted. It says the same as Yjs's own reader, for a fifth of the time and without its objects.
 *
 *   01 01 varUint(client) varUint(clock) info[1] id?(origin) id?(right origin) parent? varBytes(text) 00
 */
import * as decoding from 'lib0/decoding';

export type Id = { readonly client: number; readonly clock: number };

export type Typed = Id & {
  readonly length: number;
  readonly origin: Id | undefined;
  readonly rightOrigin: Id | undefined;
  /** Of text inside another type; that of the document itself has a name instead. */
  readonly parent: Id | undefined;
};

const CONTENT_STRING = 4;
const CONTENT_BITS = 0x1f;
const HAS_ORIGIN = 0x80;
const HAS_RIGHT_ORIGIN = 0x40;
const HAS_KEY = 0x20;

/** Undefined for any other form, also a damaged one. */
export function readTyped(update: Uint8Array): Typed | undefined {
  if (update[0] !== 1 || update[1] !== 1) return undefined;
  try {
    return read(update);
  } catch {
    return undefined;
  }
}

function read(update: Uint8Array): Typed | undefined {
  const decoder = decoding.createDecoder(update);
  decoder.pos = 2;
  const client = decoding.readVarUint(decoder);
  const clock = decoding.readVarUint(decoder);
  const info = decoding.readUint8(decoder);
  if ((info & CONTENT_BITS) !== CONTENT_STRING || (info & HAS_KEY) !== 0) return undefined;
  const origin = (info & HAS_ORIGIN) === 0 ? undefined : readId(decoder);
  const rightOrigin = (info & HAS_RIGHT_ORIGIN) === 0 ? undefined : readId(decoder);
  let parent: Id | undefined;
  if (origin === undefined && rightOrigin === undefined) {
    if (decoding.readVarUint(decoder) === 1) skipText(decoder);
    else parent = readId(decoder);
  }
  const length = skipText(decoder);
  if (length <= 0 || update[decoder.pos] !== 0 || decoder.pos + 1 !== update.length) return undefined;
  return { client, clock, length, origin, rightOrigin, parent };
}

function readId(decoder: decoding.Decoder): Id {
  return { client: decoding.readVarUint(decoder), clock: decoding.readVarUint(decoder) };
}

/** @returns its length, or -1 when it is not plain ASCII, whose letters are one byte each */
function skipText(decoder: decoding.Decoder): number {
  const length = decoding.readVarUint(decoder);
  const end = decoder.pos + length;
  for (; decoder.pos < end; decoder.pos++) if ((decoder.arr[decoder.pos] ?? 0xff) >= 0x80) return -1;
  return length;
}
