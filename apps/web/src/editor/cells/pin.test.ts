import { codeOptions, type Language } from '@markco/protocol';
import { expect, test } from 'vitest';
import { pinEdit } from './pin.ts';

function pinned(code: string, name: string | null, language: Language = 'python'): string {
  const lines = code.split('\n');
  const edit = pinEdit(lines, language, name);
  if (edit !== null) lines.splice(edit.line, edit.replaces ? 1 : 0, ...(edit.text === null ? [] : [edit.text]));
  return lines.join('\n');
}

test.each<[string, string, string | null, string]>([
  ['is put above the code', 'x = 1', 'box', '#| on: box\nx = 1'],
  [
    'is put under the other options',
    '#| label: a\n#| echo: false\nx',
    'box',
    '#| label: a\n#| echo: false\n#| on: box\nx',
  ],
  ['takes the place of another', '#| label: a\n#|on : old\nx', 'box', '#| label: a\n#| on: box\nx'],
  ['is not written twice', '#| on: box\nx', 'box', '#| on: box\nx'],
  ['is taken out, and nothing else', '#| on: box\n#| label: a\nx = "on: box"', null, '#| label: a\nx = "on: box"'],
  ['that is not there is not taken out', '# on: box\nx', null, '# on: box\nx'],
  ['is found nowhere but in the options', 'x\n#| on: box', null, 'x\n#| on: box'],
  ['is not mistaken for what begins like it', '#| only: box\nx', null, '#| only: box\nx'],
  ['goes into an empty cell', '', 'box', '#| on: box\n'],
])('the device of a cell %s', (_name, code, name, expected) => {
  expect(pinned(code, name)).toBe(expected);
});

test('in JavaScript the option is a comment of JavaScript', () => {
  expect(pinned('1 + 1', 'box', 'js')).toBe('//| on: box\n1 + 1');
  expect(pinned('//| on: box\n1 + 1', null, 'js')).toBe('1 + 1');
});

test.each(['gpu-box', 'MacBook Air', 'yes', '42', 'a: b', 'it’s #1', '"quoted"', 'trailing.', 'Ada’s Mac', '~'])(
  'the name %s is read again as it was written',
  (name) => {
    expect(codeOptions(pinned('x', name), 'python')).toMatchObject({ on: name, problems: [] });
  },
);
