/**
 * `[[page]]`, `[[page#heading]]`, `[[page|text]]`, and `[[page\|text]]` inside a table. What the target means is for
 * `links.ts`: here it is only found.
 */
import type { Element, MarkdownConfig } from '@lezer/markdown';

/** A longer one is text. Keeps a line of brackets from being scanned again at each of them. */
const WIKI_LINK_CHARS_MAX = 1_024;
const BRACKET = 91;
const WIKI_LINK = /^\[\[([^[\]|\\\n]+)(?:(\\?\|)([^[\]|\n]*))?\]\](?!\()/;

export const wikiLinkSyntax: MarkdownConfig = {
  defineNodes: [{ name: 'WikiLink' }, { name: 'WikiLinkMark' }, { name: 'WikiLinkTarget' }, { name: 'WikiLinkText' }],
  parseInline: [
    {
      name: 'WikiLink',
      before: 'Link',
      parse(cx, next, pos) {
        if (next !== BRACKET || cx.char(pos + 1) !== BRACKET) return -1;
        const match = WIKI_LINK.exec(cx.slice(pos, Math.min(cx.end, pos + WIKI_LINK_CHARS_MAX)));
        const [whole, target, bar, shown] = match ?? [];
        if (whole === undefined || target === undefined) return -1;
        const targetTo = pos + 2 + target.length;
        const end = pos + whole.length;
        const parts: Element[] = [cx.elt('WikiLinkMark', pos, pos + 2), cx.elt('WikiLinkTarget', pos + 2, targetTo)];
        if (bar !== undefined && shown !== undefined) {
          const shownFrom = targetTo + bar.length;
          parts.push(cx.elt('WikiLinkMark', targetTo, shownFrom));
          if (shown !== '') parts.push(cx.elt('WikiLinkText', shownFrom, shownFrom + shown.length));
        }
        parts.push(cx.elt('WikiLinkMark', end - 2, end));
        return cx.addElement(cx.elt('WikiLink', pos, end, parts));
      },
    },
  ],
};
