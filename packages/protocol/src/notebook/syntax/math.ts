/**
 * TeX: `$…$` in a line, `$$…$$` displayed, and a block between two lines `$$`.
 *
 * Inline follows Pandoc: the opening `$` has no space after it, the closing one no space before it and no digit
 * after it, so that `$5 and $10` stays text. A block opens with a line that is `$$` alone and ends with a line that
 * ends in `$$`, or at a blank line: nothing has to be looked ahead for, so an incremental parse agrees with a whole one.
 */
import type { Element, InlineContext, MarkdownConfig } from '@lezer/markdown';

const DOLLAR = 36;
const BACKSLASH = 92;

export const mathSyntax: MarkdownConfig = {
  defineNodes: [
    { name: 'BlockMath', block: true },
    { name: 'InlineMath' },
    { name: 'DisplayMath' },
    { name: 'MathMark' },
    { name: 'MathText' },
  ],
  parseBlock: [
    {
      name: 'BlockMath',
      before: 'Blockquote',
      endLeaf: (_cx, line) => isAlone(line.text, line.pos),
      parse(cx, line) {
        if (!isAlone(line.text, line.pos)) return false;
        const { depth } = cx;
        const from = cx.lineStart + line.pos;
        const marks: Element[] = [cx.elt('MathMark', from, from + 2)];
        while (cx.nextLine() && depthOf(line) >= depth && line.pos < line.text.length) {
          marks.push(...line.markers);
          const end = line.text.trimEnd().length;
          const isLast = line.text.endsWith('$$', end) && end - 2 >= line.pos;
          const textTo = isLast ? end - 2 : line.text.length;
          if (textTo > line.basePos) marks.push(cx.elt('MathText', cx.lineStart + line.basePos, cx.lineStart + textTo));
          if (!isLast) continue;
          marks.push(cx.elt('MathMark', cx.lineStart + end - 2, cx.lineStart + end));
          cx.nextLine();
          break;
        }
        cx.addElement(cx.elt('BlockMath', from, cx.prevLineEnd(), marks));
        return true;
      },
    },
  ],
  parseInline: [
    {
      name: 'Math',
      before: 'Emphasis',
      parse(cx, next, pos) {
        if (next !== DOLLAR) return -1;
        const size = cx.char(pos + 1) === DOLLAR ? 2 : 1;
        const open = pos + size;
        if (size === 1 && isSpace(cx.char(open))) return -1;
        const close = nextCloser(cx, open, size);
        // What is no math must not be read again as two single marks.
        if (close <= open) return size === 2 ? open : -1;
        return cx.addElement(
          cx.elt(size === 2 ? 'DisplayMath' : 'InlineMath', pos, close + size, [
            cx.elt('MathMark', pos, open),
            cx.elt('MathText', open, close),
            cx.elt('MathMark', close, close + size),
          ]),
        );
      },
    },
  ],
};

function isAlone(text: string, pos: number): boolean {
  return text.startsWith('$$', pos) && text.slice(pos + 2).trim() === '';
}

/** How many of the open containers the line continues. Part of the line, though its declaration leaves it out. */
function depthOf(line: object): number {
  return (line as { readonly depth: number }).depth;
}

function isSpace(char: number): boolean {
  return char === 32 || char === 9 || char === 10 || char === 13 || char < 0;
}

/**
 * Where the next closing mark of that size is, or -1. Whether a place closes does not depend on where it was opened,
 * so the answer is kept for a paragraph: a page full of unclosed `$` costs one scan of it, not one for each.
 */
function nextCloser(cx: InlineContext, from: number, size: 1 | 2): number {
  let known = closers.get(cx);
  if (known === undefined) closers.set(cx, (known = { 1: { from: -1, at: -2 }, 2: { from: -1, at: -2 } }));
  const last = known[size];
  if (last.from >= 0 && from >= last.from && (last.at === -1 || last.at >= from)) return last.at;
  const at = findCloser(cx, from, size);
  known[size] = { from, at };
  return at;
}

type Closer = { readonly from: number; readonly at: number };
const closers = new WeakMap<InlineContext, Record<1 | 2, Closer>>();

function findCloser(cx: InlineContext, from: number, size: 1 | 2): number {
  for (let pos = from; pos < cx.end; pos++) {
    const char = cx.char(pos);
    if (char === BACKSLASH) pos++;
    else if (char === DOLLAR) {
      const isDouble = cx.char(pos + 1) === DOLLAR;
      if (size === 2 && isDouble) return pos;
      if (size === 1 && !isDouble && !isSpace(cx.char(pos - 1)) && !isDigit(cx.char(pos + 1))) return pos;
      if (isDouble) pos++;
    }
  }
  return -1;
}

function isDigit(char: number): boolean {
  return char >= 48 && char <= 57;
}
