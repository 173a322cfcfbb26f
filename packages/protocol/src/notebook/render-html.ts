/**
 * A document as HTML: for the reader's view and the published page.
 *
 * A plain walk over the tree of `parser.ts`: blocks here, what stands in a line in `render-inline.ts`. Invariants:
 * 1. Without `html: true` no markup of the document reaches the page: its tags are shown as text, and links lead
 *    only to web, mail and relative addresses.
 * 2. Whatever the document, the walk ends: nesting past a limit is shown as text.
 */
import type { SyntaxNode, Tree } from '@lezer/common';
import type { MarkdownParser } from '@lezer/markdown';
import { calloutOf } from './callout.ts';
import { childrenOf, containedLines } from './container.ts';
import { fenceLines, readFence } from './fence.ts';
import { findDefinitions, hasReferenceLinks, knownReferences } from './link-reference.ts';
import { unescapeMarkdown } from './link-target.ts';
import { createSlugs } from './outline.ts';
import { markdownParser } from './parser.ts';
import { plainText } from './plain-text.ts';
import { escapeHtml, type InlineOptions, renderInline } from './render-inline.ts';

export type RenderOptions = {
  /** Whether tags and all addresses of the document pass as they are: for trusted text only. */
  readonly html: boolean;
  /** The address of a `[[target]]`; null where it leads nowhere. */
  readonly wikiAddress?: (target: string) => string | null;
  /** Where a link or a picture leads, given its address; null where it leads nowhere. Without it, there. */
  readonly addressOf?: (address: string, of: 'link' | 'image') => string | null;
  /** A formula as HTML. Without it, its source. */
  readonly drawMath?: (tex: string, isDisplay: boolean) => string;
  /** A block of code as HTML, where it is not to be drawn plainly. */
  readonly drawCode?: (code: CodeBlock) => string | null;
  /** Characters of named references, for those that the short table leaves to the browser. */
  readonly namedEntity?: (name: string) => string | undefined;
  /** Another grammar than that of documents: plain CommonMark. Headings have no anchors then. */
  readonly parser?: MarkdownParser;
};

/** A fenced block. */
export type CodeBlock = {
  /** Where its first backtick is in the text. */
  readonly from: number;
  readonly info: string;
  readonly lines: readonly string[];
};

/** Containers in containers. Deeper ones are shown as their text. */
const DEPTH_MAX = 100;

export function renderHtml(text: string, options: RenderOptions = { html: false }): string {
  const parser = options.parser ?? markdownParser;
  let tree: Tree = parser.parse(text);
  const definitions = findDefinitions(text, tree, options.namedEntity);
  if (hasReferenceLinks(tree)) tree = parser.configure(knownReferences(definitions)).parse(text);
  const inline: InlineOptions = {
    html: options.html,
    wikiAddress: options.wikiAddress ?? (() => null),
    addressOf: options.addressOf ?? ((address) => address),
    drawMath: options.drawMath ?? escapeHtml,
    named: options.namedEntity,
    definitions,
  };
  const walk = createWalk(
    text,
    inline,
    options.parser === undefined ? createSlugs() : null,
    options.drawCode ?? (() => null),
  );
  walk.blocks(tree.topNode, 0);
  return walk.result();
}

