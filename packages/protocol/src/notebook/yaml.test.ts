import { expect, test } from 'vitest';
import { readYaml } from './yaml.ts';

test('values are read as YAML 1.2 reads them', () => {
  expect(readYaml('a: 1\nb: [true, no, null]\nc:\n  d: "x"\n')).toEqual({
    value: { a: 1, b: [true, 'no', null], c: { d: 'x' } },
  });
  expect(readYaml('')).toEqual({ value: null });
  expect(readYaml('2026-11-21')).toEqual({ value: '2026-11-21' });
});

const BOMB = Array.from(
  { length: 12 },
  (_, i) => `a${i}: &a${i} [${i === 0 ? '1' : Array.from({ length: 9 }, () => `*a${i - 1}`).join(',')}]`,
).join('\n');

test.each([
  ['broken text', 'a: ['],
  ['a key twice', 'a: 1\na: 2'],
  ['aliases that multiply', BOMB],
  ['an alias to itself', 'a: &a [*a]'],
  ['very deep lists', '['.repeat(30_000)],
  ['very deep dashes', '- '.repeat(30_000)],
  ['very deep indentation', Array.from({ length: 60 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
  ['very long text', 'a'.repeat(100_000)],
  ['very many values', `[${'1,'.repeat(20_000)}1]`],
  ['a map as a key', '? {a: 1}\n: 2'],
  ['two documents', 'a: 1\n---\nb: 2'],
])('%s is an error in words', (_what, text) => {
  const result = readYaml(text);
  expect('error' in result && result.error).toMatch(/^The YAML .*\.$/s);
});

test('keys that reach into a prototype are left out', () => {
  const result = readYaml('__proto__: {a: 1}\nconstructor: {prototype: {a: 1}}\nb: {__proto__: 1, c: 2}');
  expect(result).toEqual({ value: { b: { c: 2 } } });
  expect(Object.getPrototypeOf('value' in result ? result.value : null)).toBe(Object.prototype);
  expect(({} as Record<string, unknown>)['a']).toBeUndefined();
});
