import { ensureSyntaxTree } from '@codemirror/language';
import { EditorSelection, EditorState, type Range } from '@codemirror/state';
import { EditorView, WidgetType, type Decoration } from '@codemirror/view';
import { expect, test } from 'vitest';
import { ySyncFacet, YSyncConfig } from 'y-codemirror.next';
import { Awareness } from 'y-protocols/awareness';
import { Doc } from 'yjs';
import { documentLanguage } from '../languages.ts';
import { reveal } from '../reveal.ts';
import { scanField } from '../scan.ts';
import { decorateNode } from './live-preview.ts';
import { isOwnFile, isSafeTarget } from './safe-target.ts';
import type { ProseWidgets } from './widgets.ts';

class Drawn extends WidgetType {
  readonly what: string;
  constructor(what: string) {
    super();
    this.what = what;
  }
  override toDOM(): HTMLElement {
    throw new Error('nothing is drawn in this test');
  }
}

const widgets: ProseWidgets = {
  t: (key) => key,
  image: (path) => new Drawn(`image ${path}`),
  math: (tex) => new Drawn(`math ${tex}`),
  diagram: () => new Drawn('diagram'),
  table: () => new Drawn('table'),
};

/** Text with `‸` as the cursor → what a reader sees, what is hidden left out and what is drawn in `⟨⟩`. */
function seen(marked: string): string {
  const cursor = marked.indexOf('‸');
  const doc = cursor < 0 ? marked : marked.slice(0, cursor) + marked.slice(cursor + 1);
  const ydoc = new Doc();
  ydoc.getText('content').insert(0, doc);
  let state = EditorState.create({
    doc,
    selection: EditorSelection.cursor(Math.max(0, cursor)),
    extensions: [
      ySyncFacet.of(new YSyncConfig(ydoc.getText('content'), new Awareness(ydoc))),
      documentLanguage,
      reveal(),
      scanField,
    ],
  });
  if (cursor >= 0) {
    const effects = state.facet(EditorView.focusChangeEffect).flatMap((effect) => effect(state, true) ?? []);
    state = state.update({ effects }).state;
  }
  const out: Range<Decoration>[] = [];
  ensureSyntaxTree(state, doc.length, 1_000)?.iterate({
    enter: (node) => decorateNode(state, node, out, widgets, 0, doc.length),
  });
  let text = doc;
  const replaced = out.filter(({ value, from, to }) => from < to && value.spec.class === undefined);
  for (const { value, from, to } of replaced.toSorted((a, b) => b.from - a.from)) {
    const { widget } = value.spec as { widget?: WidgetType };
    const shown =
      widget instanceof Drawn ? `⟨${widget.what}⟩` : widget === undefined ? '' : `⟨${widget.constructor.name}⟩`;
    text = text.slice(0, from) + shown + text.slice(to);
  }
  return text;
}

test.each([
  ['emphasis', 'a *b* **c** ~~d~~ `e`', 'a b c d e'],
  ['a heading', '## Title', 'Title'],
  ['a link', 'a [b](c.md "t") d', 'a b d'],
  ['a reference link that leads somewhere', '[a][b]\n\n[b]: c.md', 'a\n\n[b]: c.md'],
  ['brackets that lead nowhere', 'a [b] c', 'a [b] c'],
  ['wiki links', '[[page]] and [[page#h|text]]', 'page and text'],
  ['a picture', '![alt](a.png)', '⟨image a.png⟩'],
  ['math', 'so $x^2$ and $5 and $10', 'so ⟨math x^2⟩ and $5 and $10'],
  ['a task', '- [x] done', '⟨Bullet⟩⟨Checkbox⟩ done'],
  ['a quote', '> said', 'said'],
  ['a callout', '> [!NOTE]\n> said', '⟨CalloutTitle⟩\nsaid'],
  ['a rule', 'a\n\n---', 'a\n\n⟨Rule⟩'],
  ['an escape', '\\*a\\*', '*a*'],
  ['raw HTML, as text', 'a <b onclick=x>c</b>', 'a <b onclick=x>c</b>'],
  ['a fence', '```python\n*x*\n```', '⟨FenceLabel⟩\n*x*\n'],
  ['unknown syntax', '::: {.note} @key %%c%%', '::: {.note} @key %%c%%'],
])('%s reads without its markup', (_name, source, expected) => {
  expect(seen(source)).toBe(expected);
});

test.each([
  ['emphasis', 'a *b‸* **c**', 'a *b* c'],
  ['only what the cursor touches', '[a‸](b) [c](d)', '[a](b) c'],
  ['a heading', '## Ti‸tle', '## Title'],
  ['a quote, by line', '> a‸\n> b', '> a\nb'],
  ['math', '$x‸$', '$x$'],
])('markup appears where the cursor is: %s', (_name, source, expected) => {
  expect(seen(source)).toBe(expected);
});

test.each([
  ['https://a.example', true],
  ['mailto:a@b.example', true],
  ['page.md#part', true],
  ['#part', true],
  ['javascript:alert(1)', false],
  ['java\tscript:alert(1)', false],
  [' JavaScript:alert(1)', false],
  ['data:text/html,<script>', false],
  ['file:///etc/passwd', false],
  ['vbscript:x', false],
])('whether %j may be opened: %j', (target, safe) => {
  expect(isSafeTarget(target)).toBe(safe);
});

test.each([
  ['_assets/a.png', true],
  ['../b.png', true],
  ['https://evil.example/a.png', false],
  ['//evil.example/a.png', false],
  ['\\\\evil.example\\a.png', false],
  ['/\t/evil.example/a.png', false],
])('whether the picture %j is of the project: %j', (target, own) => {
  expect(isOwnFile(target)).toBe(own);
});