function createWalk(
  text: string,
  inline: InlineOptions,
  /** Null for plain CommonMark, which has no callouts either. */
  slugs: ((heading: string) => string) | null,
  drawCode: (code: CodeBlock) => string | null,
) {
  // Pieces, not one string: asking a string that grows for its end would copy it each time.
  const out: string[] = [];

  function write(html: string): void {
    if (html !== '') out.push(html);
  }

  /** A line break before the next tag, unless one is there. */
  function line(html: string): void {
    if (out.at(-1)?.endsWith('\n') === false) out.push('\n');
    write(html);
  }

  function blocks(parent: SyntaxNode, depth: number, isTight = false): void {
    for (let child = parent.firstChild; child !== null; child = child.nextSibling) block(child, depth + 1, isTight);
  }

  function block(node: SyntaxNode, depth: number, isTight: boolean): void {
    if (depth > DEPTH_MAX) return line(`<p>${escapeHtml(text.slice(node.from, node.to))}</p>\n`);
    switch (node.name) {
      case 'Paragraph':
        if (isTight) write(content(node));
        else line(`<p>${content(node)}</p>\n`);
        return;
      case 'Task':
        return task(node, isTight);
      case 'Blockquote':
        return quote(node, depth);
      case 'BulletList':
      case 'OrderedList':
        return list(node, depth);
      case 'FencedCode':
        return fence(node);
      case 'CodeBlock':
        return line(`<pre><code>${escapeHtml(containedLines(text, node, 4).join('\n'))}\n</code></pre>\n`);
      case 'HorizontalRule':
        return line('<hr />\n');
      case 'HTMLBlock':
      case 'CommentBlock':
      case 'ProcessingInstructionBlock':
        return html(node);
      case 'Table':
        return table(node);
      case 'BlockMath':
        return line(
          `<div class="math display">${inline.drawMath(
            node
              .getChildren('MathText')
              .map((part) => text.slice(part.from, part.to))
              .join('\n'),
            true,
          )}</div>\n`,
        );
      case 'FootnoteDefinition':
        return footnote(node, depth);
      default:
        return heading(node);
    }
  }

  function content(node: SyntaxNode, from = node.from, to = node.to): string {
    return renderInline(text, node, from, to, inline);
  }

  /** Also the end of all that shows nothing: marks, definitions, front matter. */
  function heading(node: SyntaxNode): void {
    const level = /^(ATX|Setext)Heading([1-6])$/.exec(node.name);
    if (level === null) return;
    const marks = node.getChildren('HeaderMark');
    const isAtx = level[1] === 'ATX';
    const from = isAtx ? (marks[0]?.to ?? node.from) : node.from;
    const to = isAtx ? (marks[1]?.from ?? node.to) : (marks.at(-1)?.from ?? node.to);
    const id = slugs === null ? '' : ` id="${escapeHtml(slugs(plainText(text, node)))}"`;
    line(`<h${level[2]}${id}>${content(node, from, to)}</h${level[2]}>\n`);
  }

  function quote(node: SyntaxNode, depth: number): void {
    const [first] = childrenOf(node).filter(({ name }) => name !== 'QuoteMark');
    const callout = slugs === null || first?.name !== 'Paragraph' ? null : calloutOf(text.slice(first.from, first.to));
    if (callout === null || first === undefined) {
      line('<blockquote>\n');
      blocks(node, depth);
      return line('</blockquote>\n');
    }
    const { kind, length } = callout;
    line(`<blockquote class="callout callout-${kind}">\n<p class="callout-title">${titled(kind)}</p>\n`);
    const words = content(first, first.from + length).trimStart();
    if (words !== '') line(`<p>${words}</p>\n`);
    for (let child = first.nextSibling; child !== null; child = child.nextSibling) block(child, depth + 1, false);
    return line('</blockquote>\n');
  }

  function list(node: SyntaxNode, depth: number): void {
    const items = node.getChildren('ListItem');
    const isTight = isTightList(text, items);
    const mark = items[0]?.getChild('ListMark');
    const start = node.name === 'OrderedList' && mark ? Number.parseInt(text.slice(mark.from, mark.to), 10) : 1;
    const tag = node.name === 'OrderedList' ? 'ol' : 'ul';
    line(`<${tag}${start === 1 ? '' : ` start="${start}"`}>\n`);
    for (const item of items) {
      line('<li>');
      blocks(item, depth, isTight);
      write('</li>\n');
    }
    line(`</${tag}>\n`);
  }

  function task(node: SyntaxNode, isTight: boolean): void {
    const mark = node.getChild('TaskMarker');
    const isDone = mark !== null && /x/i.test(text.slice(mark.from, mark.to));
    const box = `<input type="checkbox" disabled=""${isDone ? ' checked=""' : ''} />`;
    const html = `<label>${box} ${content(node, mark?.to ?? node.from)}</label>`;
    if (isTight) write(html);
    else line(`<p>${html}</p>\n`);
  }

  function fence(node: SyntaxNode): void {
    const read = readFence(text, node);
    const lines = fenceLines(text, node, read);
    const drawn = drawCode({ from: read.from, info: read.info, lines });
    if (drawn !== null) return line(drawn);
    const [language = ''] = unescapeMarkdown(read.info, inline.named).split(/\s/);
    const name = language === '' ? '' : ` class="language-${escapeHtml(language)}"`;
    const code = lines.map((codeLine) => `${codeLine}\n`).join('');
    line(`<pre><code${name}>${escapeHtml(code)}</code></pre>\n`);
  }

  function html(node: SyntaxNode): void {
    const raw = containedLines(text, node, 0).join('\n').trimEnd();
    if (inline.html) line(`${raw}\n`);
    else if (node.name === 'HTMLBlock') line(`<p>${escapeHtml(raw)}</p>\n`);
  }

  function table(node: SyntaxNode): void {
    const delimiter = node.getChild('TableDelimiter');
    const aligns = delimiter === null ? [] : alignments(text.slice(delimiter.from, delimiter.to));
    const header = node.getChild('TableHeader');
    line('<table>\n');
    if (header !== null) line(`<thead>\n${row(header, 'th', aligns)}</thead>\n`);
    const rows = node.getChildren('TableRow');
    if (rows.length > 0) line(`<tbody>\n${rows.map((item) => row(item, 'td', aligns)).join('')}</tbody>\n`);
    line('</table>\n');
  }

  function row(node: SyntaxNode, tag: 'th' | 'td', aligns: readonly (string | null)[]): string {
    const cells = rowCells(text, node);
    const html = aligns.map((align, i) => {
      const cell = cells[i] ?? null;
      const style = align === null ? '' : ` style="text-align:${align}"`;
      return `<${tag}${style}>${cell === null ? '' : content(cell)}</${tag}>\n`;
    });
    return `<tr>\n${html.join('')}</tr>\n`;
  }

  function footnote(node: SyntaxNode, depth: number): void {
    const label = node.getChild('FootnoteLabel');
    const name = label === null ? '' : text.slice(label.from + 2, label.to - 2);
    line(`<aside class="footnote" id="fn-${escapeHtml(name)}">\n`);
    blocks(node, depth);
    line('</aside>\n');
  }

  return { blocks, result: () => out.join('') };
}

