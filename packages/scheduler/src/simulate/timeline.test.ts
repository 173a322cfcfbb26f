import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTimeline } from './timeline.ts';

test('things happen in the order of their moments, and in that of being put down at one moment', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (delays) => {
      const timeline = createTimeline<number>();
      for (const [n, delay] of delays.entries()) timeline.after(delay, n);
      const happened = delays.map(() => ({ n: timeline.next(), atMs: timeline.now() }));
      const expected = delays.map((atMs, n) => ({ n, atMs })).toSorted((a, b) => a.atMs - b.atMs || a.n - b.n);
      expect(happened).toEqual(expected);
      expect(timeline.next()).toBeUndefined();
    }),
  );
});

test('what is put down while time goes on comes after now, never before', () => {
  const timeline = createTimeline<string>();
  timeline.after(10, 'first');
  timeline.after(30, 'last');
  expect([timeline.next(), timeline.now()]).toEqual(['first', 10]);
  timeline.after(5, 'second');
  timeline.after(-5, 'at once');
  expect([timeline.next(), timeline.next(), timeline.next(), timeline.now()]).toEqual([
    'at once',
    'second',
    'last',
    30,
  ]);
});
