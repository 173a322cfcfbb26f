import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTerminal } from './terminal.ts';

function fold(...chunks: readonly string[]): string {
  const terminal = createTerminal();
  for (const chunk of chunks) terminal.write(chunk, 'stdout');
  return terminal.text();
}

test.each([
  ['plain lines', 'a\nb\n', 'a\nb'],
  ['a bar that returns to the start of its line', '10%\r20%\r100%', '100%'],
  ['a shorter text over a longer one', 'abcdef\rxy', 'xycdef'],
  ['erasing to the end of the line', 'abcdef\rxy\x1b[K', 'xy'],
  ['erasing the line', 'abcdef\x1b[2K\rxy', 'xy'],
  ['erasing to the cursor', 'abcdef\x1b[3D\x1b[1K', '    ef'],
  ['backspace', 'abc\b\bX', 'aXc'],
  ['cursor up', 'one\ntwo\n\x1b[2AONE', 'ONE\ntwo'],
  ['cursor up that leaves the column', 'one\ntwo\x1b[AX', 'oneX\ntwo'],
  ['cursor to a column', 'abcdef\x1b[3GX', 'abXdef'],
  ['erasing the screen from here', 'one\ntwo\nthree\x1b[2A\r\x1b[J', ''],
  ['home and erase', 'one\ntwo\x1b[H\x1b[2Jnew', 'new'],
  ['a tab', 'a\tb', 'a       b'],
  ['a title that is dropped', '\x1b]0;evil\x07ok', 'ok'],
  ['a clipboard write that is dropped', '\x1b]52;c;aGk=\x1b\\ok', 'ok'],
  ['a link whose text stays', '\x1b]8;;https://evil\x1b\\text\x1b]8;;\x1b\\', 'text'],
  ['other controls that are dropped', 'a\x00\x07\x7fb\x1b(Bc\x1b[?25ld', 'abcd'],
])('folds %s', (_name, input, expected) => {
  expect(fold(input)).toBe(expected);
});

test('two nested progress bars are two lines', () => {
  let text = '';
  for (let outer = 0; outer < 20; outer++) {
    text += `\router ${outer}\n`;
    for (let inner = 0; inner < 50; inner++) text += `\rinner ${inner}`;
    text += '\x1b[A';
  }
  expect(fold(text)).toBe('outer 19\ninner 49');
});

test('the result does not depend on how the text was cut', () => {
  const piece = fc.constantFrom(
    'ab',
    'x',
    '\n',
    '\r',
    '\b',
    '\x1b[31m',
    '\x1b[0m',
    '\x1b[A',
    '\x1b[2C',
    '\x1b[K',
    '\x1b[2J',
    '\x1b]0;t\x07',
    '\x1b(B',
    '\t',
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 60 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 20 }),
      (pieces, cuts) => {
        const whole = pieces.join('');
        const chunks: string[] = [];
        for (let at = 0, i = 0; at < whole.length; i++) {
          const size = (cuts[i % cuts.length] ?? 0) + 1;
          chunks.push(whole.slice(at, at + size));
          at += size;
        }
        expect(fold(...chunks)).toBe(fold(whole));
      },
    ),
  );
});

test('keeps at most the lines and characters it may, and counts what went', () => {
  const terminal = createTerminal({ linesMax: 100, charsMax: 10_000 });
  for (let i = 0; i < 5_000; i++) terminal.write(`line ${i}\n`, 'stdout');
  expect(terminal.lines().length).toBeLessThanOrEqual(100);
  expect(terminal.text().endsWith('line 4999')).toBe(true);
  expect(terminal.droppedLines() + terminal.lines().length).toBe(5_000);
});

test('a line without an end is broken, and stays bounded', () => {
  const terminal = createTerminal({ linesMax: 100, charsMax: 200_000 });
  for (let i = 0; i < 100; i++) terminal.write('x'.repeat(10_000), 'stdout');
  expect(terminal.text().length).toBeLessThanOrEqual(300_000);
});

test('says which lines changed', () => {
  const terminal = createTerminal();
  terminal.write('a\nb\nc\n', 'stdout');
  expect(terminal.takeDirty()).toBe(0);
  expect(terminal.takeDirty()).toBe(Number.POSITIVE_INFINITY);
  terminal.write('\x1b[AX', 'stdout');
  expect(terminal.takeDirty()).toBe(2);
});

test('colors: 16, 256 and true color, and what ends them', () => {
  const terminal = createTerminal();
  terminal.write('\x1b[1;31mred\x1b[0m \x1b[38;5;208morange\x1b[39m \x1b[48;2;1;2;3mdark\x1b[m', 'stdout');
  const spans = terminal.lines()[0]?.map(({ text, style }) => [text, style.fg, style.bg, style.bold]);
  expect(spans).toEqual([
    ['red', '1', '', true],
    [' ', '', '', false],
    ['orange', '#ff8700', '', false],
    [' ', '', '', false],
    ['dark', '', '#010203', false],
  ]);
});

test('what stderr says is marked, also after a reset of its colors', () => {
  const terminal = createTerminal();
  terminal.write('out ', 'stdout');
  terminal.write('\x1b[31merr\x1b[0m end', 'stderr');
  expect(terminal.lines()[0]?.map(({ style }) => style.stderr)).toEqual([false, true, true]);
});

test('folds ten megabytes in well under a second of work', () => {
  const terminal = createTerminal();
  const chunk = `${'x'.repeat(79)}\n`.repeat(800);
  const start = performance.now();
  for (let i = 0; i < 160; i++) terminal.write(chunk, 'stdout');
  expect(performance.now() - start).toBeLessThan(2_000);
});