const titled = (kind: string): string => kind.charAt(0).toUpperCase() + kind.slice(1);

/** A list is loose when a blank line parts two of its items or two blocks of one item. */
function isTightList(text: string, items: readonly SyntaxNode[]): boolean {
  const isApart = (before: SyntaxNode, after: SyntaxNode) => /\n[ \t>]*\r?\n/.test(text.slice(before.to, after.from));
  return items.every((item, i) => {
    const next = items[i + 1];
    if (next !== undefined && isApart(item, next)) return false;
    const parts = childrenOf(item).filter((child) => child.name !== 'ListMark' && child.name !== 'QuoteMark');
    return parts.every((part, j) => j === 0 || !isApart(parts[j - 1] ?? part, part));
  });
}

/** The cells of a row in order, null for an empty one, which the tree leaves out. */
function rowCells(text: string, node: SyntaxNode): readonly (SyntaxNode | null)[] {
  const cells: (SyntaxNode | null)[] = [];
  let cell: SyntaxNode | null = null;
  let isFirst = true;
  for (const child of childrenOf(node)) {
    if (child.name === 'TableCell') cell = child;
    else if (child.name === 'TableDelimiter') {
      // The bar before the first cell parts nothing.
      if (!isFirst || cell !== null || text.slice(node.from, child.from).trim() !== '') cells.push(cell);
      cell = null;
    }
    isFirst = false;
  }
  return cell === null ? cells : [...cells, cell];
}

function alignments(delimiter: string): readonly (string | null)[] {
  const columns = delimiter
    .replaceAll(/^[\s|>]+|[\s|]+$/g, '')
    .split('|')
    .map((column) => column.trim());
  return columns.map((column) => {
    const [left, right] = [column.startsWith(':'), column.endsWith(':')];
    return left && right ? 'center' : right ? 'right' : left ? 'left' : null;
  });
}
