/**
 * The one grammar of a document: CommonMark, GFM (tables, task lists, strikethrough, bare links), and front matter,
 * math, wiki links and footnotes. Callouts are block quotes.
 *
 * Everything that asks what is in a document (cells, outline, links, the published page, the editor's live preview)
 * asks this tree, so that they can never disagree. The editor passes `markdownExtensions` to CodeMirror's
 * `markdown({ base: commonmarkLanguage, extensions })`: with another base it would be another grammar.
 */
import type { Tree } from '@lezer/common';
import { GFM, parser, type MarkdownExtension, type MarkdownParser } from '@lezer/markdown';
import { footnoteSyntax } from './syntax/footnote.ts';
import { frontMatterSyntax } from './syntax/front-matter.ts';
import { mathSyntax } from './syntax/math.ts';
import { wikiLinkSyntax } from './syntax/wiki-link.ts';

export const markdownExtensions: readonly MarkdownExtension[] = [
  GFM,
  frontMatterSyntax,
  mathSyntax,
  wikiLinkSyntax,
  footnoteSyntax,
];

/** The grammar of documents. */
export const markdownParser: MarkdownParser = parser.configure(markdownExtensions);

/** Plain CommonMark, to hold the serializer against its specification. */
export const commonmarkParser: MarkdownParser = parser;

/** The tree of a whole document. Keep it where several questions are asked of one text. */
export function parseMarkdown(text: string): Tree {
  return markdownParser.parse(text);
}
