/**
 * What somebody suggests, as changes of a page: the copy that they wrote in, held against the text that it began with and
 * against the page as it is now. Pure.
 *
 * 1. A change is whole lines: what they wrote, and what its owner wrote meanwhile in the same lines or right beside them.
 * 2. What the page says already is no change any more, whoever wrote it there. So a change is over once it is accepted, and
 *    once it is taken out of the copy.
 * 3. All changes made at once, the last first, give the page with all that is suggested, and keep what its owner wrote
 *    elsewhere.
 */
import { diff } from '@codemirror/merge';

/** UTF-16 offsets. */
export type Change = {
  /** In the page as it is. */
  readonly from: number;
  readonly was: string;
  readonly becomes: string;
  /** In the copy as it is, where `becomes` is; with `before` there instead nothing is suggested. */
  readonly copyFrom: number;
  readonly before: string;
  /** Of the page, from 1. */
  readonly line: number;
  /** The page's owner has changed these lines too, so that accepting it takes their words back. */
  readonly isBoth: boolean;
};

/** Lines `[fromA, toA)` became `[fromB, toB)`. */
type Hunk = { readonly fromA: number; readonly toA: number; readonly fromB: number; readonly toB: number };
type Region = { fromA: number; toA: number; readonly theirs: Hunk[]; readonly ours: Hunk[] };

/** Characters that stand for a line each: those before the surrogates. More different lines are one change. */
const CODES_MAX = 0xd7ff;

export function suggestedChanges(base: string, page: string, copy: string): readonly Change[] {
  const texts = [base, page, copy].map((text) => text.match(/[^\n]*\n|[^\n]+$/g) ?? []);
  const [baseLines = [], pageLines = [], copyLines = []] = texts;
  const codes = new Map<string, string>();
  const encoded = texts.map((lines) => lines.map((line) => codeOf(codes, line)).join(''));
  const isTooMuch = codes.size > CODES_MAX;
  const hunks = (index: 1 | 2): readonly Hunk[] => {
    const lines = texts[index] ?? [];
    if (isTooMuch) return base === [page, copy][index - 1] ? [] : [whole(baseLines, lines)];
    return diff(encoded[0] ?? '', encoded[index] ?? '').map(({ fromA, toA, fromB, toB }) => ({
      fromA,
      toA,
      fromB,
      toB,
    }));
  };
  const [ours, theirs] = [hunks(1), hunks(2)];
  const changes: Change[] = [];
  for (const region of regionsOf(ours, theirs)) {
    if (region.theirs.length === 0) continue;
    const inPage = within(region, ours, region.ours);
    const inCopy = within(region, theirs, region.theirs);
    const was = pageLines.slice(inPage.from, inPage.to).join('');
    const becomes = copyLines.slice(inCopy.from, inCopy.to).join('');
    if (was === becomes) continue;
    const before = baseLines.slice(region.fromA, region.toA).join('');
    changes.push({
      ...{ was, becomes, before, isBoth: was !== before, line: inPage.from + 1 },
      from: lengthOf(pageLines, inPage.from),
      copyFrom: lengthOf(copyLines, inCopy.from),
    });
  }
  return changes;
}

/** The smallest edit that makes the one text of the other: what both begin and end with stays as it is. */
export function editOf(
  was: string,
  becomes: string,
): { readonly at: number; readonly remove: number; readonly insert: string } {
  const most = Math.min(was.length, becomes.length);
  let at = 0;
  while (at < most && was[at] === becomes[at]) at++;
  // Never half of a character.
  if (at > 0 && isHigh(was.charCodeAt(at - 1))) at--;
  let end = 0;
  while (end < most - at && was.at(-1 - end) === becomes.at(-1 - end)) end++;
  if (end > 0 && isHigh(was.charCodeAt(was.length - end - 1))) end--;
  return { at, remove: was.length - at - end, insert: becomes.slice(at, becomes.length - end) };
}

const isHigh = (code: number): boolean => code >= 0xd800 && code < 0xdc00;
const whole = (a: readonly string[], b: readonly string[]): Hunk => ({
  fromA: 0,
  toA: a.length,
  fromB: 0,
  toB: b.length,
});
const lengthOf = (lines: readonly string[], count: number): number =>
  lines.slice(0, count).reduce((sum, line) => sum + line.length, 0);

function codeOf(codes: Map<string, string>, line: string): string {
  const known = codes.get(line);
  if (known !== undefined) return known;
  const code = String.fromCharCode(Math.min(codes.size, CODES_MAX));
  codes.set(line, code);
  return code;
}

/** What both wrote in the same lines is one. */
function regionsOf(ours: readonly Hunk[], theirs: readonly Hunk[]): readonly Region[] {
  const all = [
    ...ours.map((hunk) => ({ hunk, isOurs: true })),
    ...theirs.map((hunk) => ({ hunk, isOurs: false })),
  ].toSorted((a, b) => a.hunk.fromA - b.hunk.fromA || a.hunk.toA - b.hunk.toA);
  const regions: Region[] = [];
  for (const { hunk, isOurs } of all) {
    const { fromA, toA } = hunk;
    let region = regions.at(-1);
    // What only touches meets, too: after one of them was accepted nobody could tell the two apart.
    const meets = region !== undefined && fromA <= region.toA;
    if (region === undefined || !meets) regions.push((region = { fromA, toA, ours: [], theirs: [] }));
    region.toA = Math.max(region.toA, toA);
    (isOurs ? region.ours : region.theirs).push(hunk);
  }
  return regions;
}

/** Where the lines of a region are in the text that these hunks lead to; `own`: those of them in the region. */
function within(
  { fromA, toA }: Region,
  hunks: readonly Hunk[],
  own: readonly Hunk[],
): { readonly from: number; readonly to: number } {
  const grows = (some: readonly Hunk[]): number =>
    some.reduce((sum, hunk) => sum + (hunk.toB - hunk.fromB) - (hunk.toA - hunk.fromA), 0);
  const from = fromA + grows(hunks.filter((hunk) => hunk.toA < fromA));
  return { from, to: from + (toA - fromA) + grows(own) };
}
