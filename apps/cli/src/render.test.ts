import { expect, test } from 'vitest';
import { duration, localTime, shortIds } from './render.ts';

test('an id is shortened to what nobody else in the list shares, eight characters at least', () => {
  const ids = ['019a8f3c-aaaa', '019a8f3c-aabb', '119a8f3c-aaaa'];
  expect(ids.map(shortIds(ids))).toEqual(['019a8f3c-aaa', '019a8f3c-aab', '119a8f3c']);
  expect(['a', 'a'].map(shortIds(['a', 'a']))).toEqual(['a', 'a']);
});

test.for([
  [0, '0 ms'],
  [999, '999 ms'],
  [2_340, '2.3 s'],
  [245_000, '4 min 05 s'],
  [7_620_000, '2 h 07 min'],
] as const)('%i milliseconds read as %s', ([ms, text]) => {
  expect(duration(ms)).toBe(text);
});

test('a time of today has no date, an older one has', () => {
  const now = new Date(2026, 10, 21, 18, 0).getTime();
  expect(localTime(new Date(2026, 10, 21, 14, 2).toISOString(), now)).toBe('14:02');
  expect(localTime(new Date(2026, 10, 20, 14, 2).toISOString(), now)).toBe('20 Nov 14:02');
});
