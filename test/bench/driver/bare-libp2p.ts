/**
 * libp2p and nothing else, between two processes: what a mesh on it can be at best. As a program it is the side that
 * answers; its address goes to its parent.
 */
import { once } from 'node:events';
import type { Stream } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { bytesBetween, type Bytes } from '../servers/wire-bytes.ts';
import { delay } from '../wait.ts';

const ECHO = '/bench/echo/1.0.0';
const BULK = '/bench/bulk/1.0.0';
const PIECE_BYTES = 64 * 1024;
const SETTLED_MS = 500;
const NEVER_MS = 2 ** 31 - 1;

const bare = (listen: string[]) =>
  createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    // It asks nobody on its own whether they are there; MarkCo does not either.
    streamMuxers: [yamux({ enableKeepAlive: false })],
    connectionGater: { denyDialMultiaddr: () => false },
  });

async function dial(address: string, protocol: string): Promise<{ readonly stream: Stream; close(): Promise<void> }> {
  const node = await bare([]);
  const stream = await node.dialProtocol(multiaddr(address), protocol);
  stream.inactivityTimeout = NEVER_MS;
  return { stream, close: async () => node.stop() };
}

export type Echo = {
  /** Milliseconds for a message and its answer. */
  roundTrip(): Promise<number>;
  close(): Promise<void>;
};

/** @param bytes of a message */
export async function openEcho(address: string, bytes: number): Promise<Echo> {
  const { stream, close } = await dial(address, ECHO);
  const message = new Uint8Array(bytes);
  let answered = Promise.withResolvers<void>();
  let due = 0;
  stream.addEventListener('message', ({ data }) => {
    due -= data.byteLength;
    if (due === 0) answered.resolve();
  });
  return {
    async roundTrip() {
      answered = Promise.withResolvers();
      due = bytes;
      const began = performance.now();
      stream.send(message);
      await answered.promise;
      return performance.now() - began;
    },
    close,
  };
}

/** Bytes of two that connect and say nothing, from who dials. */
export async function bareMeeting({
  address,
  pid,
}: {
  readonly address: string;
  readonly pid: number;
}): Promise<Bytes> {
  const node = await bare([]);
  await node.dial(multiaddr(address));
  await delay(SETTLED_MS);
  const bytes = bytesBetween(process.pid, [pid]);
  await node.stop();
  return bytes;
}

/** Seconds for so many bytes on one stream. */
export async function bareBulk({
  address,
  bytes,
}: {
  readonly address: string;
  readonly bytes: number;
}): Promise<number> {
  const { stream, close } = await dial(address, BULK);
  const done = Promise.withResolvers<void>();
  let due = bytes;
  stream.addEventListener('message', ({ data }) => {
    due -= data.byteLength;
    if (due <= 0) done.resolve();
  });
  const began = performance.now();
  stream.send(new TextEncoder().encode(String(bytes).padEnd(16)));
  await done.promise;
  const seconds = (performance.now() - began) / 1_000;
  await close();
  return seconds;
}

async function answer(): Promise<void> {
  const node = await bare(['/ip4/127.0.0.1/tcp/0']);
  await node.handle(ECHO, (stream) => {
    stream.inactivityTimeout = NEVER_MS;
    stream.addEventListener('message', ({ data }) => void stream.send(data));
  });
  await node.handle(BULK, (stream) => {
    stream.inactivityTimeout = NEVER_MS;
    stream.addEventListener('message', ({ data }) => {
      void fill(stream, Number(new TextDecoder().decode(data.subarray())));
    });
  });
  process.on('disconnect', () => process.exit());
  process.send?.(String(node.getMultiaddrs()[0]));
}

async function fill(stream: Stream, bytes: number): Promise<void> {
  const piece = new Uint8Array(PIECE_BYTES);
  for (let sent = 0; sent < bytes; sent += piece.length)
    // `onDrain()` resolves at once after the first time.
    if (!stream.send(piece)) await once(stream, 'drain');
}

if (process.argv[1] === import.meta.filename) await answer();
