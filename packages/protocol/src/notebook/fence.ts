/**
 * A fenced code block with its places in the text, whatever container it stands in.
 *
 * Invariants:
 * 1. Every position is an offset in the document's text; a range covers no line break at its ends, `\r` included.
 * 2. `indent` put before each line of another fence makes that one stand in the same container.
 */
import type { SyntaxNode } from '@lezer/common';
import { columnOf } from './container.ts';

export type Fence = {
  /** From the first backtick to the end of the last line of the fence. */
  readonly from: number;
  readonly to: number;
  /** The info string (`python`); empty and at the end of the opening backticks where there is none. */
  readonly infoFrom: number;
  readonly infoTo: number;
  readonly info: string;
  /** The lines between the fences, containers' marks included. Empty and at the start of the closing line where there is none. */
  readonly codeFrom: number;
  readonly codeTo: number;
  /** What stands before each line: spaces of list items, `> ` of quotes, the fence's own indentation. */
  readonly indent: string;
  /** How many backticks or tildes opened it. */
  readonly size: number;
  /** Whether a closing fence ends it, rather than the end of the document or of its container. */
  readonly closed: boolean;
};

/** Reads a `FencedCode` node. */
export function readFence(text: string, node: SyntaxNode): Fence {
  const opening = node.firstChild;
  const size = opening === null ? 3 : opening.to - opening.from;
  const infoNode = node.getChild('CodeInfo');
  const infoFrom = infoNode?.from ?? node.from + size;
  const infoTo = infoNode?.to ?? infoFrom;
  const last = node.lastChild;
  const closing = last !== null && last.name === 'CodeMark' && last.from > node.from ? last : null;
  const to = withoutReturn(text, node.from, node.to);
  const openingEnd = text.indexOf('\n', node.from);
  // A container that ends can end its fence on the fence's first line.
  const codeFrom = openingEnd < 0 || openingEnd >= node.to ? to : openingEnd + 1;
  // Without a closing line the last line break ends the last line of code, and an empty line after it is none.
  const endOfOpen = to === text.length && text[to - 1] === '\n' ? to - 1 : to;
  const codeEnd = closing === null ? endOfOpen : text.lastIndexOf('\n', closing.from - 1);
  const codeTo = codeEnd < codeFrom ? codeFrom : withoutReturn(text, codeFrom, codeEnd);
  const indent = containerPrefix(text.slice(text.lastIndexOf('\n', node.from - 1) + 1, node.from));
  return {
    from: node.from,
    to,
    infoFrom,
    infoTo,
    info: text.slice(infoFrom, infoTo),
    codeFrom,
    codeTo,
    indent,
    size,
    closed: closing !== null,
  };
}

/** The lines inside a fence without what its containers and its own indentation put before them, and without `\r`. */
export function fenceLines(text: string, node: SyntaxNode, fence: Fence): readonly string[] {
  // `codeFrom === codeTo` also says one empty line: then there is a line break before the closing line.
  const hasLine =
    fence.codeTo > fence.codeFrom || (fence.closed && isLineEnd(text, fence.codeTo) && fence.codeTo < fence.to);
  if (!hasLine) return [];
  if (fence.indent === '') return text.slice(fence.codeFrom, fence.codeTo).split('\n').map(dropReturn);
  const width = columnOf(fence.indent);
  const pieces = node.getChildren('CodeText');
  const lines: string[] = [];
  let next = 0;
  for (let start = fence.codeFrom; start <= fence.codeTo;) {
    const found = text.indexOf('\n', start);
    const end = found < 0 || found > fence.codeTo ? fence.codeTo : found;
    while (next < pieces.length && (pieces[next]?.to ?? 0) <= start) next++;
    const piece = pieces[next];
    const base = piece === undefined || piece.from > end ? end : Math.max(piece.from, start);
    const extra = width - columnOf(text.slice(start, base));
    let from = base;
    while (from < end && from - base < extra && text[from] === ' ') from++;
    lines.push(dropReturn(text.slice(from, end)));
    start = end + 1;
  }
  return lines;
}

/** What a further line of the same containers starts with: quote marks stay, list and footnote marks become spaces. */
function containerPrefix(before: string): string {
  return before.replace(/\[\^[^\s[\]^]+\]:[ \t]*/g, '    ').replaceAll(/[^>\s]/g, ' ');
}

function isLineEnd(text: string, at: number): boolean {
  return text[at] === '\n' || (text[at] === '\r' && text[at + 1] === '\n');
}

function dropReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}

function withoutReturn(text: string, from: number, to: number): number {
  return to > from && text[to - 1] === '\r' ? to - 1 : to;
}
