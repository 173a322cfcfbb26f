/**
 * What stands in a line as HTML: emphasis, code, links, images, math.
 *
 * Text between the nodes of the tree is shown as it is, less the indentation of its lines and the marks of the
 * containers around it.
 */
import type { SyntaxNode } from '@lezer/common';
import { decodeEntity } from './entity.ts';
import { type Definition, type Definitions, normalLabel } from './link-reference.ts';
import { addressOf, unescapeMarkdown } from './link-target.ts';
import { wikiLinkText } from './plain-text.ts';

export type InlineOptions = {
  readonly html: boolean;
  readonly wikiAddress: (target: string) => string | null;
  readonly addressOf: (address: string, of: 'link' | 'image') => string | null;
  readonly drawMath: (tex: string, isDisplay: boolean) => string;
  readonly named: ((name: string) => string | undefined) | undefined;
  readonly definitions: Definitions;
};

/** Nesting of marks. Deeper ones are shown as their text. */
const DEPTH_MAX = 100;
const SAFE_ADDRESS = /^(?:https?:|mailto:|tel:|[^a-z]|[a-z][a-z0-9+.-]*(?:[^a-z0-9+.:-]|$))/i;

/** The children of `node` between two places, and the text between them. */
export function renderInline(text: string, node: SyntaxNode, from: number, to: number, options: InlineOptions): string {
  return createInline(text, options).render(node, from, trimEnd(text, from, to), 0);
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\0', '\ufffd');
}

