/** What a reader sees of a heading or another line, without its marks: for titles, the outline and search. */
import type { SyntaxNode } from '@lezer/common';
import { decodeEntity } from './entity.ts';

/** Whitespace is folded to single spaces. */
export function plainText(text: string, node: SyntaxNode): string {
  return inlineText(text, node).replaceAll(/\s+/g, ' ').trim();
}

/** What a `WikiLink` shows: its text, else its target. */
export function wikiLinkText(text: string, node: SyntaxNode): string {
  const shown = node.getChild('WikiLinkText') ?? node.getChild('WikiLinkTarget') ?? node;
  return text.slice(shown.from, shown.to).trim();
}

/** Nodes that show nothing of themselves. */
const SILENT = /Mark$|^(?:URL|LinkTitle|LinkLabel|HTMLTag|Comment|ProcessingInstruction|FootnoteReference)$/;

function inlineText(text: string, node: SyntaxNode): string {
  let result = '';
  let at = node.from;
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    result += text.slice(at, child.from) + textOf(text, child);
    at = child.to;
  }
  return result + text.slice(at, node.to);
}

function textOf(text: string, node: SyntaxNode): string {
  switch (node.name) {
    case 'Escape':
      return text.slice(node.from + 1, node.to);
    case 'Entity':
      return decodeEntity(text.slice(node.from, node.to));
    case 'URL':
      // A bare address is text; the address of a link is not.
      return node.parent?.name === 'Link' || node.parent?.name === 'Image' ? '' : text.slice(node.from, node.to);
    case 'WikiLink':
      return wikiLinkText(text, node);
    default:
      return SILENT.test(node.name) ? '' : inlineText(text, node);
  }
}
