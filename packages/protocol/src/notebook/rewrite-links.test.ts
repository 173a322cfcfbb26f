import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyEdits } from './edit.ts';
import { findLinks } from './links.ts';
import { resolveAddress, resolveWikiTarget } from './resolve-link.ts';
import { type Rename, rewriteLinks } from './rewrite-links.ts';

const rewrite = (text: string, file: string, ...renames: readonly (readonly [string, string])[]) =>
  applyEdits(
    text,
    rewriteLinks(
      text,
      file,
      renames.map(([from, to]) => ({ from, to })),
    ),
  );

test('all kinds of links are found with their places', () => {
  const text =
    '[a](b.md#c "t") ![d](<e f.png>) [g][h] [[i#j|k]] [[next]]\n\n[h]: ../l.md "m"\n\n`[n](o)` \\[p](q) <https://r.s>\n\n```\n[t](u)\n```\n';
  const links = findLinks(text);
  expect(
    links.map((link) => [link.kind, text.slice(link.targetFrom, link.targetTo), link.target, link.anchor]),
  ).toEqual([
    ['link', 'b.md#c', 'b.md', 'c'],
    ['image', '<e f.png>', 'e f.png', null],
    ['wiki', 'i', 'i', 'j'],
    ['wiki', 'next', 'next', null],
    ['definition', '../l.md', '../l.md', null],
  ]);
  expect(links.flatMap((link) => (link.kind === 'wiki' ? [link.place] : []))).toEqual([null, 'next']);
});

