/**
 * The smallest edits that lead from one text to another, so that what others do at the same time stays and a
 * cursor in the page keeps its place.
 *
 * 1. `applyEdits(base, smallestEdits(base, next)) === next`, for any two texts.
 * 2. Time is bounded: words are compared only within `CHARS_MAX` and until `WORK_MAX` is used up; beyond, whole lines are replaced.
 * 3. No edit starts or ends inside a surrogate pair.
 */
import fastDiff from 'fast-diff';
import type { TextEdit, TextStep } from './texts.ts';
import { diffLines } from './line-diff.ts';

/** The longest piece that is compared word by word. */
const CHARS_MAX = 2_000;
/** Comparisons of one call (length × length, summed): about a quarter of a second at worst. */
const WORK_MAX = 8_000_000;

/** Words, and between them single code points. */
const WORD = /[\p{L}\p{M}\p{N}_]+|[^]/gu;
const WORD_AT_END = /[\p{L}\p{M}\p{N}_]+$/u;
const WORD_AT_START = /^[\p{L}\p{M}\p{N}_]+/u;
const WORD_MAX = 100;
const SURROGATE = /[\uD800-\uDFFF]/;
/** How far an insertion may be moved to either side. */
const SHIFT_MAX = 500;

export function smallestEdits(base: string, next: string): readonly TextEdit[] {
  const middle = trim(base, next, 0);
  if (middle === null) return [];
  if (middle.remove === 0) return [wellPlaced(base, middle, 0, base.length)];
  if (middle.insert === '') return [middle];
  if (isSmall(middle)) return diffWords(base, next, middle, 0);
  return diffByLines(base.slice(middle.at, middle.at + middle.remove), middle.insert, middle.at);
}

export function applyEdits(base: string, edits: readonly TextEdit[]): string {
  let text = '';
  let from = 0;
  for (const { at, remove, insert } of edits) {
    text += base.slice(from, at) + insert;
    from = at + remove;
  }
  return text + base.slice(from);
}

export function applySteps(base: string, steps: readonly TextStep[]): string {
  return steps.reduce((text, { edits }) => applyEdits(text, edits), base);
}

/** What is left of a replacement when the start and the end that both share are taken off; null when they are equal. */
function trim(base: string, next: string, offset: number): TextEdit | null {
  if (base === next) return null;
  const shorter = Math.min(base.length, next.length);
  let start = 0;
  while (start < shorter && base.charCodeAt(start) === next.charCodeAt(start)) start++;
  if (splitsPair(base, start) || splitsPair(next, start)) start--;
  let end = 0;
  while (end < shorter - start && base.charCodeAt(base.length - 1 - end) === next.charCodeAt(next.length - 1 - end))
    end++;
  if (splitsPair(base, base.length - end) || splitsPair(next, next.length - end)) end--;
  return { at: offset + start, remove: base.length - end - start, insert: next.slice(start, next.length - end) };
}

function splitsPair(text: string, at: number): boolean {
  return at > 0 && at < text.length && isHigh(text.charCodeAt(at - 1)) && isLow(text.charCodeAt(at));
}
const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/**
 * An insertion that could as well stand a little further on (`a[b a]b` is `[a b]a b`) goes where its writer meant it:
 * to the start of a line when it is whole lines, else to the start of a word. Otherwise it would hang on to half of
 * what stood there, and go to pieces with it when somebody deletes that meanwhile.
 */
function wellPlaced(base: string, edit: TextEdit, floor: number, ceiling: number): TextEdit {
  const { insert } = edit;
  const { length } = insert;
  const unit = (index: number): string => insert[((index % length) + length) % length] ?? '';
  const canPass = (passed: string, over: string): boolean => passed === over && !SURROGATE.test(passed);
  // From as far right as it goes, `turn` units of the insertion are passed on the way back.
  let right = 0;
  while (right < SHIFT_MAX && edit.at + right < ceiling && canPass(base[edit.at + right] ?? '', unit(right))) right++;
  const at = edit.at + right;
  let best = 0;
  let bestScore = -1;
  for (let shift = 0; shift <= 2 * SHIFT_MAX; shift++) {
    const last = unit(right - 1 - shift);
    const score = placeScore(at - shift === 0 ? '\n' : (base[at - shift - 1] ?? ''), unit(right - shift), last);
    if (score > bestScore) [best, bestScore] = [shift, score];
    if (at - shift <= floor || !canPass(base[at - shift - 1] ?? '', last)) break;
  }
  const turn = (((right - best) % length) + length) % length;
  return { ...edit, at: at - best, insert: insert.slice(turn) + insert.slice(0, turn) };
}

