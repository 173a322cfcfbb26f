import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { addTo, emptyHistogram, quantileOf, sumOf } from './report.ts';
import { ROUGH } from './scenario.ts';
import { simulate } from './simulate.ts';

test('a quantile is off by no more than the width of its bucket', () => {
  const times = fc.array(fc.integer({ min: 0, max: 10_000_000 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(times, fc.constantFrom(0, 0.5, 0.95, 1), (values, part) => {
      const histogram = emptyHistogram();
      for (const value of values) addTo(histogram, value);
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.max(0, Math.ceil(part * values.length) - 1)] ?? 0;
      expect(Math.abs(quantileOf(histogram, part) - exact)).toBeLessThanOrEqual(0.011 * (exact + 1));
    }),
  );
  expect(quantileOf(emptyHistogram(), 0.5)).toBeNaN();
});

test('several simulations are one', () => {
  const [one, two] = [simulate({ ...ROUGH, seed: 1 }), simulate({ ...ROUGH, seed: 2 })];
  const sum = sumOf([one, two]);
  expect(sum.steps).toBe(one.steps + two.steps);
  expect(sum.ends.completed).toBe(one.ends.completed + two.ends.completed);
  const counted = (report: typeof sum) => report.queueTimes.reduce((total, count) => total + count, 0);
  expect(counted(sum)).toBe(counted(one) + counted(two));
});
