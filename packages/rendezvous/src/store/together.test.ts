import { expect, test } from 'vitest';
import { askTogether } from './together.ts';

test('what is asked in one turn is asked as one, at most 32 at a time, and each gets its answer', async () => {
  const asked: number[][] = [];
  const double = askTogether(async (numbers: readonly number[]) => {
    asked.push([...numbers]);
    return numbers.map((number) => 2 * number);
  });
  const all = Array.from({ length: 40 }, (_, at) => at);
  expect(await Promise.all(all.map(double))).toEqual(all.map((number) => 2 * number));
  expect(asked.map(({ length }) => length)).toEqual([32, 8]);
  expect(await double(50)).toBe(100);
  expect(asked.at(-1)).toEqual([50]);
});

test('one that cannot be answered fails alone', async () => {
  const invert = askTogether(async (numbers: readonly number[]) => {
    if (numbers.includes(0)) throw new Error('nothing divides by 0');
    return numbers.map((number) => 1 / number);
  });
  const answers = await Promise.allSettled([1, 0, 2].map(invert));
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});
