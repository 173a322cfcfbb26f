/** What of a document stands in its published page. */
import { expect, test } from 'vitest';
import { buildTree } from '@markco/protocol';
import { drawDocument } from './document.ts';
import { linksOf, type Links } from './links.ts';

const NOWHERE: Links = { page: () => null, wiki: () => null, file: () => null };
const cell = (options: string, output: string): string =>
  `\`\`\`python\n${options}x = 1\n\`\`\`\n\n\`\`\`output\n${output}\n\`\`\`\n`;

test.each([
  [
    'code in colors',
    cell('', 'y'),
    '<pre tabindex="0"><code class="language-python">x = <span class="tok-number">1</span>\n</code></pre>\n<div class="output"><pre>y</pre></div>\n',
  ],
  ['no code where a cell hides it', cell('#| echo: false\n', 'y'), '<div class="output"><pre>y</pre></div>\n'],
  ['no output where a cell hides it', cell('#| output: false\n#| echo: false\n', 'y'), ''],
  [
    'output as Markdown where a cell says so',
    cell('#| output: asis\n#| echo: false\n', '**y** <b>'),
    '<p><strong>y</strong> &lt;b&gt;</p>\n',
  ],
  [
    'HTML that a program made in a frame without an origin',
    cell('#| output: asis\n#| echo: false\n', '<b title="x">y</b>'),
    expect.stringMatching(/^<iframe sandbox="" [^<>]*&lt;b title=&quot;x&quot;&gt;y&lt;\/b&gt;"><\/iframe>\n$/),
  ],
  [
    'colors of a terminal by name, and none that is not',
    cell('#| echo: false\n', '\u001b[1;31mr\u001b[0m\u001b[38;2;1;2;3mt\u001b]52;c;eA==\u0007'),
    '<div class="output"><pre><span class="c1 bold">r</span>t</pre></div>\n',
  ],
  [
    'an output of many lines folded',
    cell('#| echo: false\n', 'a\n'.repeat(30).trim()),
    expect.stringContaining('<details><summary>30 lines of output</summary><pre>a\na'),
  ],
  ['a picture that is not here by its words', '![a *cat*](cat.png)\n', '<p><span class="missing">a cat</span></p>\n'],
  ['a formula', '$a<b$\n', expect.stringMatching(/^<p><span class="math inline">.*<mo>&lt;<\/mo>/)],
  [
    'a formula that is none as it is written',
    '$\\frac{<b>$\n',
    '<p><span class="math inline"><code class="wrong">\\frac{&lt;b&gt;</code></span></p>\n',
  ],
  ['no link that a formula makes', '$\\href{javascript:x}{y}$\n', expect.not.stringMatching(/href=/)],
])('shows %s', async (_what, text, html) => {
  expect(await drawDocument(text, NOWHERE)).toEqual(html);
});

test('links lead to the published pages, and nowhere else of the project', () => {
  const addresses = new Map([
    ['01-a.md', '/@ada/notes/a'],
    ['sub/02-b c.qmd', '/@ada/notes/sub/b%20c'],
    ['sub/c.md', '/@ada/notes/sub/c'],
  ]);
  const tree = buildTree(['01-a', 'sub/02-b c', 'sub/c']);
  const site = {
    files: [...addresses.keys()],
    tree,
    addressOf: (file: string) => addresses.get(file) ?? null,
    assetOf: (path: string) => (path === '_assets/x.png' ? '/@ada/notes/_assets/x.png' : null),
  };
  const links = linksOf(site, { file: 'sub/c.md', path: 'sub/c' });
  const b = '/@ada/notes/sub/b%20c';
  for (const written of ['02-b%20c.qmd', './02-b%20c', '02-b%20c/', '/sub/02-b%20c.qmd'])
    expect(links.page(written)).toBe(b);
  expect(links.page('../01-a.md#there')).toBe('/@ada/notes/a#there');
  for (const elsewhere of ['https://example.com/x', 'mailto:a@example.com', '#here', '//example.com'])
    expect(links.page(elsewhere)).toBe(elsewhere);
  for (const gone of ['private.md', '../../x.md', '../data.csv', '']) expect(links.page(gone)).toBeNull();
  expect([links.wiki('b c'), links.wiki('a#there'), links.wiki('gone'), links.wiki('#here')]).toEqual([
    b,
    '/@ada/notes/a#there',
    null,
    '#here',
  ]);
  expect([links.wiki('prev'), links.wiki('next'), links.wiki('home')]).toEqual([b, null, '/@ada/notes/a']);
  expect(links.file('../_assets/x.png')).toBe('/@ada/notes/_assets/x.png');
  for (const no of ['https://example.com/x.png', '//example.com/x.png', '../y.png', 'data:image/png;base64,x'])
    expect(links.file(no)).toBeNull();
});
