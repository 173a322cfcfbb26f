/**
 * How often a random test tries, and how it is tried again.
 *
 *   MARKCO_TRIALS=10 …   ten times as often as before every merge
 *   MARKCO_SEED=42 …     the same choices once more; every test that chooses prints its seed
 */
export type Trials = { readonly numRuns: number; readonly seed: number };

/** Prints what is about to be tried; the answer is also what `fc.assert` takes. */
export function trials(what: string, count: number): Trials {
  const numRuns = Math.max(1, Math.ceil(count * Number(process.env['MARKCO_TRIALS'] ?? 1)));
  const chosen = process.env['MARKCO_SEED'];
  const seed = chosen === undefined ? Math.floor(Math.random() * 0x7fff_ffff) : Number(chosen);
  console.log(`${what}: ${numRuns} trials, MARKCO_SEED=${seed}`);
  return { numRuns, seed };
}

/** Numbers 0 ≤ x < 1 that follow from the seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Resolves once `fact` holds; looks again every few milliseconds. Rejects with `what` after `limitMs`. */
export async function eventually(what: string, fact: () => boolean, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!fact()) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
