/**
 * Where two lists of lines differ: patience diff (Bram Cohen). Lines that occur once on both sides, in the
 * longest order they share, are the anchors; what lies between two anchors is cut at its ends and tried again.
 *
 * 1. Time is O(n log n) a level and there are at most `DEPTH_MAX` levels, whatever the lines hold.
 * 2. The answer is right for any two lists, and small for those that people and programs make of each other.
 */

/** Lines `[fromA, toA)` of the one became lines `[fromB, toB)` of the other. Ascending, never touching. */
export type Hunk = { readonly fromA: number; readonly toA: number; readonly fromB: number; readonly toB: number };

const DEPTH_MAX = 8;

export function diffLines(a: readonly string[], b: readonly string[]): readonly Hunk[] {
  const hunks: Hunk[] = [];
  collect(a, b, { fromA: 0, toA: a.length, fromB: 0, toB: b.length }, 0, hunks);
  return hunks;
}

function collect(a: readonly string[], b: readonly string[], whole: Hunk, depth: number, hunks: Hunk[]): void {
  let { fromA, toA, fromB, toB } = whole;
  while (fromA < toA && fromB < toB && a[fromA] === b[fromB]) {
    fromA++;
    fromB++;
  }
  while (fromA < toA && fromB < toB && a[toA - 1] === b[toB - 1]) {
    toA--;
    toB--;
  }
  if (fromA === toA && fromB === toB) return;
  const anchors =
    fromA === toA || fromB === toB || depth === DEPTH_MAX ? [] : findAnchors(a, b, { fromA, toA, fromB, toB });
  if (anchors.length === 0) {
    hunks.push({ fromA, toA, fromB, toB });
    return;
  }
  for (const [atA, atB] of [...anchors, [toA, toB] as const]) {
    collect(a, b, { fromA, toA: atA, fromB, toB: atB }, depth + 1, hunks);
    fromA = atA + 1;
    fromB = atB + 1;
  }
}

type Pair = readonly [atA: number, atB: number];

function findAnchors(a: readonly string[], b: readonly string[], { fromA, toA, fromB, toB }: Hunk): readonly Pair[] {
  const onceInA = linesOnce(a, fromA, toA);
  const onceInB = linesOnce(b, fromB, toB);
  const pairs: Pair[] = [];
  for (const [line, atA] of onceInA) {
    const atB = onceInB.get(line);
    if (atA >= 0 && atB !== undefined && atB >= 0) pairs.push([atA, atB]);
  }
  return longestAscending(pairs);
}

/** Where each line is; -1 for one that is there twice. In the order of the first. */
function linesOnce(lines: readonly string[], from: number, to: number): Map<string, number> {
  const at = new Map<string, number>();
  for (let i = from; i < to; i++) {
    const line = lines[i] ?? '';
    at.set(line, at.has(line) ? -1 : i);
  }
  return at;
}

/** The longest run of pairs that ascends on both sides; they ascend in A already. */
function longestAscending(pairs: readonly Pair[]): readonly Pair[] {
  const tails: number[] = [];
  const before: number[] = [];
  for (const [i, [, atB]] of pairs.entries()) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[tails[middle] ?? 0]?.[1] ?? 0) < atB) low = middle + 1;
      else high = middle;
    }
    before[i] = low === 0 ? -1 : (tails[low - 1] ?? -1);
    tails[low] = i;
  }
  const run: Pair[] = [];
  for (let i = tails.at(-1) ?? -1; i >= 0; i = before[i] ?? -1) {
    const pair = pairs[i];
    if (pair !== undefined) run.push(pair);
  }
  return run.reverse();
}
