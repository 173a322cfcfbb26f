/**
 * For tests: a relay that passes on to whomever it likes, whoever was asked for, and keeps and changes what it passes on.
 * To who asks it for a device it says that it is connected (the answer of circuit relay v2), and connects it with a
 * TCP port of its own choice.
 */
import { createConnection } from 'node:net';
import type { Stream } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';

const HOP = '/libp2p/circuit/relay/0.2.0/hop';
/** A message of its length before it: of type STATUS, which is OK. */
const CONNECTED = Uint8Array.of(4, 0x08, 2, 0x28, 100);
const MANY = 1_000;

export type HostileRelay = AsyncDisposable & {
  readonly address: string;
  /** All that it passed on, in both directions. */
  passedOn(): Buffer;
  /** Connections that it was asked for. */
  asked(): number;
  /** What it makes of what comes from who asked it. */
  change: (bytes: Buffer) => Buffer;
};

/** @param port where it connects everybody to, on this machine */
export async function hostileRelay(port: () => number): Promise<HostileRelay> {
  const chunks: Buffer[] = [];
  let asked = 0;
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: MANY, maxConnections: MANY },
  });

  function passOn(stream: Stream): void {
    const socket = createConnection(port(), '127.0.0.1');
    let isAsking = true;
    stream.addEventListener('message', ({ data }) => {
      const bytes = Buffer.from(data.subarray());
      if (isAsking) {
        isAsking = false;
        asked += 1;
        stream.send(CONNECTED);
        return;
      }
      chunks.push(bytes);
      socket.write(relay.change(bytes));
    });
    socket.on('data', (bytes) => {
      chunks.push(bytes);
      if (stream.writeStatus === 'writable') stream.send(bytes);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => stream.abort(new Error('it has gone')));
    stream.addEventListener('close', () => socket.destroy());
  }

  await node.handle(HOP, passOn, { maxInboundStreams: MANY });
  const relay: HostileRelay = {
    address: String(node.getMultiaddrs()[0]),
    passedOn: () => Buffer.concat(chunks),
    asked: () => asked,
    change: (bytes) => bytes,
    async [Symbol.asyncDispose]() {
      await node.stop();
    },
  };
  return relay;
}
