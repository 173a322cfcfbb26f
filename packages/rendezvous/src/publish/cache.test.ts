/** The bound of what is kept drawn. */
import { expect, test } from 'vitest';
import { createCache } from './cache.ts';

test('what was asked for longest ago goes when there is too much, and what is too large is not kept', () => {
  const cache = createCache(80);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) cache.set(name, new Uint8Array(10));
  expect(cache.get('a')).toHaveLength(10);
  cache.set('i', new Uint8Array(10));
  expect([cache.get('b'), cache.get('a')?.length, cache.bytes]).toEqual([undefined, 10, 80]);
  cache.set('large', new Uint8Array(11));
  expect([cache.get('large'), cache.bytes]).toEqual([undefined, 80]);
  cache.set('c', new Uint8Array(2));
  expect(cache.bytes).toBe(72);
});
