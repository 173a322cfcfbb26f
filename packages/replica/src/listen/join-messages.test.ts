import { expect, test } from 'vitest';
import { createJoinMessages } from './join-messages.ts';

const message = (text: string) => Buffer.from(text);

test('the same messages are joined once, others anew', () => {
  const join = createJoinMessages();
  const [a, b, c, d] = [message('a'), message('bb'), message('cc'), message('d')];
  const first = join([a, b, d]);
  expect(first).toEqual(message('abbd'));
  expect(join([a, b, d])).toBe(first);
  expect(join([a, c, d])).toEqual(message('accd'));
  expect(join([a, b])).toEqual(message('abb'));
});

test('much is not copied', () => {
  const join = createJoinMessages();
  const large = Buffer.alloc(40_000);
  expect(join([large, large])).toBeUndefined();
  expect(join([large])).toEqual(large);
});
