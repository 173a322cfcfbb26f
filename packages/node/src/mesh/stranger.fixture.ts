/**
 * A bare js-libp2p peer that belongs to nobody, as a program: `node packages/node/src/mesh/stranger.fixture.ts ADDRESS`. Prints as JSON what it
 * was told and what it got of each protocol.
 */
import { identify } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { webRTCDirect } from '@libp2p/webrtc';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';

/** Longer than this device takes to refuse, shorter than it lets a stranger stay. */
const PATIENCE_MS = 3_000;
const ALL_MS = 20_000;
const target = multiaddr(process.argv[2]);
const node = await createLibp2p({
  transports: [tcp(), webRTCDirect({ rtcConfiguration: { iceServers: [] } })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { ping: ping(), identify: identify({ runOnConnectionOpen: false }) },
});
const soon = { signal: AbortSignal.timeout(ALL_MS) };
const connection = await node.dial(target, soon);
const told = await node.services.identify.identify(connection, soon);
const pingMs = await node.services.ping.ping(target, soon);

/** How many bytes came, once the other side has ended the stream. */
async function tryOut(protocol: string): Promise<number | string> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const stream = await connection.newStream(protocol, { runOnLimitedConnection: true, signal }).catch(() => null);
  if (stream === null) return 'refused';
  let bytes = 0;
  stream.addEventListener('message', ({ data }) => (bytes += data.byteLength));
  const ended = new Promise((resolve) => {
    stream.addEventListener('close', resolve);
    stream.addEventListener('remoteCloseWrite', resolve);
    setTimeout(resolve, PATIENCE_MS);
  });
  try {
    stream.send(new Uint8Array([3, 97, 98, 99]));
  } catch {
    // Refused already.
  }
  await ended;
  return bytes;
}

const asked = told.protocols.filter((protocol) => !/\/ipfs\/(ping|id)\//.test(protocol));
const got = Object.fromEntries(
  await Promise.all(asked.map(async (protocol) => [protocol, await tryOut(protocol)] as const)),
);
process.stdout.write(
  JSON.stringify({
    addresses: told.listenAddrs.map(String),
    record: told.signedPeerRecord?.addresses.map(String) ?? [],
    pingMs,
    got,
  }),
);
// What carries WebRTC may go on for a while after it was closed.
await node.stop();
process.exit();
