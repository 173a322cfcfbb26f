import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPings, type Pinged } from './pings.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('each is asked once in half a minute, whoever else goes, and never all of them at once', () => {
  const open = new Set<Pinged & { asked: number }>();
  const pings = createPings(open);
  const join = () => {
    const one = { pingTurn: pings.next(), asked: 0, ping: () => void one.asked++ };
    open.add(one);
    return one;
  };
  const all = Array.from({ length: 300 }, join);
  vi.advanceTimersByTime(1_000);
  expect(all.filter(({ asked }) => asked > 0)).toHaveLength(10);
  for (const one of all.slice(0, 100)) open.delete(one);
  vi.advanceTimersByTime(59_000);
  expect(all.slice(100).every(({ asked }) => asked === 2)).toBe(true);
  pings.stop();
  vi.advanceTimersByTime(60_000);
  expect(all.slice(100).every(({ asked }) => asked === 2)).toBe(true);
});
