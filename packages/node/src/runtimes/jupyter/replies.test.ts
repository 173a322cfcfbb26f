import { expect, test } from 'vitest';
import { completionOf, inspectionOf, nameAt, toPoints, toUnits } from './replies.ts';

test('positions are counted in code points there and in UTF-16 units here', () => {
  const code = 'a😀b😀.x';
  for (let points = 0; points <= Array.from(code).length; points += 1)
    expect(toPoints(code, toUnits(code, points))).toBe(points);
  const reply = { matches: ['xylophone'], cursor_start: 5, cursor_end: 6 };
  expect(completionOf(reply, code, code.length)).toMatchObject({ cursorStart: 7, cursorEnd: 8 });
});

test('matches keep what the kernel knows of them, and are bounded', () => {
  const reply = {
    matches: ['print', 'private', 7],
    metadata: {
      _jupyter_types_experimental: [{ text: 'print', type: 'function', signature: '(value)' }, null, { text: 3 }],
    },
  };
  expect(completionOf(reply, 'pri', 3)).toEqual({
    matches: [
      { label: 'print', kind: 'function', detail: '(value)' },
      { label: 'private', kind: 'variable' },
    ],
    cursorStart: 3,
    cursorEnd: 3,
    source: 'runtime',
  });
  const many = Array.from({ length: 2_000 }, (_, index) => `n${index}`);
  expect(completionOf({ matches: many }, '', 0).matches).toHaveLength(500);
  expect(completionOf({ matches: 'none', metadata: [] }, 'a', 1).matches).toEqual([]);
});

test('what IPython and IRkernel say of a name is read by its headings', () => {
  const python = `\x1b[31mSignature:\x1b[39m len(obj, /)\n\x1b[31mDocstring:\x1b[39m Return the number.\n\nMore: of it.\n\x1b[31mType:\x1b[39m      builtin_function_or_method`;
  const asked = { found: true, data: { 'text/plain': python } };
  expect(inspectionOf(asked, 'len', 2, 1)).toEqual({
    found: true,
    source: 'runtime',
    name: 'len',
    type: 'builtin_function_or_method',
    signature: 'len(obj, /)',
    docstring: 'Return the number.\n\nMore: of it.',
  });
  expect(inspectionOf(asked, 'len', 2, 0)).not.toHaveProperty('docstring');
  const r = `# Class attribute:\n[1] "numeric"\n\n# Printed form:\n[1] 5\n`;
  expect(inspectionOf({ found: true, data: { 'text/plain': r } }, 'x', 1, 1)).toMatchObject({
    type: 'numeric',
    value: '[1] 5',
  });
  const plain = { found: true, data: { 'text/plain': '_\bO_\bn_\be line' } };
  expect(inspectionOf(plain, 'x', 1, 1)).toMatchObject({ docstring: 'One line' });
  expect(inspectionOf({ found: false, data: {} }, 'x', 1, 1)).toEqual({ found: false, source: 'runtime' });
});

test('the name at a position goes with what it is a part of', () => {
  expect(nameAt('np.array(x)', 5)).toBe('np.array');
  expect(nameAt('df$total + 1', 8)).toBe('df$total');
  expect(nameAt('f(größe)', 4)).toBe('größe');
  expect(nameAt('', 0)).toBe('');
});
