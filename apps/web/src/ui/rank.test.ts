import { expect, test } from 'vitest';
import { rankItems } from './rank.ts';

const items = ['Welcome', 'Électricité', 'Data cleaning', 'Training the model', 'Notes 2024'].map((title) => ({
  title,
  detail: title.toLowerCase().replaceAll(' ', '-'),
}));
const titles = (query: string): readonly string[] => rankItems(items, query).map((item) => item.title);

test('a few letters find a title, whatever their accents and order of words', () => {
  expect(titles('welc')).toEqual(['Welcome']);
  expect(titles('electri')).toEqual(['Électricité']);
  expect(titles('model train')).toEqual(['Training the model']);
  expect(titles('xyz')).toEqual([]);
});

test('without a query the list is as it was, and never endless', () => {
  expect(titles('')).toEqual(items.map((item) => item.title));
  expect(
    rankItems(
      Array.from({ length: 5_000 }, () => ({ title: 'same', detail: '' })),
      'same',
    ).length,
  ).toBeLessThanOrEqual(60);
});
