import { expect, test } from 'vitest';
import { writtenTitle } from './written-title.ts';

test.each([
  ['front matter before the heading', '---\ntitle: From above\n---\n\n# Heading\n', 'From above'],
  ['the first heading of the first level', 'text\n\n## Second\n\n# First *one*\n', 'First one'],
  ['an underlined heading', 'Under\n=====\n', 'Under'],
  ['front matter without a title', '---\nlang: fr\n---\n\n# Heading\n', 'Heading'],
  ['Windows line ends', '---\r\ntitle: A\r\n---\r\n', 'A'],
  ['no heading', 'just text\n', undefined],
  ['a comment in code is no heading', '```python\n# not me\n```\n', undefined],
  ['a heading of the second level only', '## Second\n', undefined],
  ['nothing', '', undefined],
])('%s', (_name, text, title) => {
  expect(writtenTitle(text)).toBe(title);
});

test('the start alone is looked at, so that a large document costs as little as a small one', () => {
  expect(writtenTitle(`${'x\n'.repeat(20_000)}# Late\n`)).toBeUndefined();
});
