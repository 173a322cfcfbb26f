/**
 * Tells who asks by which address it is seen (STUN, RFC 8489: binding requests over UDP and nothing else), so that two
 * devices behind routers can find a direct way. A relay answers at the UDP port with the number of its TCP port.
 *
 * Anybody may ask: an answer is no longer than the question that a client sends, plus the address, and few are given to
 * one address in a second, so that nobody can be flooded with them.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import type { Host } from './host.ts';
import { isLoopback, kindOf } from '@markco/client/mesh/path';

const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const XOR_MAPPED_ADDRESS = 0x0020;
const MAGIC_COOKIE = 0x2112a442;
const HEADER_BYTES = 20;
/** Larger is no binding request of anybody's. */
const REQUEST_BYTES_MAX = 548;
/** Questions of one address in a second; further ones get no answer. */
export const PER_SECOND_MAX = 20;
/** Addresses counted in a second; further ones get no answer until it is over. */
const ADDRESSES_MAX = 1_000;

/** Null for what is no binding request. */
export function answerStun(request: Uint8Array, from: Pick<RemoteInfo, 'address' | 'port' | 'family'>): Buffer | null {
  if (request.length < HEADER_BYTES || request.length > REQUEST_BYTES_MAX) return null;
  const view = new DataView(request.buffer, request.byteOffset, request.length);
  const isRequest = view.getUint16(0) === BINDING_REQUEST && view.getUint32(4) === MAGIC_COOKIE;
  if (!isRequest || view.getUint16(2) !== request.length - HEADER_BYTES) return null;
  const address = bytesOf(from.address);
  if (address === null) return null;
  const answer = Buffer.alloc(HEADER_BYTES + 8 + address.length);
  answer.writeUInt16BE(BINDING_SUCCESS, 0);
  answer.writeUInt16BE(answer.length - HEADER_BYTES, 2);
  // The cookie and what the asker named its question.
  answer.set(request.subarray(4, HEADER_BYTES), 4);
  answer.writeUInt16BE(XOR_MAPPED_ADDRESS, 20);
  answer.writeUInt16BE(4 + address.length, 22);
  answer.writeUInt8(address.length === 4 ? 1 : 2, 25);
  answer.writeUInt16BE(from.port ^ (MAGIC_COOKIE >>> 16), 26);
  for (const [at, byte] of address.entries()) answer.writeUInt8(byte ^ (request[4 + at] ?? 0), 28 + at);
  return answer;
}

/** Null where the port is taken: then devices find each other through the relay alone. */
export async function serveStun(
  host: Pick<Host, 'addresses'>,
  onTrouble: (doing: string, cause: unknown) => void,
): Promise<{ readonly port: number; close(): void } | null> {
  const port = portOf(host.addresses());
  if (port === undefined) return null;
  const socket = createSocket('udp4');
  const asked = new Map<string, number>();
  const timer = setInterval(() => asked.clear(), 1_000).unref();
  socket.on('message', (request, from) => {
    const count = (asked.get(from.address) ?? 0) + 1;
    if (count > PER_SECOND_MAX || (count === 1 && asked.size >= ADDRESSES_MAX)) return;
    asked.set(from.address, count);
    const answer = answerStun(request, from);
    if (answer !== null) socket.send(answer, from.port, from.address, () => undefined);
  });
  const close = (): void => {
    clearInterval(timer);
    socket.close();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, resolve);
    });
    socket.on('error', (error) => onTrouble('answering by which address others are seen', error));
    return { port, close };
  } catch (error) {
    close();
    onTrouble('listening for who asks by which address it is seen', error);
    return null;
  }
}

const portOf = (addresses: readonly string[]): number | undefined => {
  const listening = addresses.filter((address) => kindOf(address) === 'tcp');
  const port = /\/tcp\/(\d+)/.exec(listening.find((address) => !isLoopback(address)) ?? listening[0] ?? '')?.[1];
  return port === undefined ? undefined : Number(port);
};

function bytesOf(address: string): readonly number[] | null {
  const bytes = address.split('.').map(Number);
  return bytes.length === 4 && bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256) ? bytes : null;
}
