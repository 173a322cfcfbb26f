import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeFile, encodeAs, encodeFile, endingsOf, isText } from './endings.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const written = (text: string, previous: string): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(encodeFile(text, bytes(previous)));
const anyText = fc
  .array(fc.oneof(fc.constantFrom('\r\n', '\n', '\r', '\uFEFF', 'a', 'line'), fc.string({ unit: 'binary' })), {
    maxLength: 30,
  })
  .map((pieces) => pieces.join('').toWellFormed().replaceAll('\0', ''));

test('a file that nobody changed is written back byte for byte', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const file = bytes(text);
      const { text: inside } = decodeFile(file);
      expect(inside).not.toContain('\r');
      expect(encodeFile(inside, file)).toEqual(file);
      expect(encodeAs(inside, endingsOf(file))).toEqual(file);
    }),
    { numRuns: 3_000 },
  );
});

test('whatever is written reads back as the text that was to be written', () => {
  fc.assert(
    fc.property(anyText, anyText, (previous, next) => {
      const text = decodeFile(bytes(next)).text;
      expect(decodeFile(encodeFile(text, bytes(previous))).text).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

test('in a file of mixed endings each untouched line keeps its own and a new one gets the usual', () => {
  expect(written('a\nb\nnew\nc\nd', 'a\r\nb\nc\r\nd')).toBe('a\r\nb\nnew\r\nc\r\nd');
  expect(written('a\nB\nc\nd', 'a\r\nb\nc\r\nd')).toBe('a\r\nB\nc\r\nd');
});

test('byte order mark, final newline and kind of ending stay', () => {
  expect(written('a\nb', '\uFEFFa\r\n')).toBe('\uFEFFa\r\nb');
  expect(decodeFile(bytes('\uFEFFa\rb\r'))).toEqual({ text: 'a\nb\n', bom: true, eol: 'cr' });
});

test('a file that changes its endings without end is noted up to a bound, and its text is whole', () => {
  const file = bytes('a\r\nb\n'.repeat(5_000));
  const form = endingsOf(file);
  expect(form.endings.length).toBe(1_000);
  expect(decodeFile(encodeAs(decodeFile(file).text, form)).text).toBe(decodeFile(file).text);
});

test('bytes that are no UTF-8 or hold a NUL are no text, and a text never makes such bytes', () => {
  expect(isText(Uint8Array.of(0xff, 0xfe))).toBe(false);
  expect(isText(bytes('a\0b'))).toBe(false);
  expect(written('a\0b\uD800', '')).toBe('a\uFFFDb\uFFFD');
});
