import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { createOwnCopy } from './own-copy.ts';

const Names = z.array(z.string());

test('what was written is read again, by another page too', async () => {
  const factory = new IDBFactory();
  await createOwnCopy(factory).write('names', ['a', 'b']);
  expect(await createOwnCopy(factory).read('names', Names)).toEqual(['a', 'b']);
});

test('a value of another shape counts as nothing', async () => {
  const copy = createOwnCopy(new IDBFactory());
  await copy.write('names', [1, 2]);
  expect(await copy.read('names', Names)).toBeUndefined();
  expect(await copy.read('nothing', Names)).toBeUndefined();
});

test('what is forgotten is gone, and nothing else', async () => {
  const copy = createOwnCopy(new IDBFactory());
  for (const key of ['list:a', 'list:b', 'last']) await copy.write(key, [key]);
  await copy.forget('list:', new Set(['list:b']));
  expect(await copy.read('list:a', Names)).toBeUndefined();
  expect(await copy.read('list:b', Names)).toEqual(['list:b']);
  expect(await copy.read('last', Names)).toEqual(['last']);
});

test('a browser without storage opens anyway', async () => {
  const broken = new IDBFactory();
  broken.open = () => {
    throw new DOMException('denied', 'SecurityError');
  };
  const copy = createOwnCopy(broken);
  await copy.write('names', ['a']);
  expect(await copy.read('names', Names)).toBeUndefined();
});
