/**
 * Chance that can be had again: the same seed gives the same numbers on every machine. The generator is sfc32 (Chris
 * Doty-Humphrey, PractRand), which is good enough for everything but secrets.
 */
export type Chance = {
  /** From 0 up to but not including 1. */
  next(): number;
  /** A whole number from 0 up to but not including `count`. */
  below(count: number): number;
  happens(probability: number): boolean;
  /** A time until something that happens at any moment alike: often short, at times long. */
  around(mean: number): number;
  pick<T>(list: readonly [T, ...T[]]): T;
};

export function createChance(seed: number): Chance {
  let [a, b, c, counter] = [0x9e3779b9, 0x243f6a88, seed | 0, 1];
  function next(): number {
    const sum = (((a + b) | 0) + counter++) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  }
  // Seeds that differ in one bit give numbers that have nothing in common only after some rounds.
  for (let round = 0; round < 15; round++) next();
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    below,
    happens: (probability) => next() < probability,
    around: (mean) => -mean * Math.log(1 - next()),
    pick: (list) => list[below(list.length)] ?? list[0],
  };
}
