import { expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { readFrontMatter } from './front-matter.ts';

const project = [
  '# Project',
  '```yaml config\ntitle: All\nsession:\n  python: {venv: .venv, cwd: ., name: main}\n```',
  'text',
  '```yaml config\nsession:\n  python: {cwd: src}\n  r: {path: /usr/bin/R}\nmine: [1, 2]\n```',
  '```yaml\ntitle: Not this\n```',
  '````\n```yaml config\ntitle: Nor this\n```\n````',
  '```yaml config\nbroken: [\n```',
].join('\n\n');

test('blocks merge in order and front matter wins', () => {
  const config = readConfig({
    project,
    document: '---\ntitle: Mine\nsession: {python: {name: own}}\nmine: [3]\noutputMeta: off\n---\n',
  });
  expect(config).toMatchObject({
    title: 'Mine',
    outputMeta: false,
    session: {
      python: { path: null, venv: '.venv', cwd: 'src', name: 'own' },
      r: { path: '/usr/bin/R' },
      bash: { path: null },
    },
    values: { mine: [3] },
    problems: [expect.stringContaining('YAML')],
  });
});

test('no sources are the defaults', () => {
  expect(readConfig({ project: null, document: 'text' })).toMatchObject({
    title: null,
    outputMeta: true,
    values: {},
    problems: [],
  });
});

test('values of the wrong kind are ignored', () => {
  const config = readConfig({ project: null, document: '---\ntitle: [a]\nsession: 3\n---\n' });
  expect(config).toMatchObject({ title: null, session: { python: { path: null } } });
});

test.each([
  ['---\na: 1\n---\n# b', { value: { a: 1 } }],
  ['---\na: 1\n...\n# b', { value: { a: 1 } }],
  ['---\r\na: 1\r\n---\r\nb', { value: { a: 1 } }],
  ['\ufeff---\na: 1\n---\n', { value: { a: 1 } }],
  ['---\na: 1\n\nb: 2\n---', { value: { a: 1, b: 2 } }],
  ['---\n---\n', { value: {} }],
  ['---\n# only a comment\n---\n', { value: {} }],
  ['---\na: [\n---\n', { error: expect.stringContaining('YAML') }],
  ['---\n- a\n---\n', undefined],
  ['---\n\n# a\n\n---\n', undefined],
  ['---\na: 1\n', undefined],
  ['\n---\na: 1\n---\n', undefined],
  ['----\na: 1\n---\n', undefined],
  ['text', undefined],
  ['', undefined],
])('the front matter of %j is %j', (text, result) => {
  expect(readFrontMatter(text)?.result).toEqual(result);
});

test('front matter says where it is', () => {
  const text = '---\na: 1\n---\nb';
  const found = readFrontMatter(text);
  expect(found && [text.slice(found.from, found.to), text.slice(found.contentFrom, found.contentTo)]).toEqual([
    '---\na: 1\n---',
    'a: 1',
  ]);
});
