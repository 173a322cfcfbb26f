/** How fast a relay passes on: over real libp2p nodes, of which the two that talk have no address. */
import type { Stream } from '@libp2p/interface';
import { expect, test } from 'vitest';
import { testHost } from './host.fixture.ts';
import type { HostParts } from './host.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { createRelay } from './relay.ts';
import { createPaces, keepPace, RELAYED_BYTES_PER_SECOND } from './relay-pace.ts';

const PROTOCOL = '/markco/test/1.0.0';
const SOON = { timeout: 20_000, interval: 20 };
const soon = (): AbortSignal => AbortSignal.timeout(20_000);
const PART_BYTES = 100_000;
/** A part of a message that has not come whole counts for nothing yet, and a relay stops after what came last: a window each. */
const WINDOW_BYTES = 1024 * 1024;
const ON_ITS_WAY_BYTES = WINDOW_BYTES + 2 * PART_BYTES;

const host = (parts: Partial<HostParts>) => testHost({ listen: [], admitsThrough: () => true, ...parts });

test('RELAY-3 a device that says more through a relay than 50 Mbit/s waits, each for itself, and nothing is lost', async () => {
  let clock = 0;
  const relay = createRelay({ isGreeted: () => true, now: Date.now, elapsed: () => clock });
  await using box = await host({ listen: ['/ip4/127.0.0.1/tcp/0'], relay });
  await using laptop = await host({});
  await using phone = await host({});
  for (const each of [laptop, phone]) {
    await each.connect(box.peerId, box.addresses(), soon());
    await each.reserve(box.peerId, () => box.addresses());
  }
  let heard = 0;
  let theirs: MessageStream | undefined;
  await phone.handle(PROTOCOL, (stream) => {
    theirs = stream;
    stream.onMessage((message) => void (heard += message.length));
  });
  await laptop.connect(phone.peerId, [`/p2p/${box.peerId}/p2p-circuit`], soon());
  expect(laptop.paths(phone.peerId)).toMatchObject([{ isRelayed: true }]);
  const stream = await laptop.open(phone.peerId, PROTOCOL, soon());
  const parts = Math.ceil((2 * RELAYED_BYTES_PER_SECOND + 5 * ON_ITS_WAY_BYTES) / PART_BYTES);
  for (let part = 0; part < parts; part++) stream.sendBytes(new Uint8Array(PART_BYTES));

  // As much as may come at once comes, and then no more, however long it is waited for: no time passes for the relay.
  await expect.poll(() => heard, SOON).toBeGreaterThan(RELAYED_BYTES_PER_SECOND - ON_ITS_WAY_BYTES);
  await expect.poll(() => relay.paceOf(laptop.peerId).wait(1), SOON).toBeGreaterThan(0);
  let answers = 0;
  stream.onMessage(() => void answers++);
  // What the other one says is not its to pay for.
  for (let count = 0; count < 50; count++) {
    theirs?.sendBytes(new Uint8Array(10));
    await expect.poll(() => answers, SOON).toBe(count + 1);
  }
  expect(heard).toBeLessThan(RELAYED_BYTES_PER_SECOND + ON_ITS_WAY_BYTES);
  expect(stream.waiting()).toBeGreaterThan(0);

  clock += 1_000;
  await expect.poll(() => heard, SOON).toBeGreaterThan(2 * RELAYED_BYTES_PER_SECOND - 2 * ON_ITS_WAY_BYTES);
  await expect.poll(() => relay.paceOf(laptop.peerId).wait(1), SOON).toBeGreaterThan(0);
  expect(heard).toBeLessThan(2 * RELAYED_BYTES_PER_SECOND + ON_ITS_WAY_BYTES);
  const later = (count: () => number) => (): number => {
    clock += 1_000;
    return count();
  };
  await expect
    .poll(
      later(() => heard),
      SOON,
    )
    .toBe(parts * PART_BYTES);

  // The other direction is paced as well.
  const before = answers;
  for (let part = 0; part < parts; part++) theirs?.sendBytes(new Uint8Array(PART_BYTES));
  await expect.poll(() => relay.paceOf(phone.peerId).wait(1), SOON).toBeGreaterThan(0);
  expect(answers - before).toBeLessThan(parts);
  await expect
    .poll(
      later(() => answers - before),
      SOON,
    )
    .toBe(parts);
}, 120_000);

test('a pace is of one device, whatever others say', () => {
  let clock = 0;
  const paceOf = createPaces(() => clock);
  paceOf('laptop').spend(1.5 * RELAYED_BYTES_PER_SECOND);
  expect([paceOf('laptop').wait(1), paceOf('phone').wait(1)]).toEqual([501, 0]);
  clock += 501;
  expect(paceOf('laptop').wait(1)).toBe(0);
});

test('what a device said before it left is passed on, before who passes it on hears that it left', () => {
  const pace = createPaces(() => 0)('laptop');
  const told: (number | string)[] = [];
  const held = [1, 2, 3];
  const stream = Object.assign(new EventTarget(), {
    readStatus: 'readable',
    pause: () => void (stream.readStatus = 'paused'),
    resume() {
      stream.readStatus = 'readable';
      for (const byte of held.splice(0)) say(byte);
    },
  });
  const say = (byte: number): boolean =>
    stream.dispatchEvent(Object.assign(new Event('message'), { data: Uint8Array.of(byte) }));
  keepPace(stream as unknown as Stream, pace);
  stream.addEventListener('message', (event) => told.push(...(event as unknown as { data: Uint8Array }).data));
  stream.addEventListener('remoteCloseWrite', () => told.push('left'));
  say(0);
  expect([stream.readStatus, told]).toEqual(['readable', [0]]);
  pace.spend(RELAYED_BYTES_PER_SECOND);
  say(0);
  expect([stream.readStatus, told]).toEqual(['paused', [0, 0]]);
  stream.dispatchEvent(new Event('remoteCloseWrite'));
  expect([stream.readStatus, told]).toEqual(['readable', [0, 0, 1, 2, 3, 'left']]);
});
