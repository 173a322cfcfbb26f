import { expect, test } from 'vitest';
import { summaryLines } from './summary-reporter.ts';

test('a run ends with what passed and what failed', () => {
  expect(summaryLines({ passed: 3, failed: ['a.test.ts > b'], skipped: [], stray: [] })).toEqual([
    'Failed: a.test.ts > b',
    '3 passed, 1 failed',
  ]);
});

test('a skipped test is named with its reason and counted', () => {
  const lines = summaryLines({
    passed: 3,
    failed: [],
    skipped: [
      { name: 'a > b', reason: 'needs root' },
      { name: 'c', reason: undefined },
    ],
    stray: [],
  });
  expect(lines).toEqual([
    'Skipped:',
    '  a > b: needs root',
    '  1 that were not selected',
    '3 passed, 0 failed, 2 skipped',
  ]);
});

test('an error outside any test counts as a failure', () => {
  expect(summaryLines({ passed: 3, failed: [], skipped: [], stray: ['x.test.ts: no such module'] }).at(-1)).toBe(
    '3 passed, 1 failed',
  );
});

test('a run in which nothing ran has failed', () => {
  expect(summaryLines({ passed: 0, failed: [], skipped: [], stray: [] }).at(-1)).toBe('0 passed, 1 failed');
});
