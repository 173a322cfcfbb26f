/**
 * Link reference definitions (`[label]: address "title"`), and a grammar that knows them.
 *
 * Whether `[text]` is a link depends on a definition anywhere in the document. The editor's incremental tree takes
 * every one for a link; what is published must be exact, so it is parsed again with the labels at hand.
 */
import { IterMode, type Tree } from '@lezer/common';
import { InlineContext, type MarkdownExtension } from '@lezer/markdown';
import { addressOf, unescapeMarkdown } from './link-target.ts';

export type Definition = { readonly address: string; readonly title: string | null };
/** By normal label; the first of a label counts. */
export type Definitions = ReadonlyMap<string, Definition>;

const LABEL_CHARS_MAX = 999;

/** Labels match without regard to case and to how their words are spaced. */
export function normalLabel(label: string): string {
  return label.trim().replaceAll(/\s+/g, ' ').toLowerCase().toUpperCase();
}

export function findDefinitions(text: string, tree: Tree, named?: (name: string) => string | undefined): Definitions {
  const definitions = new Map<string, Definition>();
  tree.iterate({
    mode: IterMode.IgnoreMounts | IterMode.IgnoreOverlays,
    enter: (ref) => {
      if (ref.name !== 'LinkReference') return ref.name !== 'Paragraph';
      const [label, url, title] = ['LinkLabel', 'URL', 'LinkTitle'].map((name) => ref.node.getChild(name));
      if (!label || !url) return false;
      const key = normalLabel(text.slice(label.from + 1, label.to - 1));
      if (key !== '' && !definitions.has(key)) {
        definitions.set(key, {
          address: addressOf(text, url, named),
          title: title ? unescapeMarkdown(text.slice(title.from + 1, title.to - 1), named) : null,
        });
      }
      return false;
    },
  });
  return definitions;
}

/** Whether a tree holds links whose meaning depends on definitions. */
export function hasReferenceLinks(tree: Tree): boolean {
  let found = false;
  tree.iterate({
    mode: IterMode.IgnoreMounts | IterMode.IgnoreOverlays,
    enter: (ref) => {
      if ((ref.name === 'Link' || ref.name === 'Image') && ref.node.getChild('URL') === null) found = true;
      return !found;
    },
  });
  return found;
}

/** Takes a `]` for text when the label it ends is not defined, before the grammar takes it for a link. */
export function knownReferences(definitions: Definitions): MarkdownExtension {
  return {
    parseInline: [
      {
        name: 'UnknownReference',
        before: 'LinkEnd',
        parse(cx, next, pos) {
          if (next !== 93) return -1;
          const { parts } = cx as unknown as { readonly parts: (Opening | null)[] };
          const at = parts.findLastIndex(
            (part) => part?.type === InlineContext.linkStart || part?.type === InlineContext.imageStart,
          );
          const opening = parts[at];
          // Side 0: a link inside it was found, so it is text already.
          if (!opening || opening.side === 0 || cx.char(pos + 1) === 40) return -1;
          const full = /^\[((?:\\.|[^[\]\\]){0,999})\]/s
            .exec(cx.slice(pos + 1, Math.min(cx.end, pos + 3 + LABEL_CHARS_MAX)))?.[1]
            ?.trim();
          const label = full === undefined || full === '' ? cx.slice(opening.to, pos) : full;
          const isLabel = label.length <= LABEL_CHARS_MAX && !/(?:^|[^\\])(?:\\\\)*[[\]]/.test(label);
          if (isLabel && definitions.has(normalLabel(label))) return -1;
          parts[at] = null;
          return pos + 1;
        },
      },
    ],
  };
}

/** What the inline context keeps for an unmatched `[` or `![`; its declaration shows it one at a time only. */
type Opening = { readonly type: unknown; readonly to: number; readonly side: number };
