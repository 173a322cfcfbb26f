/** The headings of a document, with the anchors that links to them use. */
import { IterMode, type Tree } from '@lezer/common';
import { parseMarkdown } from './parser.ts';
import { plainText } from './plain-text.ts';

export type Heading = {
  /** 1 to 6. */
  readonly level: number;
  readonly text: string;
  /** As GitHub makes them; the second of a name gets `-1`. */
  readonly slug: string;
  readonly from: number;
  readonly to: number;
};

/** Headings in the order of the document, those in quotes and lists too. */
export function outlineOf(text: string, tree: Tree = parseMarkdown(text)): readonly Heading[] {
  const headings: Heading[] = [];
  const nextSlug = createSlugs();
  tree.iterate({
    mode: IterMode.IgnoreMounts | IterMode.IgnoreOverlays,
    enter: (ref) => {
      const match = /^(?:ATX|Setext)Heading([1-6])$/.exec(ref.name);
      if (match === null) return ref.name !== 'Paragraph' && ref.name !== 'Table' && ref.name !== 'FencedCode';
      const shown = plainText(text, ref.node);
      headings.push({ level: Number(match[1]), text: shown, slug: nextSlug(shown), from: ref.from, to: ref.to });
      return false;
    },
  });
  return headings;
}

/** `Getting started!` → `getting-started`. */
export function slugOf(heading: string): string {
  return heading
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/** Slugs of one document: give it the headings in order. */
export function createSlugs(): (heading: string) => string {
  const seen = new Map<string, number>();
  return (heading) => {
    const base = slugOf(heading);
    let slug = base;
    let count = seen.get(base) ?? 0;
    while (seen.has(slug)) slug = `${base}-${++count}`;
    seen.set(base, count);
    if (slug !== base) seen.set(slug, 0);
    return slug;
  };
}
