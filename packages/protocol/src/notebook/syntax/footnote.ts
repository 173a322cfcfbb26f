/**
 * Footnotes as in Pandoc and GitHub: `[^name]` in the text, and `[^name]: …` whose further lines and blocks are
 * indented by four columns.
 */
import type { MarkdownConfig } from '@lezer/markdown';

const NAME_CHARS_MAX = 200;
const REFERENCE = /^\[\^[^\s[\]^]+\]/;
const DEFINITION = /^\[\^[^\s[\]^]+\]:/;

export const footnoteSyntax: MarkdownConfig = {
  defineNodes: [
    { name: 'FootnoteReference' },
    {
      name: 'FootnoteDefinition',
      block: true,
      composite(_cx, line) {
        if (line.pos === line.text.length) return true;
        if (line.indent < line.baseIndent + 4) return false;
        line.moveBaseColumn(line.baseIndent + 4);
        return true;
      },
    },
    { name: 'FootnoteLabel' },
  ],
  parseBlock: [
    {
      name: 'FootnoteDefinition',
      before: 'LinkReference',
      endLeaf: (_cx, line) => DEFINITION.test(line.text.slice(line.pos, line.pos + NAME_CHARS_MAX)),
      parse(cx, line) {
        const label = DEFINITION.exec(line.text.slice(line.pos, line.pos + NAME_CHARS_MAX))?.[0];
        if (label === undefined || line.indent >= line.baseIndent + 4) return false;
        const from = cx.lineStart + line.pos;
        const labelEnd = line.pos + label.length;
        cx.startComposite('FootnoteDefinition', line.pos);
        cx.addElement(cx.elt('FootnoteLabel', from, from + label.length));
        line.moveBase(line.skipSpace(labelEnd));
        return null;
      },
    },
  ],
  parseInline: [
    {
      name: 'FootnoteReference',
      before: 'Link',
      parse(cx, next, pos) {
        if (next !== 91 || cx.char(pos + 1) !== 94) return -1;
        const match = REFERENCE.exec(cx.slice(pos, Math.min(cx.end, pos + NAME_CHARS_MAX)));
        if (match === null) return -1;
        return cx.addElement(cx.elt('FootnoteReference', pos, pos + match[0].length));
      },
    },
  ],
};
