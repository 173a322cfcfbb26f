import { expect, test } from 'vitest';
import { editOf, suggestedChanges, type Change } from './changes.ts';

/** As a person who accepts these. */
function accept(page: string, changes: readonly Change[]): string {
  return changes.toReversed().reduce((text, { from, was, becomes }) => {
    expect(text.slice(from, from + was.length)).toBe(was);
    const { at, remove, insert } = editOf(was, becomes);
    return text.slice(0, from + at) + insert + text.slice(from + at + remove);
  }, page);
}
const reject = (copy: string, { copyFrom, becomes, before }: Change): string => {
  expect(copy.slice(copyFrom, copyFrom + becomes.length)).toBe(becomes);
  return copy.slice(0, copyFrom) + before + copy.slice(copyFrom + becomes.length);
};

const BASE = '# Plan\n\none\ntwo\nthree\nfour\n';

test('what somebody wrote in the copy is a change each; what the owner wrote elsewhere is none, and stays', () => {
  const page = '# Plan\n\none\ntwo\nthree\nfour, by me\nfive\n';
  const copy = '# The plan\n\none\nthree\nfour\n';
  const changes = suggestedChanges(BASE, page, copy);
  expect(changes).toMatchObject([
    { line: 1, was: '# Plan\n', becomes: '# The plan\n', isBoth: false },
    { line: 4, was: 'two\n', becomes: '', isBoth: false },
  ]);
  expect(accept(page, changes)).toBe('# The plan\n\none\nthree\nfour, by me\nfive\n');
  // One that is accepted is none any more; one that is taken out of the copy neither.
  const [first, second] = changes;
  if (first === undefined || second === undefined) return expect.unreachable();
  expect(suggestedChanges(BASE, accept(page, [first]), copy)).toMatchObject([{ was: 'two\n' }]);
  expect(suggestedChanges(BASE, page, reject(copy, second))).toMatchObject([{ was: '# Plan\n' }]);
  expect(suggestedChanges(BASE, accept(page, changes), copy)).toEqual([]);
});

test('lines that both changed are one change, which says so, and rejecting it leaves the owner’s words', () => {
  const page = BASE.replace('two', 'zwei');
  const copy = BASE.replace('two', 'deux');
  const [change, ...others] = suggestedChanges(BASE, page, copy);
  if (change === undefined) return expect.unreachable();
  expect([change, others]).toMatchObject([{ was: 'zwei\n', becomes: 'deux\n', before: 'two\n', isBoth: true }, []]);
  expect(suggestedChanges(BASE, page, reject(copy, change))).toEqual([]);
  expect(accept(page, [change])).toBe(copy);
  // Both at the end, where there is nothing.
  expect(suggestedChanges('', 'mine\n', 'theirs\n')).toMatchObject([
    { was: 'mine\n', becomes: 'theirs\n', isBoth: true },
  ]);
  expect(suggestedChanges('a', 'a', 'a\nb')).toMatchObject([{ was: 'a', becomes: 'a\nb', isBoth: false }]);
  expect(suggestedChanges('', '', '')).toEqual([]);
});

test('an edit is no larger than it has to be, and never half of a character', () => {
  expect(editOf('one two three\n', 'one 2 three\n')).toEqual({ at: 4, remove: 3, insert: '2' });
  expect(editOf('aa', 'aaa')).toEqual({ at: 2, remove: 0, insert: 'a' });
  const [was, becomes] = ['x\u{1f600}y', 'x\u{1f601}y'];
  const { at, remove, insert } = editOf(was, becomes);
  expect([at, was.slice(at, at + remove), insert]).toEqual([1, '\u{1f600}', '\u{1f601}']);
});

/** A small generator with a seed, so that what fails is found again. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** A text that somebody has edited, a few lines here and there. */
function edited(text: string, next: (below: number) => number, line: () => string): string {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  for (let times = next(4); times > 0; times--)
    lines.splice(next(lines.length + 1), next(3), ...Array.from({ length: next(3) }, line));
  return lines.join('');
}

test('whatever both wrote: accepting all leaves nothing suggested, and so does rejecting all, one after another', () => {
  for (let seed = 1; seed <= 2_000; seed++) {
    const next = seeded(seed);
    let made = 0;
    const line = (): string => `line ${++made}\n`;
    const base = Array.from({ length: 8 }, line).join('');
    const [page, copy] = [edited(base, next, line), edited(base, next, line)];
    const changes = suggestedChanges(base, page, copy);
    expect([seed, suggestedChanges(base, accept(page, changes), copy)]).toEqual([seed, []]);
    let left = copy;
    for (let [change] = changes; change !== undefined; [change] = suggestedChanges(base, page, left)) {
      const after = reject(left, change);
      expect([seed, after === left]).toEqual([seed, false]);
      left = after;
    }
  }
});

test('where the owner wrote nothing meanwhile, accepting all makes the page what the copy is, also of lines that are alike', () => {
  for (let seed = 1; seed <= 2_000; seed++) {
    const next = seeded(seed);
    const line = (): string => ['a\n', 'b\n', '\n', 'd'][next(4)] ?? '';
    const base = Array.from({ length: 8 }, line).join('');
    const copy = edited(base, next, line);
    expect([seed, accept(base, suggestedChanges(base, base, copy))]).toEqual([seed, copy]);
  }
});
