/** T5: a relay that reads, changes and forges what it passes on learns nothing and is believed nothing. */
import { generateKeyPair } from '@libp2p/crypto/keys';
import { noise } from '@libp2p/noise';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import { expect, test } from 'vitest';
import { trials } from '../../../../setup/trials.ts';
import { testHost } from './host.fixture.ts';
import { hostileRelay } from './hostile-relay.fixture.ts';
import { keyOfPeer } from '@markco/client/mesh/peer-key';

const PROTOCOL = '/markco/test/1.0.0';
const TRIALS = 100;
const MESSAGES = 200;
const soon = (): AbortSignal => AbortSignal.timeout(10_000);

const portOf = (address = ''): number => Number(/\/tcp\/(\d+)/.exec(address)?.[1]);
const through = (relay: string, peerId: string): readonly string[] => [`${relay}/p2p-circuit/p2p/${peerId}`];

test(`T5 a relay that answers in the place of another device is refused, ${TRIALS} times of ${TRIALS}`, async () => {
  const { numRuns } = trials('T5 forged devices', TRIALS);
  await using laptop = await testHost();
  const impostor = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000 },
  });
  await using relay = await hostileRelay(() => portOf(String(impostor.getMultiaddrs()[0])));
  for (let at = 0; at < numRuns; at++) {
    const wanted = peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString();
    const error: unknown = await laptop.connect(wanted, through(relay.address, wanted), soon()).catch((why) => why);
    expect(error).toMatchObject({ code: 'not_ready', cause: { errors: [{ message: expect.any(String) }] } });
    const [tried] = (error as { cause: AggregateError }).cause.errors as readonly Error[];
    expect(tried?.message).toContain('another device answers there');
    expect(laptop.paths(wanted)).toEqual([]);
  }
  expect(relay.asked()).toBe(numRuns);
  // Asked for by its own name it is there: what it was refused for is the name.
  const own = impostor.peerId.toString();
  await laptop.connect(own, through(relay.address, own), soon());
  expect(laptop.paths(own)).toMatchObject([{ isRelayed: true }]);
  await impostor.stop();
});

test('T5 what a relay passes on tells it nothing, and what it changes ends the connection and changes nothing', async () => {
  await using laptop = await testHost();
  await using box = await testHost();
  await using relay = await hostileRelay(() => portOf(box.addresses()[0]));
  const got: (Uint8Array | string)[] = [];
  await box.handle(PROTOCOL, (stream) => stream.onMessage((message) => void got.push(message)));
  await laptop.connect(box.peerId, through(relay.address, box.peerId), soon());
  expect(laptop.paths(box.peerId)).toMatchObject([{ isRelayed: true }]);
  const said = Array.from({ length: MESSAGES }, (_, at) => `canary ${at} of a secret`);
  const stream = await laptop.open(box.peerId, PROTOCOL, soon());
  for (const each of said) stream.sendText(each);
  await expect.poll(() => got.length).toBe(MESSAGES);
  expect(got).toEqual(said);
  const passedOn = relay.passedOn();
  expect(passedOn.length).toBeGreaterThan(said.join('').length);
  const keys = [laptop, box].map(({ peerId }) => Buffer.from(keyOfPeer(peerId)));
  for (const canary of ['canary', 'secret', PROTOCOL, ...keys])
    expect([canary, passedOn.includes(canary)]).toEqual([canary, false]);

  const closed = new Promise((resolve) => stream.onClose(resolve));
  relay.change = (bytes) => {
    const changed = Buffer.from(bytes);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    return changed;
  };
  stream.sendText('changed on its way');
  await closed;
  expect(got).toEqual(said);
  expect(laptop.paths(box.peerId)).toEqual([]);
});
