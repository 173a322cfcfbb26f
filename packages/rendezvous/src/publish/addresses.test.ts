/** Addresses of pages: short, and the same when pages change places. */
import { expect, test } from 'vitest';
import { addressesOf } from './addresses.ts';

test('numbers that order are left out, and lead there too', () => {
  const { of, to } = addressesOf(['01-intro', '02-data/01-clean up', 'notes']);
  expect([...of.values()]).toEqual(['intro', 'data/clean up', 'notes']);
  for (const address of ['01-intro', 'intro']) expect(to.get(address)).toBe('01-intro');
  expect(to.get('02-data/clean up')).toBeUndefined();
});

test('two that would have one address keep their numbers', () => {
  expect([...addressesOf(['01-a', '02-a', 'b', '03-b', '04-feed.xml']).of.values()]).toEqual([
    ...['01-a', '02-a', 'b', '03-b', '04-feed.xml'],
  ]);
});

test('index or readme at the top is the start', () => {
  const { of, to } = addressesOf(['00-README', 'a/index', '01-index']);
  expect([...of.values()]).toEqual(['README', 'a/index', '']);
  expect([to.get(''), to.get('01-index'), to.get('index')]).toEqual(['01-index', '01-index', undefined]);
  expect(addressesOf(['Readme']).of.get('Readme')).toBe('');
});
