/** Large and small messages to and from a peer that has libp2p's own Noise. */
import { createHash, randomBytes } from 'node:crypto';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import { expect, test } from 'vitest';
import { thriftyYamux } from './muxer.ts';
import { quickNoise } from './noise.ts';

const ECHO = '/markco/test/1.0.0';
const sha = (chunks: readonly Uint8Array[]): string => {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
};

test.each([1, 1_199, 1_200, 65_519, 3_000_000])(
  'a peer with the Noise and yamux of libp2p understands %d bytes, and is understood',
  async (size) => {
    const make = (own: boolean) =>
      createLibp2p({
        addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
        transports: [tcp()],
        connectionEncrypters: [own ? quickNoise() : noise()],
        streamMuxers: [own ? thriftyYamux() : yamux()],
        connectionGater: { denyDialMultiaddr: () => false },
      });
    const [a, b] = [await make(true), await make(false)];
    await b.handle(ECHO, (stream) => {
      stream.addEventListener('message', ({ data }) => void stream.send(data));
    });
    const stream = await a.dialProtocol(b.getMultiaddrs()[0] ?? [], ECHO);
    const sent = randomBytes(size);
    const back: Uint8Array[] = [];
    const all = Promise.withResolvers<void>();
    stream.addEventListener('message', ({ data }) => {
      back.push(data.subarray());
      if (back.reduce((sum, { length }) => sum + length, 0) >= size) all.resolve();
    });
    stream.send(sent);
    await all.promise;
    expect(sha(back)).toBe(sha([sent]));
    await Promise.all([a.stop(), b.stop()]);
  },
);
