/**
 * Many documents on one socket: the binary frames of `WS /api/stream`.
 *
 *   message  := entry*                         one message may carry many entries
 *   entry    := varUint(channel) varBytes(payload)
 *   channel 0, to the device:   00 varUint(n) n × (varUint(channel) id[16] digest[8])    open
 *                               01 varUint(n) n × varUint(channel)                       close
 *   channel 0, to the client:   00 varUint(n) n × varUint(channel)                       equal: all of it is on disk
 *                               01 varUint(channel) varString(code) varString(message)   failed; the channel is closed
 *   channel k:                  one y-protocols message of the document opened as k
 *
 * The client picks the channel numbers, from 1. A document whose digests differ is answered on its channel: the
 * device's step1, and, to a client that has nothing, its step2 at once.
 */
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { formatUuid, parseUuid, type DocumentId } from '../id.ts';
import { DIGEST_BYTES } from './summary.ts';

export type Entry = { readonly channel: number; readonly payload: Uint8Array };

export const CONTROL_CHANNEL = 0;

export type Opening = { readonly channel: number; readonly documentId: DocumentId; readonly digest: Uint8Array };

export type ToDevice =
  | { readonly type: 'open'; readonly openings: readonly Opening[] }
  | { readonly type: 'close'; readonly channels: readonly number[] }
  | { readonly type: 'unknown' };

export type ToClient =
  | { readonly type: 'equal'; readonly channels: readonly number[] }
  | { readonly type: 'failed'; readonly channel: number; readonly code: string; readonly message: string }
  | { readonly type: 'unknown' };

/** Throws on bytes that end too early, and on more entries than `most`. The entries are views into `message`. */
export function decodeEntries(message: Uint8Array, most = Number.POSITIVE_INFINITY): Entry[] {
  const decoder = decoding.createDecoder(message);
  const entries: Entry[] = [];
  while (decoding.hasContent(decoder)) {
    const channel = decoding.readVarUint(decoder);
    if (entries.length >= most) throw new RangeError(`more than ${most} entries in one message`);
    entries.push({ channel, payload: decoding.readVarUint8Array(decoder) });
  }
  return entries;
}

export function encodeEntries(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const encoder = encoding.createEncoder();
  for (const { channel, payload } of entries) {
    encoding.writeVarUint(encoder, channel);
    encoding.writeVarUint8Array(encoder, payload);
  }
  return new Uint8Array(encoding.toUint8Array(encoder));
}

export function encodeToDevice(message: Exclude<ToDevice, { type: 'unknown' }>): Uint8Array {
  const encoder = encoding.createEncoder();
  if (message.type === 'open') {
    encoding.writeUint8(encoder, 0);
    encoding.writeVarUint(encoder, message.openings.length);
    for (const { channel, documentId, digest } of message.openings) {
      encoding.writeVarUint(encoder, channel);
      encoding.writeUint8Array(encoder, parseUuid(documentId));
      encoding.writeUint8Array(encoder, digest);
    }
  } else {
    encoding.writeUint8(encoder, 1);
    writeChannels(encoder, message.channels);
  }
  return encoding.toUint8Array(encoder);
}

export function decodeToDevice(payload: Uint8Array): ToDevice {
  const decoder = decoding.createDecoder(payload);
  switch (decoding.readVarUint(decoder)) {
    case 0: {
      const openings: Opening[] = [];
      const count = decoding.readVarUint(decoder);
      for (let i = 0; i < count; i++) {
        const channel = decoding.readVarUint(decoder);
        const documentId = formatUuid(decoding.readUint8Array(decoder, 16)) as DocumentId;
        openings.push({ channel, documentId, digest: decoding.readUint8Array(decoder, DIGEST_BYTES) });
      }
      return { type: 'open', openings };
    }
    case 1:
      return { type: 'close', channels: readChannels(decoder) };
    default:
      return { type: 'unknown' };
  }
}

export function encodeToClient(message: Exclude<ToClient, { type: 'unknown' }>): Uint8Array {
  const encoder = encoding.createEncoder();
  if (message.type === 'equal') {
    encoding.writeUint8(encoder, 0);
    writeChannels(encoder, message.channels);
  } else {
    encoding.writeUint8(encoder, 1);
    encoding.writeVarUint(encoder, message.channel);
    encoding.writeVarString(encoder, message.code);
    encoding.writeVarString(encoder, message.message);
  }
  return encoding.toUint8Array(encoder);
}

export function decodeToClient(payload: Uint8Array): ToClient {
  const decoder = decoding.createDecoder(payload);
  switch (decoding.readVarUint(decoder)) {
    case 0:
      return { type: 'equal', channels: readChannels(decoder) };
    case 1:
      return {
        type: 'failed',
        channel: decoding.readVarUint(decoder),
        code: decoding.readVarString(decoder),
        message: decoding.readVarString(decoder),
      };
    default:
      return { type: 'unknown' };
  }
}

function writeChannels(encoder: encoding.Encoder, channels: readonly number[]): void {
  encoding.writeVarUint(encoder, channels.length);
  for (const channel of channels) encoding.writeVarUint(encoder, channel);
}

function readChannels(decoder: decoding.Decoder): number[] {
  const channels: number[] = [];
  const count = decoding.readVarUint(decoder);
  for (let i = 0; i < count; i++) channels.push(decoding.readVarUint(decoder));
  return channels;
}
