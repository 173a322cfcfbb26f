/** For tests: by how much something grows, from samples that go up and down by more than that. */

export type Sample = { readonly atMs: number; readonly bytes: number };
/** In percent an hour, and between which two it is with 95 % certainty. */
export type Growth = { readonly perHour: number; readonly least: number; readonly most: number };

/** Samples within this are one: they hang together, as when garbage is collected once in it. */
const BLOCK_MS = 15_000;
const HOUR_MS = 3_600_000;

const median = (of: readonly number[]): number => of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)] ?? Number.NaN;

/** The slope of Theil and Sen over the last half, in which a program has what it needs: no outlier bends it. */
export function growthOf(samples: readonly Sample[]): Growth {
  const late = samples.slice(Math.floor(samples.length / 2));
  const blocks = [...Map.groupBy(late, ({ atMs }) => Math.floor(atMs / BLOCK_MS)).values()].map((block) => ({
    atMs: median(block.map(({ atMs }) => atMs)),
    bytes: median(block.map(({ bytes }) => bytes)),
  }));
  const whole = median(blocks.map(({ bytes }) => bytes));
  const slopes = blocks
    .flatMap((one, at) => blocks.slice(at + 1).map((other) => (other.bytes - one.bytes) / (other.atMs - one.atMs)))
    .map((perMs) => (perMs * HOUR_MS * 100) / whole)
    .toSorted((a, b) => a - b);
  // Of Kendall: so many slopes are on either side of the true one by chance.
  const n = blocks.length;
  const chance = 1.96 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const slopeAt = (at: number): number =>
    slopes[Math.max(0, Math.min(slopes.length - 1, Math.round(at)))] ?? Number.NaN;
  return {
    perHour: median(slopes),
    least: slopeAt((slopes.length - chance) / 2),
    most: slopeAt((slopes.length + chance) / 2),
  };
}
