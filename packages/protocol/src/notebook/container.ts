/**
 * The lines of a block that stands in quotes and list items, as they were before somebody put it there.
 *
 * Counts in columns, a tab to the next multiple of four, since a container's edge may fall inside a tab: what is
 * left of that tab becomes spaces (CommonMark §2.2).
 */
import type { SyntaxNode } from '@lezer/common';

/** @param indented columns that the block itself adds to its container's: 4 for indented code */
export function containedLines(text: string, node: SyntaxNode, indented: number): readonly string[] {
  const container = containerOf(node);
  const itemEdge = container?.name === 'ListItem' ? edgeOfItem(text, container) : 0;
  const quoteMarks = node.getChildren('QuoteMark');
  const lines: string[] = [];
  for (let start = lineStart(text, node.from); start < node.to;) {
    const found = text.indexOf('\n', start);
    const end = found < 0 || found > node.to ? node.to : found;
    const mark =
      start <= node.from
        ? text.lastIndexOf('>', node.from - 1)
        : (quoteMarks.findLast((item) => item.from >= start && item.from < end)?.from ?? -1);
    const edge = container?.name === 'Blockquote' ? edgeOfQuote(text, start, mark) : itemEdge;
    lines.push(dropColumns(text.slice(start, end).replace(/\r$/, ''), edge + indented));
    start = end + 1;
  }
  return lines;
}

/** How wide a text is, in columns. */
export function columnOf(text: string): number {
  let column = 0;
  for (const char of text) column += char === '\t' ? 4 - (column % 4) : 1;
  return column;
}

export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

function containerOf(node: SyntaxNode): SyntaxNode | null {
  let parent = node.parent;
  while (parent !== null && parent.name !== 'Blockquote' && parent.name !== 'ListItem') parent = parent.parent;
  return parent;
}

/** Where the content of an item starts: at its first block, or a column after its mark when that is indented code or below. */
function edgeOfItem(text: string, item: SyntaxNode): number {
  const [mark, first] = childrenOf(item);
  if (mark === undefined) return 0;
  const start = lineStart(text, mark.from);
  const afterMark = columnOf(text.slice(start, mark.to));
  const line = text.slice(start, text.indexOf('\n', mark.to) < 0 ? text.length : text.indexOf('\n', mark.to));
  const content = line.slice(mark.to - start).search(/\S/);
  if (first === undefined || content < 0) return afterMark + 1;
  const column = columnOf(line.slice(0, mark.to - start + content));
  return column - afterMark > 4 ? afterMark + 1 : column;
}

/** A space after the mark of a quote belongs to it; of a tab, one column does. */
function edgeOfQuote(text: string, start: number, mark: number): number {
  if (mark < start) return 0;
  const column = columnOf(text.slice(start, mark + 1));
  return text[mark + 1] === ' ' || text[mark + 1] === '\t' ? column + 1 : column;
}

function dropColumns(line: string, columns: number): string {
  let column = 0;
  for (let at = 0; at < line.length; at++) {
    if (column >= columns) return ' '.repeat(column - columns) + line.slice(at);
    column += line[at] === '\t' ? 4 - (column % 4) : 1;
  }
  return '';
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}
