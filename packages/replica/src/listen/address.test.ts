/** Whose address counts: that of the connection, unless a machine nearby says for whom it asks. */
import { expect, test } from 'vitest';
import { addressOf } from './address.ts';

test('what a server in front says counts only from nearby, and of that its last entry', () => {
  expect(addressOf('203.0.113.7', undefined)).toBe('203.0.113.7');
  expect(addressOf('::ffff:203.0.113.7', '198.51.100.1')).toBe('203.0.113.7');
  expect(addressOf('127.0.0.1', '198.51.100.1')).toBe('198.51.100.1');
  expect(addressOf('::ffff:172.18.0.2', 'made-up, 198.51.100.1')).toBe('198.51.100.1');
  expect(addressOf('172.32.0.2', '198.51.100.1')).toBe('172.32.0.2');
  expect(addressOf('::1', '')).toBe('::1');
  expect(addressOf('10.0.0.1', ['a', '2001:db8::1'])).toBe('2001:db8::1');
  expect(addressOf(undefined, undefined)).toBe('');
});
