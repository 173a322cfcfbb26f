/**
 * The recovery phrase: 24 words (BIP 39, English) that are the root key, written down on paper once. The words hold
 * the 32 bytes of the key's seed themselves plus 8 bits of checksum; there is no password and nothing is stretched,
 * because 256 bits need none.
 */
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { Failure } from '../failure.ts';

const WORDS = 24;
const KNOWN: ReadonlySet<string> = new Set(wordlist);

export function phraseOf(rootSeed: Uint8Array): string {
  return entropyToMnemonic(rootSeed, [...wordlist]);
}

/** As people type it: any case, any space between the words. The 32 bytes, or what is wrong with which word. */
export function readPhrase(typed: string): Uint8Array | Failure {
  const words = typed
    .normalize('NFKD')
    .trim()
    .toLowerCase()
    .split(/\s+/u)
    .slice(0, 2 * WORDS);
  const wrong = words.findIndex((word) => !KNOWN.has(word));
  if (wrong >= 0 && words[wrong] !== '') return unknownWord(words[wrong] ?? '', wrong + 1);
  if (words.length !== WORDS) {
    const found = words[0] === '' ? 0 : words.length;
    return new Failure('bad_request', `A recovery phrase has ${WORDS} words, here are ${found}. Type all of them.`);
  }
  try {
    return mnemonicToEntropy(words.join(' '), [...wordlist]);
  } catch (cause) {
    return new Failure(
      'bad_request',
      'Each word exists, but together they are no recovery phrase: one was mistaken for another, or two were swapped. Compare them with your paper, one by one.',
      { cause },
    );
  }
}

function unknownWord(word: string, place: number): Failure {
  const shown = word.length > 20 ? `${word.slice(0, 20)}…` : word;
  const near = wordlist.filter((known) => isOneSlipAway(word, known)).slice(0, 5);
  const hint =
    near.length === 0 ? 'Compare it with your paper.' : `Did you mean ${near.map((each) => `“${each}”`).join(' or ')}?`;
  return new Failure('bad_request', `Word ${place}, “${shown}”, is in no recovery phrase. ${hint}`);
}

/** One letter too many, too few, another, or two neighbors swapped. */
function isOneSlipAway(typed: string, known: string): boolean {
  if (Math.abs(typed.length - known.length) > 1) return false;
  let start = 0;
  while (start < typed.length && typed[start] === known[start]) start += 1;
  const [a, b] = [typed.slice(start), known.slice(start)];
  return (
    a.slice(1) === b.slice(1) ||
    a.slice(1) === b ||
    a === b.slice(1) ||
    (a.slice(2) === b.slice(2) && a[0] === b[1] && a[1] === b[0])
  );
}
