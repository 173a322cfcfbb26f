/**
 * Markdown shown as it reads, in its own source: one pass over the syntax tree of what is visible adds
 * classes to text and hides markup where the cursor is not. Nothing is rewritten, so unknown syntax is simply text.
 */
import { ensureSyntaxTree, syntaxTree } from '@codemirror/language';
import { Prec, type EditorState, type Extension, type Range } from '@codemirror/state';
import { Decoration, ViewPlugin, type DecorationSet, type EditorView, type ViewUpdate } from '@codemirror/view';
import type { SyntaxNodeRef } from '@lezer/common';
import { calloutOf } from '@markco/protocol';
import { isRevealed, revealField } from '../reveal.ts';
import { foldLabel, scanField } from '../scan.ts';
import { Bullet, CalloutTitle, Checkbox, FenceLabel, Rule } from './marks.ts';
import type { ProseWidgets } from './widgets.ts';

const HIDDEN = Decoration.replace({});
const mark = (name: string): Decoration => Decoration.mark({ class: name });
const MARKS: Readonly<Record<string, Decoration>> = {
  Emphasis: mark('mc-em'),
  StrongEmphasis: mark('mc-strong'),
  Strikethrough: mark('mc-strike'),
  InlineCode: mark('mc-inline-code'),
  HTMLTag: mark('mc-html'),
  Comment: mark('mc-html'),
  FootnoteReference: mark('mc-footnote'),
  FootnoteLabel: mark('mc-footnote-label'),
  HardBreak: mark('mc-hard-break'),
};
const SYNTAX = mark('mc-syntax');
const line = (name: string): Decoration => Decoration.line({ class: name });
const HEADINGS: Readonly<Record<string, Decoration>> = Object.fromEntries(
  [1, 2, 3, 4, 5, 6].flatMap((level) => [
    [`ATXHeading${level}`, line(`mc-h mc-h${level}`)],
    [`SetextHeading${level}`, line(`mc-h mc-h${level}`)],
  ]),
);
const CODE = line('mc-code');
const CODE_FIRST = line('mc-code-first');
const CODE_LAST = line('mc-code-last');
const QUOTE = line('mc-quote');
const FRONT_MATTER = line('mc-front-matter');
const HTML_BLOCK = line('mc-html');
const TABLE_SOURCE = line('mc-table-source');

export function livePreview(widgets: ProseWidgets): Extension {
  const plugin = ViewPlugin.define(
    (view) => {
      const value = {
        decorations: decorate(view, widgets),
        update(update: ViewUpdate) {
          const { state, startState } = update;
          const redo =
            update.docChanged ||
            update.viewportChanged ||
            state.field(revealField) !== startState.field(revealField) ||
            state.field(scanField).version !== startState.field(scanField).version ||
            syntaxTree(state) !== syntaxTree(startState);
          if (redo) value.decorations = decorate(update.view, widgets);
        },
      };
      return value;
    },
    { decorations: (value) => value.decorations },
  );
  return Prec.low(plugin);
}

/** After a jump the editor's tree ends before what is seen. Headings that grow a moment later would move the text. */
const PARSE_MS = 50;

function decorate(view: EditorView, widgets: ProseWidgets): DecorationSet {
  const out: Range<Decoration>[] = [];
  const { state } = view;
  const tree = ensureSyntaxTree(state, view.viewport.to, PARSE_MS) ?? syntaxTree(state);
  for (const { from, to } of view.visibleRanges) {
    tree.iterate({ from, to, enter: (node) => decorateNode(state, node, out, widgets, from, to) });
  }
  return Decoration.set(out, true);
}

