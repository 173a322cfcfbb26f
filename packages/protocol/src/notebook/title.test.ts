import { expect, test } from 'vitest';
import { outlineOf } from './outline.ts';
import { labelOf, titleOf } from './title.ts';

test.each([
  ['---\ntitle: From *front*\n---\n# Heading', 'From *front*'],
  ['---\ntitle: 2026\n---\n', '2026'],
  ['---\ntitle: ""\n---\n# Heading', 'Heading'],
  ['---\ntitle: [\n---\n# Heading', 'Heading'],
  ['## Second\n\n# A *b* `c` [d](e) &amp; \\* ![i](j) [[k|l]] $m$ #\n', 'A b c d & * i l m'],
  ['Setext\n======\n', 'Setext'],
  ['> # Quoted\n', 'Quoted'],
  ['```\n# code\n```\n', 'Raw data'],
  ['# \n', 'Raw data'],
  ['', 'Raw data'],
])('the title of %j is %j', (text, title) => {
  expect(titleOf(text, 'a/02-raw-data.md')).toBe(title);
});

test('a long title is cut', () => {
  expect(titleOf(`# ${'😀'.repeat(300)}`, 'a.md')).toBe(`${'😀'.repeat(199)}…`);
});

test.each([
  ['02-raw-data.md', 'Raw data'],
  ['x/_03-drafts', 'Drafts'],
  ['2026.md', '2026'],
  ['01-.md', '01 '.trim()],
  ['10.qmd', '10'],
  ['été.md', 'Été'],
  ['README.md', 'README'],
  ['_.md', '_'],
])('%j is called %j', (path, label) => {
  expect(labelOf(path)).toBe(label);
});

test('the outline has levels, places and anchors that differ', () => {
  const text = '---\na: 1\n---\n# One `x`!\n\n- ## Two words\n\nOne x\n---\n\n# One x 1\n';
  expect(
    outlineOf(text).map((heading) => [heading.level, heading.text, heading.slug, text.slice(heading.from, heading.to)]),
  ).toEqual([
    [1, 'One x!', 'one-x', '# One `x`!'],
    [2, 'Two words', 'two-words', '## Two words'],
    [2, 'One x', 'one-x-1', 'One x\n---'],
    [1, 'One x 1', 'one-x-1-1', '# One x 1'],
  ]);
});
