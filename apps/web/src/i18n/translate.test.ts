import { expect, test } from 'vitest';
import { en } from '../messages/en.ts';
import { fr } from '../messages/fr.ts';
import { chooseLanguage, translate, type Message } from './translate.ts';

function holes(message: Message): readonly string[] {
  const text = typeof message === 'string' ? message : message.other;
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').toSorted();
}

test('holes are filled, numbers as the language writes them, and an empty hole stays to be seen', () => {
  expect(translate('Saved here · {time}', 'en', { time: '18:04' })).toBe('Saved here · 18:04');
  expect(translate('{count} lines', 'en', { count: 1204 })).toBe('1,204 lines');
  expect(translate('{count} lignes', 'fr', { count: 1204 })).toMatch(/^1\s204 lignes$/);
  expect(translate('Hello {name}', 'en')).toBe('Hello {name}');
});

test('each language has its own plural', () => {
  const edits = { one: '{count} edit', other: '{count} edits' };
  expect([0, 1, 2].map((count) => translate(edits, 'en', { count }))).toEqual(['0 edits', '1 edit', '2 edits']);
  expect([0, 1, 2].map((count) => translate(edits, 'fr', { count }))).toEqual(['0 edit', '1 edit', '2 edits']);
});

test('the first language that there are words for is chosen', () => {
  expect(chooseLanguage(['de-DE', 'fr-CA', 'en'])).toBe('fr');
  expect(chooseLanguage(['pt'])).toBe('en');
  expect(chooseLanguage([])).toBe('en');
});

test('French says everything English says, with the same holes', () => {
  expect(Object.keys(fr).toSorted()).toEqual(Object.keys(en).toSorted());
  for (const [key, message] of Object.entries(en)) {
    const other = fr[key as keyof typeof en];
    expect({ key, holes: holes(other), plural: typeof other }).toEqual({
      key,
      holes: holes(message),
      plural: typeof message,
    });
  }
});

test('French words are French: few are the same as in English', () => {
  const same = Object.entries(en).filter(
    ([key, message]) => JSON.stringify(fr[key as keyof typeof en]) === JSON.stringify(message),
  );
  expect(same.map(([key]) => key).toSorted()).toEqual([
    'documents',
    'groupDocument',
    'ok',
    'pages',
    'sessionCpu',
    'sessions',
    'variables',
  ]);
});