function createInline(text: string, options: InlineOptions) {
  /** Whether what comes next starts a line, where spaces do not count. */
  let isLineStart = true;

  function render(node: SyntaxNode, from: number, to: number, depth: number): string {
    let html = '';
    let at = from;
    for (let child = node.childAfter(from); child !== null && child.from < to; child = child.nextSibling) {
      if (child.from < at) continue;
      html += words(at, child.from) + inline(child, depth + 1);
      at = child.to;
    }
    return html + words(at, to);
  }

  function words(from: number, to: number): string {
    if (from >= to) return '';
    let shown = text.slice(from, to).replaceAll(/[ \t\r]*\n[ \t]*/g, '\n');
    if (isLineStart) shown = shown.replace(/^[ \t]+/, '');
    if (shown !== '') isLineStart = shown.endsWith('\n');
    return escapeHtml(shown);
  }

  function inline(node: SyntaxNode, depth: number): string {
    if (node.name === 'QuoteMark') {
      isLineStart = true;
      return '';
    }
    if (node.name === 'HardBreak') {
      isLineStart = true;
      return '<br />\n';
    }
    if (node.name.endsWith('Mark') || node.name === 'TaskMarker') return '';
    if (depth > DEPTH_MAX) return escapeHtml(text.slice(node.from, node.to));
    // Text inside the node may start with a space that counts.
    isLineStart = false;
    switch (node.name) {
      case 'Emphasis':
        return `<em>${render(node, node.from, node.to, depth)}</em>`;
      case 'StrongEmphasis':
        return `<strong>${render(node, node.from, node.to, depth)}</strong>`;
      case 'Strikethrough':
        return `<del>${render(node, node.from, node.to, depth)}</del>`;
      case 'InlineCode':
        return `<code>${escapeHtml(codeOf(text, node))}</code>`;
      case 'Escape':
        return escapeHtml(text.slice(node.from + 1, node.to));
      case 'Entity':
        return entity(text.slice(node.from, node.to));
      case 'HTMLTag':
      case 'Comment':
      case 'ProcessingInstruction':
        return tag(node);
      case 'Autolink':
        return bareLink(node.getChild('URL') ?? node, node);
      case 'URL':
        return bareLink(node, node);
      case 'Link':
      case 'Image':
        return link(node, depth);
      case 'WikiLink':
        return wikiLink(node);
      case 'InlineMath':
      case 'DisplayMath':
        return math(node);
      case 'FootnoteReference': {
        const name = escapeHtml(text.slice(node.from + 2, node.to - 1));
        return `<sup class="footnote-ref"><a href="#fn-${name}">${name}</a></sup>`;
      }
      default:
        return render(node, node.from, node.to, depth);
    }
  }

  /** A name that the table lacks goes through as it is: the browser knows it, or shows it as written. */
  function entity(reference: string): string {
    const decoded = decodeEntity(reference, options.named);
    return decoded === reference && options.named === undefined && /^&[a-z]\w*;$/i.test(reference)
      ? reference
      : escapeHtml(decoded);
  }

  function tag(node: SyntaxNode): string {
    const raw = withoutQuotes(text, node, node.from, node.to).replaceAll(/\n[ \t]*/g, '\n');
    return options.html ? raw : node.name === 'HTMLTag' ? escapeHtml(raw) : '';
  }

  function math(node: SyntaxNode): string {
    const mark = node.firstChild;
    const size = mark === null ? 1 : mark.to - mark.from;
    const tex = withoutQuotes(text, node, node.from + size, node.to - size);
    const isDisplay = node.name === 'DisplayMath';
    return `<span class="math ${isDisplay ? 'display' : 'inline'}">${options.drawMath(tex, isDisplay)}</span>`;
  }

  function wikiLink(node: SyntaxNode): string {
    const target = node.getChild('WikiLinkTarget');
    const shown = escapeHtml(wikiLinkText(text, node));
    const address = target === null ? null : options.wikiAddress(text.slice(target.from, target.to).trim());
    return address === null
      ? `<span class="missing">${shown}</span>`
      : `<a href="${escapeAddress(address)}">${shown}</a>`;
  }

  function bareLink(url: SyntaxNode, whole: SyntaxNode): string {
    const shown = text.slice(url.from, url.to);
    const isAddress = /^[a-z][a-z0-9+.-]*:/i.test(shown);
    const address = isAddress
      ? shown
      : shown.includes('@') && !shown.startsWith('www.')
        ? `mailto:${shown}`
        : `http://${shown}`;
    if (!isAllowed(address)) return escapeHtml(text.slice(whole.from, whole.to));
    return `<a href="${escapeAddress(address)}">${escapeHtml(shown)}</a>`;
  }

  function link(node: SyntaxNode, depth: number): string {
    const [open, close] = node.getChildren('LinkMark');
    if (open === undefined || close === undefined) return escapeHtml(text.slice(node.from, node.to));
    const definition = definitionOf(node, open, close);
    if (definition === null) {
      const rest = escapeHtml(text.slice(close.from, node.to));
      return escapeHtml(text.slice(open.from, open.to)) + render(node, open.to, close.from, depth) + rest;
    }
    const title = definition.title === null ? '' : ` title="${escapeHtml(definition.title)}"`;
    const isLink = node.name === 'Link';
    const shown = render(node, open.to, close.from, depth);
    const place = isAllowed(definition.address) ? options.addressOf(definition.address, isLink ? 'link' : 'image') : '';
    if (place === null) return `<span class="missing">${isLink ? shown : escapeHtml(altText(shown))}</span>`;
    const address = escapeAddress(place);
    if (isLink) return `<a href="${address}"${title}>${shown}</a>`;
    return `<img src="${address}" alt="${escapeHtml(altText(shown))}"${title} />`;
  }

  function definitionOf(node: SyntaxNode, open: SyntaxNode, close: SyntaxNode): Definition | null {
    const url = node.getChild('URL');
    const title = node.getChild('LinkTitle');
    if (url !== null || node.getChildren('LinkMark').length > 2) {
      return {
        address: url === null ? '' : addressOf(text, url, options.named),
        title: title === null ? null : unescapeMarkdown(text.slice(title.from + 1, title.to - 1), options.named),
      };
    }
    const label = node.getChild('LinkLabel');
    const written = label === null ? '' : text.slice(label.from + 1, label.to - 1);
    return (
      options.definitions.get(normalLabel(written.trim() === '' ? text.slice(open.to, close.from) : written)) ?? null
    );
  }

  function isAllowed(address: string): boolean {
    return options.html || SAFE_ADDRESS.test(address.replaceAll(/[\s\p{Cc}]/gu, ''));
  }

  return { render };
}

/** The text of rendered HTML, for an image's description, which shows no marks. */
function altText(html: string): string {
  return html
    .replaceAll(/<img [^>]*alt="([^"]*)"[^>]*>/g, '$1')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

function codeOf(text: string, node: SyntaxNode): string {
  const [open, close] = [node.firstChild, node.lastChild];
  const raw = withoutQuotes(text, node, open?.to ?? node.from, close?.from ?? node.to).replaceAll(/\r?\n[ \t]*/g, ' ');
  return /^ .*[^ ].* $|^ [^ ] $/s.test(raw) ? raw.slice(1, -1) : raw;
}

function withoutQuotes(text: string, node: SyntaxNode, from: number, to: number): string {
  let raw = '';
  let at = from;
  for (const mark of node.getChildren('QuoteMark')) {
    raw += text.slice(at, mark.from);
    at = mark.to;
  }
  return raw + text.slice(at, to);
}

/** An address as an attribute: what no address may hold is percent-encoded, what is encoded stays. */
function escapeAddress(address: string): string {
  const encoded = address.toWellFormed().replaceAll(/%(?![0-9a-fA-F]{2})|[^%]+/g, (part) => encodeURI(part));
  return escapeHtml(encoded);
}

function trimEnd(text: string, from: number, to: number): number {
  while (to > from && /\s/.test(text[to - 1] ?? '')) to--;
  return to;
}
