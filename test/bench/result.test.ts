import { expect, test } from 'vitest';
import { quantile } from './quantile.ts';
import { judge, tableOf, type Row } from './result.ts';

const row = (change: Partial<Row>): Row => ({
  stage: 'trace',
  measure: 'edits in',
  unit: 'edits/s',
  ours: 100,
  peers: { a: 50, b: 80 },
  ...change,
});

test('where more is better the best peer is the fastest, where less is better the leanest', () => {
  expect(judge(row({ target: { ratio: 'at-least', of: 1.25 } }))).toEqual({ ratio: 1.25, bar: '≥ 1.25×', met: true });
  expect(judge(row({ ours: 40, target: { ratio: 'at-most', of: 0.75 } }))).toEqual({
    ratio: 0.8,
    bar: '≤ 0.75×',
    met: false,
  });
});

test('a peer that could not do it is no peer to beat, and without any there is no verdict', () => {
  expect(judge(row({ peers: { a: null, b: 80 }, target: { ratio: 'at-least', of: 1 } })).ratio).toBe(1.25);
  expect(judge(row({ peers: {}, target: { ratio: 'at-least', of: 1 } })).met).toBeNull();
  expect(tableOf([row({ peers: { a: null } })])).toContain('never');
});

test('what was not measured meets no limit', () => {
  expect(judge(row({ ours: Number.NaN, target: { limit: 'at-most', of: 10 } })).met).toBe(false);
});

test('quantiles are values that were measured', () => {
  expect([0, 0.5, 0.95, 1].map((part) => quantile([3, 1, 2, 4], part))).toEqual([1, 2, 4, 4]);
  expect(quantile([], 0.5)).toBeNaN();
});
