/** All links of a document, each with the place of its target, so that a rename can replace just that. */
import { IterMode, type SyntaxNode, type Tree } from '@lezer/common';
import { addressOf } from './link-target.ts';
import { parseMarkdown } from './parser.ts';

/** Pages that stand for a place in the reading order instead of a name. */
export const WIKI_PLACES = ['next', 'prev', 'up', 'home'] as const;
export type WikiPlace = (typeof WIKI_PLACES)[number];

type Range = {
  /** The whole link. */
  readonly from: number;
  readonly to: number;
  /** Its target as written: the address with `<>` where it has them, or what stands before `#` and `|` in a wiki link. */
  readonly targetFrom: number;
  readonly targetTo: number;
  /** The target unescaped, percent-encoding as written, without its anchor. */
  readonly target: string;
  /** What follows `#`; null without one. */
  readonly anchor: string | null;
};
export type AddressLink = Range & { readonly kind: 'link' | 'image' | 'definition' };
export type WikiLink = Range & { readonly kind: 'wiki'; readonly place: WikiPlace | null };
export type Link = AddressLink | WikiLink;

/** In the order of the document. Bare web addresses and HTML tags are not among them. */
export function findLinks(text: string, tree: Tree = parseMarkdown(text)): readonly Link[] {
  const links: Link[] = [];
  tree.iterate({
    mode: IterMode.IgnoreMounts | IterMode.IgnoreOverlays,
    enter: (ref) => {
      if (ref.name === 'FencedCode' || ref.name === 'CodeBlock') return false;
      const link = readLink(text, ref.name, ref);
      if (link !== null) links.push(link);
      return true;
    },
  });
  return links;
}

function readLink(text: string, name: string, ref: { readonly node: SyntaxNode }): Link | null {
  switch (name) {
    case 'Link':
      return addressLink(text, ref.node, 'link');
    case 'Image':
      return addressLink(text, ref.node, 'image');
    case 'LinkReference':
      return addressLink(text, ref.node, 'definition');
    case 'WikiLink':
      return wikiLink(text, ref.node);
    default:
      return null;
  }
}

function addressLink(text: string, node: SyntaxNode, kind: AddressLink['kind']): AddressLink | null {
  const url = node.getChild('URL');
  if (url === null) return null;
  const [target, anchor] = splitAnchor(addressOf(text, url));
  return { kind, from: node.from, to: node.to, targetFrom: url.from, targetTo: url.to, target, anchor };
}

function wikiLink(text: string, node: SyntaxNode): WikiLink | null {
  const written = node.getChild('WikiLinkTarget');
  if (written === null) return null;
  const [page, anchor] = splitAnchor(text.slice(written.from, written.to));
  const target = page.trim();
  const targetFrom = written.from + page.length - page.trimStart().length;
  const place = anchor === null ? (WIKI_PLACES.find((name) => name === target) ?? null) : null;
  return {
    kind: 'wiki',
    from: node.from,
    to: node.to,
    targetFrom,
    targetTo: targetFrom + target.length,
    target,
    anchor,
    place,
  };
}

function splitAnchor(address: string): readonly [string, string | null] {
  const at = address.indexOf('#');
  return at < 0 ? [address, null] : [address.slice(0, at), address.slice(at + 1)];
}