/** Whole lines, then the start of a line or word, then between two signs, then at the edge of a word, then inside one. */
function placeScore(before: string, first: string, last: string): number {
  if (before === '\n') return last === '\n' ? 4 : 3;
  if (/\s/.test(before)) return 3;
  return 2 - Number(WORD_AT_END.test(before)) - Number(WORD_AT_END.test(first));
}

function isSmall({ remove, insert }: TextEdit): boolean {
  return remove <= CHARS_MAX && insert.length <= CHARS_MAX;
}

/** Edits of what lies between the start and the end that both texts share, word by word. */
function diffWords(base: string, next: string, middle: TextEdit, offset: number): TextEdit[] {
  // Back to where a word starts and on to where it ends: `r17` is to be found again in `r24 r17`.
  const end = base.length - middle.at - middle.remove;
  const start =
    middle.at - (WORD_AT_END.exec(base.slice(Math.max(0, middle.at - WORD_MAX), middle.at))?.[0].length ?? 0);
  const rest = end - (WORD_AT_START.exec(base.slice(base.length - end, base.length - end + WORD_MAX))?.[0].length ?? 0);
  const codes = new Map<string, string>();
  const words: string[] = [];
  const encode = (text: string): string => {
    let encoded = '';
    for (const [word] of text.matchAll(WORD)) {
      let code = codes.get(word);
      if (code === undefined) {
        code = String.fromCharCode(words.length);
        words.push(word);
        codes.set(word, code);
      }
      encoded += code;
    }
    return encoded;
  };
  const decode = (encoded: string): string => Array.from(encoded, (code) => words[code.charCodeAt(0)] ?? '').join('');

  const edits: TextEdit[] = [];
  let at = start;
  let removed = '';
  let inserted = '';
  const close = (): void => {
    const edit = trim(removed, inserted, at);
    if (edit !== null) edits.push(edit);
    at += removed.length;
    removed = inserted = '';
  };
  for (const [kind, encoded] of fastDiff(
    encode(base.slice(start, base.length - rest)),
    encode(next.slice(start, next.length - rest)),
  )) {
    if (kind === fastDiff.DELETE) removed += decode(encoded);
    else if (kind === fastDiff.INSERT) inserted += decode(encoded);
    else {
      close();
      at += decode(encoded).length;
    }
  }
  close();
  let floor = 0;
  return edits.map((edit, i) => {
    const ceiling = edits[i + 1]?.at ?? base.length;
    const placed = edit.remove === 0 ? wellPlaced(base, edit, floor, ceiling) : edit;
    floor = placed.at + placed.remove;
    return { ...placed, at: placed.at + offset };
  });
}

function diffByLines(base: string, next: string, offset: number): readonly TextEdit[] {
  const linesA = splitLines(base);
  const linesB = splitLines(next);
  const edits: TextEdit[] = [];
  let work = WORK_MAX;
  let at = offset;
  let line = 0;
  for (const { fromA, toA, fromB, toB } of diffLines(linesA, linesB)) {
    while (line < fromA) at += linesA[line++]?.length ?? 0;
    const removed = linesA.slice(fromA, toA).join('');
    const inserted = linesB.slice(fromB, toB).join('');
    const middle = trim(removed, inserted, 0);
    if (middle !== null) {
      const cost = middle.remove * middle.insert.length;
      if (cost > 0 && cost <= work && isSmall(middle)) {
        work -= cost;
        edits.push(...diffWords(removed, inserted, middle, at));
      } else edits.push({ ...middle, at: middle.at + at });
    }
    at += removed.length;
    line = toA;
  }
  return edits;
}

/** Each line with its `\n`. */
function splitLines(text: string): string[] {
  return text.split(/(?<=\n)/);
}
