/** When a better way to a device is looked for. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepImproving } from './improve.ts';
import type { Path } from './network.ts';

const RELAYED = '/ip4/203.0.113.2/tcp/7718/p2p/Relay/p2p-circuit/p2p/Desk';
const DIRECT = '/ip4/203.0.113.3/tcp/7718/p2p/Desk';
const pathOf = (address: string): Path => ({
  ...{ address, isRelayed: address === RELAYED, isOutgoing: true, since: 0, roundTripMs: null },
});

/** A device that is connected by what `ways` has. */
function desk(...ways: string[]) {
  const tried: number[] = [];
  const events = { connect: (): void => undefined, end: (): void => undefined, news: (): void => undefined };
  const stop = keepImproving({
    host: {
      paths: () => ways.map(pathOf),
      async improve() {
        tried.push(Date.now());
        return [];
      },
    },
    peers: {
      isGreeted: () => true,
      waysTo: () => [DIRECT],
      onPeer(listener) {
        const peer = { deviceId: 'desk' as never, peerId: 'Desk' };
        events.connect = () => listener(peer, true);
        events.end = () => listener(peer, false);
        return () => undefined;
      },
      onNews(listener) {
        events.news = () => listener('Desk');
      },
    },
    leads: () => false,
  });
  return { ways, tried, events, stop };
}

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

test('a better way is tried at once, then ever more seldom, and no more once the device is gone', async () => {
  const { tried, events } = desk(RELAYED);
  events.connect();
  await vi.advanceTimersByTimeAsync(8_000);
  expect(tried).toEqual([0, 1_000, 3_000, 7_000]);
  events.news();
  await vi.advanceTimersByTimeAsync(500);
  expect(tried.at(-1)).toBe(8_000);
  events.end();
  await vi.advanceTimersByTimeAsync(600_000);
  expect(tried).toHaveLength(5);
});

test('news that comes while there is no way to the device, as it starts again, is tried once there is one', async () => {
  const { ways, tried, events } = desk();
  events.news();
  ways.push(RELAYED);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(tried).toEqual([1_000]);
});

test('when the best way breaks and a lesser one is left, a better one is looked for again', async () => {
  const { ways, tried, events } = desk(DIRECT, RELAYED);
  events.connect();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(tried).toEqual([]);
  ways.shift();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(tried).toEqual([70_000]);
});
