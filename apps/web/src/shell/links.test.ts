import type { Document } from '@markco/protocol';
import { expect, test } from 'vitest';
import { resolveLink } from './links.ts';

const documents = ['01-welcome', '02-data/01-load', '02-data/02-clean-up', '03-model', 'notes.qmd'].map(
  (path, index) =>
    ({ id: String(index), path, title: path === '03-model' ? 'The Great Model' : undefined }) as unknown as Document,
);
const [welcome, load, clean] = documents as [Document, Document, Document];

function led(target: string, from: Document): string | undefined {
  const link = resolveLink(target, from, documents);
  return link.kind === 'document'
    ? link.document.path + (link.heading === undefined ? '' : `#${link.heading}`)
    : link.kind === 'outside'
      ? link.url
      : undefined;
}

test('a link leads to the page it names, however it is written', () => {
  expect(led('02-data/01-load.md', welcome)).toBe('02-data/01-load');
  expect(led('../03-model.md#fit', load)).toBe('03-model#fit');
  expect(led('clean up', welcome)).toBe('02-data/02-clean-up');
  expect(led('Load|the data', welcome)).toBe('02-data/01-load');
  expect(led('the great model#end', load)).toBe('03-model#end');
  expect(led('#here', load)).toBe('02-data/01-load#here');
  expect(led('notes.qmd', welcome)).toBe('notes.qmd');
});

test('next, prev, up and home follow the order of the tree', () => {
  expect(led('next', welcome)).toBe('02-data/01-load');
  expect(led('prev', clean)).toBe('02-data/01-load');
  expect(led('up', clean)).toBe('02-data/01-load');
  expect(led('home', clean)).toBe('01-welcome');
  expect(led('prev', welcome)).toBeUndefined();
});

test('only the web and mail lead out; scripts, files and unknown names lead nowhere', () => {
  expect(led('https://example.org/a', welcome)).toBe('https://example.org/a');
  expect(led('mailto:a@example.org', welcome)).toBe('mailto:a@example.org');
  for (const bad of [
    'javascript:alert(1)',
    'JavaScript:x',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    '//evil.example',
    'nowhere',
  ])
    expect(led(bad, welcome)).toBeUndefined();
});
