/**
 * YAML front matter: a first line `---`, YAML, and a line `---` or `...`.
 *
 * A document may also start with a rule, so the second line decides: front matter starts with a key, a comment or
 * its own end. While its end is still being typed it reaches to the first blank line (a `FrontMatter` node with one
 * mark only, which readers of it ignore): so the keystroke that completes it touches the node, and an incremental
 * parse sees it.
 */
import type { Input } from '@lezer/common';
import type { BlockContext, Element, MarkdownConfig } from '@lezer/markdown';

/** How far the end is looked for. Longer front matter is none. */
const FRONT_MATTER_CHARS_MAX = 64 * 1024;
const OPENING = /^\uFEFF?---[ \t]*\r?$/;
const CLOSING = /^(?:---|\.\.\.)[ \t]*\r?$/;
const FIRST_LINE = /^(?:#|["'\w][^:]*:(?:\s|$)|(?:---|\.\.\.)[ \t]*\r?$)/;
const CLOSING_LATER = /\n(?:---|\.\.\.)[ \t]*\r?(?:\n|$)/;

export const frontMatterSyntax: MarkdownConfig = {
  defineNodes: [{ name: 'FrontMatter', block: true }, { name: 'FrontMatterMark' }, { name: 'FrontMatterContent' }],
  parseBlock: [
    {
      name: 'FrontMatter',
      before: 'HorizontalRule',
      parse(cx, line) {
        if (cx.lineStart !== 0 || cx.depth !== 1 || !OPENING.test(line.text)) return false;
        const openingEnd = line.text.trimEnd().length;
        if (!FIRST_LINE.test(cx.peekLine())) return false;
        const isClosed = CLOSING_LATER.test(textAhead(cx, line.text.length));
        const marks: Element[] = [cx.elt('FrontMatterMark', 0, openingEnd)];
        const contentFrom = line.text.length + 1;
        while (cx.nextLine()) {
          if (CLOSING.test(line.text)) {
            if (cx.lineStart > contentFrom) marks.push(cx.elt('FrontMatterContent', contentFrom, cx.lineStart - 1));
            marks.push(cx.elt('FrontMatterMark', cx.lineStart, cx.lineStart + line.text.trimEnd().length));
            cx.nextLine();
            break;
          }
          if (!isClosed && line.text.trim() === '') break;
        }
        cx.addElement(cx.elt('FrontMatter', 0, cx.prevLineEnd(), marks));
        return true;
      },
    },
  ],
};

/** The document from `from` on. The block context has it but lets extensions see one line: front matter needs more. */
function textAhead(cx: BlockContext, from: number): string {
  const { input } = cx as unknown as { readonly input: Input };
  return input.read(from, Math.min(input.length, from + FRONT_MATTER_CHARS_MAX));
}
