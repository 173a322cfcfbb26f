import fc from 'fast-check';
import { expect, test } from 'vitest';
import { trials } from '../../../../setup/trials.ts';
import { good, refusal } from './identity.fixture.ts';
import { phraseOf, readPhrase } from './recovery.ts';

const seed = new Uint8Array(32).fill(0x7f);
const phrase = phraseOf(seed);
const words = phrase.split(' ');
const messageOf = (typed: string): string => refusal(readPhrase(typed)).message;

test('the words are those of BIP 39', () => {
  expect(phrase).toBe(
    `${'legal winner thank year wave sausage worth useful '.repeat(2)}legal winner thank year wave sausage worth title`,
  );
});

test('a phrase gives its key back, however it is spaced and spelled', () => {
  expect(good(readPhrase(phrase))).toEqual(seed);
  expect(good(readPhrase(`  ${words.join('\n ').toUpperCase()}\t`))).toEqual(seed);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      expect(good(readPhrase(phraseOf(bytes)))).toEqual(Uint8Array.from(bytes));
    }),
    trials('recovery phrases there and back', 200),
  );
});

test('a slip names the word and what it may have been', () => {
  const slip = (word: string) => messageOf(words.with(6, word).join(' '));
  expect(slip('wroth')).toBe('Word 7, “wroth”, is in no recovery phrase. Did you mean “worth”?');
  expect(slip('wort')).toContain('“worth”');
  expect(slip('woorth')).toContain('“worth”');
  expect(slip('xyzzyx')).toBe('Word 7, “xyzzyx”, is in no recovery phrase. Compare it with your paper.');
  expect(slip('x'.repeat(5_000))).toHaveLength(slip('x'.repeat(21)).length);
});

test('too few, too many, swapped and mistaken words are told apart', () => {
  expect(messageOf('')).toContain('24 words, here are 0');
  expect(messageOf(words.slice(1).join(' '))).toContain('here are 23');
  expect(messageOf(`${phrase} legal`)).toContain('here are 25');
  expect(messageOf([words[1], words[0], ...words.slice(2)].join(' '))).toContain('two were swapped');
  expect(messageOf(words.with(23, 'abandon').join(' '))).toContain('one was mistaken');
});
