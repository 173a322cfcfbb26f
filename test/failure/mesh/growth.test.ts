/** That the measure of the soak sees a leak, and takes none for one. */
import { expect, test } from 'vitest';
import { chance } from '../../../setup/trials.ts';
import { growthOf } from './growth.fixture.ts';

/** Ten minutes of a program that swings by 10 %, as garbage comes and goes, and grows by so much an hour. */
function soak(percentAnHour: number, seed: number) {
  const random = chance(seed);
  return Array.from({ length: 300 }, (_, at) => {
    const atMs = at * 2_000;
    const swing = 0.04 * Math.sin(atMs / 13_000 + seed) + 0.06 * random();
    return { atMs, bytes: 200e6 * (1 + swing + (percentAnHour / 100) * (atMs / 3_600_000)) };
  });
}

test('R23 growth is told from what goes up and down: a leak is one for certain, and without one there is none', () => {
  for (let seed = 1; seed <= 20; seed++) {
    expect(growthOf(soak(0, seed)).least).toBeLessThan(5);
    const leak = growthOf(soak(150, seed));
    expect(leak.least).toBeGreaterThan(5);
    expect([leak.least < leak.perHour, leak.perHour < leak.most]).toEqual([true, true]);
  }
});

test('one that takes much at first and no more after that grows by nothing', () => {
  const samples = soak(0, 1).map((each, at) => ({ ...each, bytes: at < 100 ? each.bytes / 2 : each.bytes }));
  expect(growthOf(samples).least).toBeLessThan(5);
});
