import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyEdits, smallestEdits } from './edits.ts';

const piece = fc.constantFrom('a', 'b', '\n', 'hello\n', '😀', '🙂', '# Title\n', ' ', 'é', 'same line\n');
const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));

test('edits lead from any text to any other, ascending, and split no surrogate pair', () => {
  fc.assert(
    fc.property(text, text, (base, next) => {
      const edits = smallestEdits(base, next);
      expect(applyEdits(base, edits)).toBe(next);
      let end = 0;
      for (const { at, remove, insert } of edits) {
        expect(at).toBeGreaterThanOrEqual(end);
        end = at + remove;
        expect(insert.isWellFormed() && base.slice(at, end).isWellFormed()).toBe(true);
      }
    }),
    { numRuns: 3_000 },
  );
});

test('a large rewrite keeps the lines that both texts have', () => {
  const lines = Array.from({ length: 3_000 }, (_, i) => `line ${i}\n`);
  const next = lines.map((line, i) => (i % 500 === 7 ? `${line.trim()}, changed\n` : line)).toSpliced(1_200, 3);
  const edits = smallestEdits(lines.join(''), next.join(''));
  expect(applyEdits(lines.join(''), edits)).toBe(next.join(''));
  expect(edits.length).toBe(7);
  expect(edits.reduce((sum, edit) => sum + edit.remove + edit.insert.length, 0)).toBeLessThan(200);
});

test('a line put between equal lines is inserted as a whole line', () => {
  expect(smallestEdits('- a\n- b\n', '- a\n- c\n- b\n')).toEqual([{ at: 4, remove: 0, insert: '- c\n' }]);
});

test('a word put before a similar one does not hang on to half of it', () => {
  expect(smallestEdits('[one] [two]', '[new] [one] [two]')).toEqual([{ at: 0, remove: 0, insert: '[new] ' }]);
  expect(smallestEdits('[one]\n[two]\n', '[one]\n[new][two]\nend\n')).toEqual([
    { at: 6, remove: 0, insert: '[new]' },
    { at: 12, remove: 0, insert: 'end\n' },
  ]);
});

test('a word put behind another one does not come between that and its sign, and stays whole when the other is deleted', () => {
  expect(smallestEdits('one;two;', 'one;two;three;')).toEqual([{ at: 8, remove: 0, insert: 'three;' }]);
  expect(smallestEdits('one;three;', 'one;two;three;')).toEqual([{ at: 4, remove: 0, insert: 'two;' }]);
});

test('two texts of 1 MB with nothing in common are compared in bounded time', () => {
  const noise = (seed: number): string =>
    Array.from({ length: 20_000 }, (_, i) => `${((i + 1) * seed * 2_654_435_761) % 4_294_967_291} `.repeat(5)).join(
      '\n',
    );
  const [base, next] = [noise(3), noise(7)];
  const started = performance.now();
  expect(applyEdits(base, smallestEdits(base, next))).toBe(next);
  expect(performance.now() - started).toBeLessThan(2_000);
});
