import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../failure.ts';
import { checkDocumentPath, documentPathOf, filePathOf, splitExt } from './path.ts';

const ACCEPTED: readonly (readonly [path: string, normal?: string])[] = [
  ['a'],
  ['a.md'],
  ['a/b.md'],
  ['01-intro/02-data.qmd'],
  ['_drafts/x.md'],
  ['a b/c d.md'],
  ['été.md'],
  ['e\u0301te\u0301.md', 'été.md'],
  ['日本語/ノート.md'],
  ['😀.md'],
  ['what?.md'],
  ['a"b.md'],
  ['a..b.md'],
  ['a/b..md'],
  ['-rf.md'],
  ['~.md'],
  ['$HOME.md'],
  ['%2e%2e/x.md'],
  ['console.md'],
  ['com.md'],
  ['com10.md'],
  ['nullable.md'],
  ['my.con'],
  ['node_modules.md'],
  ['a/node_modules_/b.md'],
  ['venv/a.md'],
  [`${'a'.repeat(252)}.md`],
  [Array.from({ length: 4 }, () => 'b'.repeat(255)).join('/')],
  [' a.md'],
  ['a/...b'.replace('...', 'x...')],
];
const REFUSED: readonly string[] = [
  '',
  '/',
  '/a.md',
  'a//b.md',
  'a/',
  '.',
  '..',
  './a.md',
  '../a.md',
  'a/../b.md',
  'a/./b.md',
  'a/..',
  '..\\a.md',
  'a\\b.md',
  'C:\\a.md',
  'C:/a.md',
  'a.md:stream',
  'a:b',
  'a\0.md',
  'a\nb.md',
  'a\tb.md',
  'a\u007f.md',
  'a\u0085.md',
  '.git/config',
  '.a.md',
  'a/.hidden/b.md',
  '.venv/x.md',
  '.md',
  'node_modules/x/README.md',
  'a/node_modules/b.md',
  '__pycache__/a.md',
  'CON',
  'con.md',
  'a/PRN.md',
  'aux/b.md',
  'NUL',
  'nul.tar.md',
  'COM1.md',
  'com9',
  'LPT1',
  'lpt9.qmd',
  'COM¹.md',
  'con .md',
  'CONIN$',
  'a./b.md',
  'a /b.md',
  'a.md.',
  'a.md ',
  '...',
  `${'a'.repeat(256)}`,
  `${'é'.repeat(128)}`,
  Array.from({ length: 5 }, () => 'b'.repeat(255)).join('/'),
  'a\ud800.md',
  '\udc00',
];

test.each(ACCEPTED.map(([path, normal = path]) => [path, normal] as const))('accepts %j', (path, normal) => {
  expect(checkDocumentPath(path)).toBe(normal);
});

test.each(REFUSED)('refuses %j with a sentence that says what to do', (path) => {
  const answer = checkDocumentPath(path);
  if (!(answer instanceof Failure)) throw new Error(`accepted as ${JSON.stringify(answer)}`);
  expect(answer.code).toBe('bad_request');
  expect(answer.message).toMatch(/^The document path .*\. [A-Z].*\.$/s);
});

test('what is accepted stays inside its project and is accepted again unchanged', () => {
  const part = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('..', '.', '', 'con', 'a', 'é', 'x:y', '~', 'a.md'),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
      const answer = checkDocumentPath(parts.join('/'));
      if (answer instanceof Failure) return;
      const url = new URL(answer.split('/').map(encodeURIComponent).join('/'), 'file:///project/');
      expect(url.pathname.startsWith('/project/')).toBe(true);
      expect(checkDocumentPath(answer)).toBe(answer);
    }),
    { numRuns: 2_000 },
  );
});

test('a file is split into its path and its extension', () => {
  expect(splitExt('a/b.md')).toEqual({ path: 'a/b', ext: '.md' });
  expect(splitExt('a.qmd')).toEqual({ path: 'a', ext: '.qmd' });
  for (const other of ['a.txt', 'a', '.md', 'a/.qmd', 'a.MD', 'amd']) expect(splitExt(other)).toBeNull();
});

test('a .qmd keeps its extension beside an .md of its name, and only then', () => {
  expect(documentPathOf('a.qmd', () => true)).toEqual({ path: 'a.qmd', ext: '.qmd' });
  expect(documentPathOf('a.qmd', () => false)).toEqual({ path: 'a', ext: '.qmd' });
  expect(documentPathOf('a.md', () => true)).toEqual({ path: 'a', ext: '.md' });
  expect(documentPathOf('a.txt', () => true)).toBeNull();
});

test('files get different paths and their paths lead back to them', () => {
  const file = fc
    .array(fc.constantFrom('.md', '.qmd', 'a', 'b'), { minLength: 1, maxLength: 5 })
    .map((parts) => `x${parts.join('')}`);
  fc.assert(
    fc.property(fc.uniqueArray(file, { maxLength: 12 }), (files) => {
      const documents = files.flatMap((name) => documentPathOf(name, (other) => files.includes(other)) ?? []);
      expect(new Set(documents.map((document) => document.path)).size).toBe(documents.length);
      expect(documents.map(filePathOf)).toEqual(files.filter((name) => splitExt(name) !== null));
    }),
    { numRuns: 2_000 },
  );
});
