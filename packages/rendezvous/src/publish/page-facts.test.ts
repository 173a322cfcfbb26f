/** What a page says of itself. */
import { expect, test } from 'vitest';
import { PAGE_CHARS_MAX, pageFactsOf } from './page-facts.ts';

const factsOf = (text: string, settings = {}) => pageFactsOf(text, '02-a-page.md', 'id', settings);

test('title, words and names come from the front matter, else from the text', () => {
  expect(
    factsOf(
      '---\ntitle: T\nabstract: About\nauthor: [Ada, { name: Bob }]\ndate: 2026-11-22 10:00\nlang: fr\n---\n# H\n',
    ),
  ).toEqual({
    ...{ title: 'T', description: 'About', author: 'Ada, Bob', date: '2026-11-22', lang: 'fr' },
    ...{ leftOut: null, findings: [], files: [] },
  });
  expect(factsOf('# H *x*\n\nFirst **words**.\n\nMore.\n')).toMatchObject({
    title: 'H x',
    description: 'First words.',
    author: null,
    lang: 'en',
  });
  expect(factsOf('')).toMatchObject({ title: 'A page', description: '' });
  expect(factsOf(`${'word '.repeat(100)}`).description).toHaveLength(200);
});

test('what keeps a page private', () => {
  const why = (text: string, settings = {}) => factsOf(text, settings).leftOut;
  for (const yaml of [
    'publish: false',
    'publish: no',
    'published: off',
    'publish: "False"',
    'draft: true',
    'draft: yes',
  ])
    expect([yaml, why(`---\n${yaml}\n---\n`)]).toEqual([yaml, expect.any(String)]);
  for (const yaml of ['publish: true', 'draft: false', 'title: publish'])
    expect([yaml, why(`---\n${yaml}\n---\n`)]).toEqual([yaml, null]);
  expect(why('# A\n', { publish: false })).toEqual(expect.any(String));
  expect(why('---\npublish: true\n---\n', { publish: false })).toBeNull();
  // What cannot be read may have said so.
  expect(why('---\npublish: [\n---\n')).toContain('cannot be read');
  expect(why('---\npublish: false\n# A\n')).toContain('cannot be read');
  expect(why('x'.repeat(PAGE_CHARS_MAX + 1))).toContain('longer');
});
