import { expect, test } from 'vitest';
import { createChance } from './chance.ts';

const SAMPLES = 20_000;
const draw = (seed: number) => {
  const chance = createChance(seed);
  return Array.from({ length: SAMPLES }, () => chance.next());
};

test('the same seed gives the same numbers, another gives others', () => {
  expect(draw(1)).toEqual(draw(1));
  const [one, two] = [draw(1), draw(2)];
  expect(one.filter((value, at) => Math.abs(value - (two[at] ?? 0)) < 0.001).length).toBeLessThan(SAMPLES * 0.005);
});

test('numbers are spread evenly, and times have their mean', () => {
  const tenths = draw(7).reduce<number[]>((counts, value) => {
    counts[Math.floor(value * 10)] = (counts[Math.floor(value * 10)] ?? 0) + 1;
    return counts;
  }, []);
  for (const count of tenths) expect(count).toBeCloseTo(SAMPLES / 10, -3);
  const chance = createChance(7);
  const times = Array.from({ length: SAMPLES }, () => chance.around(100));
  expect(times.reduce((sum, time) => sum + time, 0) / SAMPLES).toBeCloseTo(100, -1);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(0);
});
