import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { absolutePath, relativePath } from './relative-path.ts';

test('a path in a document is found from the folder of the document', () => {
  expect(absolutePath('notes/day', '../img/a%20b.png')).toBe('img/a b.png');
  expect(absolutePath('day', './_assets/x.png?v=1#top')).toBe('_assets/x.png');
  expect(absolutePath('a/b/c', '/img/x.png')).toBe('img/x.png');
  expect(absolutePath('a', '100%.png')).toBe('100%.png');
});

test('no path leads out of the project', () => {
  expect(absolutePath('a/b', '../../../../etc/passwd')).toBe('etc/passwd');
  expect(absolutePath('a', '%2e%2e/%2e%2e/x')).toBe('x');
});

test('a document names a file so that it is found again', () => {
  const name = fc.stringMatching(/^[a-z0-9_]{1,6}$/);
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  fc.assert(fc.property(path, path, (document, file) => absolutePath(document, relativePath(document, file)) === file));
});