test.each([
  ['b.md', 'a.md', 'b.md'],
  ['../b.md', 'x/a.md', 'b.md'],
  ['./b%20c.md?q#h', 'x/a.md', 'x/b c.md'],
  ['/b.md', 'x/a.md', 'b.md'],
  ['x/', 'a.md', 'x/'],
  ['../../b.md', 'x/a.md', null],
  ['https://b.md', 'a.md', null],
  ['mailto:a@b', 'a.md', null],
  ['//b/c', 'a.md', null],
  ['#h', 'a.md', null],
  ['?q', 'a.md', null],
  ['', 'a.md', null],
  ['%ff.md', 'a.md', '%ff.md'],
])('%j in %j leads to %j', (address, file, target) => {
  expect(resolveAddress(address.replace(/#.*/, ''), file)).toBe(target);
});

test('a wiki target is a path, a name, or a name without its number; the nearest wins', () => {
  const files = ['01-intro.md', 'x/02-data.md', 'x/notes.md', 'y/notes.md', 'y/My page.qmd', 'z.png'];
  expect(resolveWikiTarget('intro', 'a.md', files)).toBe('01-intro.md');
  expect(resolveWikiTarget('x/02-data', 'a.md', files)).toBe('x/02-data.md');
  expect(resolveWikiTarget('Notes', 'y/a.md', files)).toBe('y/notes.md');
  expect(resolveWikiTarget('notes', 'x/a.md', files)).toBe('x/notes.md');
  expect(resolveWikiTarget('my-page', 'a.md', files)).toBe('y/My page.qmd');
  expect(resolveWikiTarget('z', 'a.md', files)).toBeNull();
  expect(resolveWikiTarget(' ', 'a.md', files)).toBeNull();
});

test.each([
  // Another document moved.
  ['[x](b.md)', 'a.md', 'b.md', 'c.md', '[x](c.md)'],
  ['[x](b.md#h "t")', 'a.md', 'b.md', 'c/d.md', '[x](c/d.md#h "t")'],
  ['[x](./b.md)', 'a.md', 'b.md', 'c.md', '[x](./c.md)'],
  ['[x](../b.md)', 'y/a.md', 'b.md', 'y/b.md', '[x](b.md)'],
  ['[x](/b.md)', 'y/a.md', 'b.md', 'c.md', '[x](/c.md)'],
  ['[x](b)', 'a.md', 'b.md', 'c.md', '[x](c)'],
  ['[x](b.md)', 'a.md', 'b.md', 'my page.md', '[x](my%20page.md)'],
  ['[x](<b.md>)', 'a.md', 'b.md', 'my page.md', '[x](<my page.md>)'],
  ['[x](my%20dir/b.md)', 'a.md', 'my dir/b.md', 'my dir/c(1).md', '[x](my%20dir/c%281%29.md)'],
  ['[x](%C3%A9/b.md)', 'a.md', 'é/b.md', 'é/ü.md', '[x](%C3%A9/%C3%BC.md)'],
  ['[x](é/b.md)', 'a.md', 'é/b.md', 'é/ü.md', '[x](é/ü.md)'],
  ['![x](i.png)', 'a.md', 'i.png', '_assets/i.png', '![x](_assets/i.png)'],
  ['[r]: b.md "t"', 'a.md', 'b.md', 'c.md', '[r]: c.md "t"'],
  ['[![i](b.md)](b.md)', 'a.md', 'b.md', 'c.md', '[![i](c.md)](c.md)'],
  ['[[b]] [[B|t]] [[b#h]]', 'a.md', 'b.md', 'c.md', '[[c]] [[c|t]] [[c#h]]'],
  ['[[x/b]]', 'a.md', 'x/b.md', 'y/b.md', '[[y/b]]'],
  ['[[b]]', 'a.md', 'x/b.md', 'y/b.md', '[[b]]'],
  ['[[b]] [[02-b]]', 'a.md', '02-b.md', '03-b.md', '[[b]] [[03-b]]'],
  ['[[b.md]]', 'a.md', 'b.md', 'c.md', '[[c.md]]'],
  ['[[next]] [[home]]', 'a.md', 'next.md', 'c.md', '[[next]] [[home]]'],
  [
    '`[x](b.md)` [x](https://b.md) [x](#b.md) [x](../b.md)',
    'a.md',
    'b.md',
    'c.md',
    '`[x](b.md)` [x](https://b.md) [x](#b.md) [x](../b.md)',
  ],
  ['[x](bb.md) [[bb]]', 'a.md', 'b.md', 'c.md', '[x](bb.md) [[bb]]'],
  // The document itself moved.
  ['[x](b.md) ![i](_assets/i.png)', 'a.md', 'a.md', 'y/a.md', '[x](../b.md) ![i](../_assets/i.png)'],
  ['[x](../b.md#h)', 'y/a.md', 'y/a.md', 'a.md', '[x](b.md#h)'],
  ['[x](y%20z/b.md)', 'a.md', 'a.md', 'q/a.md', '[x](../y%20z/b.md)'],
  ['[x](a.md) [x](#h)', 'a.md', 'a.md', 'y/c.md', '[x](c.md) [x](#h)'],
  ['[x](b.md)', 'a.md', 'a.md', 'c.md', '[x](b.md)'],
  ['[x](/b.md)', 'a.md', 'a.md', 'y/a.md', '[x](/b.md)'],
])('%j in %j, when %j becomes %j, is %j', (text, file, from, to, expected) => {
  expect(rewrite(text, file, [from, to])).toBe(expected);
});

test('two files may swap their names', () => {
  expect(rewrite('[a](01-a.md) [b](02-b.md)', 'x.md', ['01-a.md', '02-a.md'], ['02-b.md', '01-b.md'])).toBe(
    '[a](02-a.md) [b](01-b.md)',
  );
  expect(rewrite('[a](1.md) [b](2.md)', 'x.md', ['1.md', '2.md'], ['2.md', '1.md'])).toBe('[a](2.md) [b](1.md)');
});

test('a wiki link that means another file of the name stays', () => {
  const rename = { from: 'x/b.md', to: 'x/c.md' };
  const files = ['a.md', 'b.md', 'x/b.md', 'x/a.md'];
  expect(rewriteLinks('[[b]]', 'a.md', rename, { files })).toEqual([]);
  expect(rewriteLinks('[[b]]', 'x/a.md', rename, { files })).toMatchObject([{ insert: 'c' }]);
});

const name = fc.constantFrom(
  'a.md',
  'b.md',
  'c d.md',
  'é.qmd',
  '(1).md',
  '100%.md',
  'a&amp;b.md',
  '#x.md',
  'q?.md',
  "it's.md",
  '[x].md',
  '*_*.md',
  'i.png',
  '<t>.md',
);
const folder = fc.constantFrom('', 'x/', 'x/y/', 'é z/', 'w(1)/');
const file = fc.tuple(folder, name).map(([path, base]) => path + base);

test('links lead to the same files after any moves', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(file, { minLength: 2, maxLength: 8 }),
      fc.uniqueArray(file, { minLength: 8, maxLength: 8 }),
      fc.boolean(),
      (files, targets, isAngled) => {
        const [source = ''] = files;
        const renames: Rename[] = files.flatMap((from, i) =>
          i % 2 === 0 ? [{ from, to: `new/${targets[i] ?? ''}` }] : [],
        );
        const to = new Map(renames.map((rename) => [rename.from, rename.to]));
        const up = source
          .split('/')
          .slice(1)
          .map(() => '../')
          .join('');
        const link = (target: string) =>
          up +
          target
            .split('/')
            .map((part) =>
              encodeURIComponent(part).replaceAll(/[()'*!]/g, (char) => `%${char.charCodeAt(0).toString(16)}`),
            )
            .join('/');
        const text = files.map((target) => `[x](${isAngled ? `<${link(target)}>` : link(target)} "t") and\n`).join('');
        const after = applyEdits(text, rewriteLinks(text, source, renames));
        const newSource = to.get(source) ?? source;
        const reached = findLinks(after).map((found) => resolveAddress(found.target, newSource));
        expect(reached).toEqual(files.map((target) => to.get(target) ?? target));
        // Only targets changed.
        expect(after.replaceAll(/\]\([^"]*"t"\)/g, '')).toBe(text.replaceAll(/\]\([^"]*"t"\)/g, ''));
      },
    ),
    { numRuns: 2_000 },
  );
});