/** Adds what one node asks for. Answers whether its children are looked at. */
export function decorateNode(
  state: EditorState,
  node: SyntaxNodeRef,
  out: Range<Decoration>[],
  widgets: ProseWidgets,
  visibleFrom: number,
  visibleTo: number,
): boolean {
  const { name, from, to } = node;
  const text = (a: number, b: number): string => state.doc.sliceString(a, b);
  const show = (a: number, b: number): boolean => isRevealed(state, a, b);
  const hide = (a: number, b: number): void => {
    if (a < b) out.push(HIDDEN.range(a, b));
  };
  const lines = (decoration: Decoration, a = from, b = to): void => {
    for (let at = Math.max(a, state.doc.lineAt(visibleFrom).from); at <= Math.min(b, visibleTo);) {
      const here = state.doc.lineAt(at);
      out.push(decoration.range(here.from));
      at = here.to + 1;
    }
  };

  const style = MARKS[name];
  if (style !== undefined && from < to) out.push(style.range(from, to));
  const heading = HEADINGS[name];
  if (heading !== undefined) lines(heading);

  switch (name) {
    case 'CodeBlock':
      lines(CODE);
      return false;
    case 'FencedCode':
      decorateFence();
      return false;
    case 'FrontMatter':
      lines(FRONT_MATTER);
      return false;
    case 'HTMLBlock':
    case 'CommentBlock':
    case 'ProcessingInstructionBlock':
      lines(HTML_BLOCK);
      return false;
    case 'Table':
      lines(TABLE_SOURCE);
      return true;
    case 'BlockMath':
      lines(TABLE_SOURCE);
      return false;
    case 'Blockquote':
      decorateQuote();
      return true;
    case 'HeaderMark': {
      const here = state.doc.lineAt(from);
      if (show(here.from, here.to)) out.push(SYNTAX.range(from, to));
      else if (text(from, to).startsWith('#'))
        hide(
          from > here.from ? from - leadingSpace(text(here.from, from)) : from,
          to + leadingSpaceAfter(text(to, here.to)),
        );
      else out.push(mark('mc-setext-mark').range(from, to));
      return false;
    }
    case 'QuoteMark': {
      const here = state.doc.lineAt(from);
      if (!show(here.from, here.to)) hide(from, to + (text(to, to + 1) === ' ' ? 1 : 0));
      else out.push(SYNTAX.range(from, to));
      return false;
    }
    case 'EmphasisMark':
    case 'StrikethroughMark':
    case 'CodeMark': {
      const parent = node.node.parent;
      if (parent !== null && !show(parent.from, parent.to)) hide(from, to);
      else out.push(SYNTAX.range(from, to));
      return false;
    }
    case 'Escape':
      if (!show(from, to)) hide(from, from + 1);
      return false;
    case 'ListMark': {
      if (node.node.parent?.parent?.name === 'BulletList' && !show(from, to)) {
        const isTask = node.node.parent.getChild('Task') !== null;
        out.push(
          Decoration.replace({ widget: isTask ? Bullet.none : Bullet.dot }).range(
            from,
            isTask ? to + leadingSpaceAfter(text(to, to + 4)) : to,
          ),
        );
      } else out.push(mark('mc-list-mark').range(from, to));
      return false;
    }
    case 'TaskMarker': {
      const done = /x/i.test(text(from, to));
      if (!show(from, to))
        out.push(Decoration.replace({ widget: new Checkbox(done, widgets.t('editor.task')) }).range(from, to));
      if (done) out.push(mark('mc-done').range(to, Math.max(to + 1, state.doc.lineAt(to).to)));
      return false;
    }
    case 'HorizontalRule':
      if (!show(from, to)) out.push(Decoration.replace({ widget: Rule.only }).range(from, to));
      return false;
    case 'Link':
      return decorateLink();
    case 'Image':
      decorateImage();
      return false;
    case 'Autolink':
    case 'URL':
      if (name === 'URL' && node.node.parent?.name === 'LinkReference') return false;
      out.push(linkMark(text(from, to).replace(/^<|>$/g, '')).range(from, to));
      return false;
    case 'WikiLink':
      decorateWikiLink();
      return false;
    case 'InlineMath':
    case 'DisplayMath': {
      const size = name === 'InlineMath' ? 1 : 2;
      if (show(from, to)) out.push(mark('mc-math-source').range(from, to));
      else if (!text(from, to).includes('\n')) {
        out.push(
          Decoration.replace({ widget: widgets.math(text(from + size, to - size), name === 'DisplayMath') }).range(
            from,
            to,
          ),
        );
      }
      return false;
    }
    default:
      return true;
  }

  function decorateFence(): void {
    lines(CODE);
    const [open, close] = node.node.getChildren('CodeMark');
    const first = state.doc.lineAt(from);
    out.push(CODE_FIRST.range(first.from));
    if (open !== undefined && !show(first.from, first.to)) {
      out.push(Decoration.replace({ widget: new FenceLabel(text(open.to, first.to).trim()) }).range(from, first.to));
    } else out.push(SYNTAX.range(from, first.to));
    if (close === undefined) return;
    const last = state.doc.lineAt(close.from);
    out.push(CODE_LAST.range(last.from));
    if (show(last.from, last.to)) out.push(SYNTAX.range(close.from, close.to));
    else hide(close.from, close.to);
  }

  function decorateQuote(): void {
    const first = state.doc.lineAt(from);
    const inner = /^\s*>\s?/.exec(first.text.slice(from - first.from))?.[0].length ?? 1;
    const callout = calloutOf(first.text.slice(from - first.from + inner));
    if (callout === null) return lines(QUOTE);
    const { kind, length } = callout;
    lines(line(`mc-quote mc-callout mc-callout-${kind}`));
    const start = from + inner;
    if (!show(first.from, first.to))
      out.push(Decoration.replace({ widget: new CalloutTitle(kind) }).range(start, start + length));
  }

  function decorateLink(): boolean {
    const marks = node.node.getChildren('LinkMark');
    const open = marks[0];
    const close = marks[1];
    if (open === undefined || close === undefined || close.from <= open.to) return true;
    const url = node.node.getChild('URL');
    const label = node.node.getChild('LinkLabel');
    const reference =
      label === null || label.to - label.from <= 2 ? text(open.from, close.to) : text(label.from, label.to);
    const target =
      url === null
        ? state.field(scanField).references.get(foldLabel(reference))
        : text(url.from, url.to).replace(/^<|>$/g, '');
    if (target === undefined) return true;
    out.push(linkMark(target).range(open.to, close.from));
    if (show(from, to)) {
      out.push(SYNTAX.range(open.from, open.to), SYNTAX.range(close.from, to));
    } else {
      hide(open.from, open.to);
      hide(close.from, to);
    }
    for (let child = open.nextSibling; child !== null && child.to <= close.from; child = child.nextSibling) {
      child.cursor().iterate((inner) => decorateNode(state, inner, out, widgets, visibleFrom, visibleTo));
    }
    return false;
  }

  function decorateImage(): void {
    const url = node.node.getChild('URL');
    if (url === null) return;
    const alt = /^!\[([^\]]*)\]/.exec(text(from, to))?.[1] ?? '';
    const widget = widgets.image(text(url.from, url.to).replace(/^<|>$/g, ''), alt);
    if (show(from, to)) {
      out.push(SYNTAX.range(from, to), Decoration.widget({ widget, side: 1 }).range(to));
    } else out.push(Decoration.replace({ widget }).range(from, to));
  }

  function decorateWikiLink(): void {
    const target = node.node.getChild('WikiLinkTarget');
    if (target === null) return;
    const shown = node.node.getChild('WikiLinkText') ?? target;
    out.push(linkMark(text(target.from, target.to), 'mc-link mc-wiki-link').range(shown.from, shown.to));
    if (show(from, to)) {
      out.push(SYNTAX.range(from, shown.from), SYNTAX.range(shown.to, to));
    } else {
      hide(from, shown.from);
      hide(shown.to, to);
    }
  }
}

function linkMark(target: string, name = 'mc-link'): Decoration {
  return Decoration.mark({ class: name, attributes: { 'data-target': target.slice(0, 2_048) } });
}

function leadingSpace(before: string): number {
  return /[ \t]*$/.exec(before)?.[0].length ?? 0;
}

function leadingSpaceAfter(after: string): number {
  return /^[ \t]*/.exec(after)?.[0].length ?? 0;
}
