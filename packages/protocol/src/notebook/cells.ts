/**
 * The cells of a document: fenced blocks in a language that runs, each with the output fence under it.
 *
 * Invariants:
 * 1. Only a fence of exactly three backticks or tildes is a cell: a longer one shows an example, and what is inside
 *    any fence or HTML comment is its text.
 * 2. An output fence belongs to the cell it follows in the same container with nothing but blank lines between. One
 *    whose closing line is missing, so that it reaches to the end or to the end of a later fence, belongs to none:
 *    replacing it would replace what somebody wrote below it.
 * 3. Nothing here runs anything, and a cell that is not `closed` must not be run: its end is not decided yet.
 */
import { IterMode, type SyntaxNode, type Tree } from '@lezer/common';
import type { Language } from '../entity/language.ts';
import { parseCellInfo } from './cell-info.ts';
import { countOptionLines, parseCellOptions, type CellOptions } from './cell-options.ts';
import { type Fence, fenceLines, readFence } from './fence.ts';
import { parseMarkdown } from './parser.ts';

export type OutputFence = Fence & {
  /** `ID` of `output:ID`; null for a plain `output`. */
  readonly id: string | null;
  /** The text inside, without its containers' marks; lines end in `\n`, the last has no end. */
  readonly text: string;
};

export type Cell = Fence & {
  readonly language: Language;
  readonly options: CellOptions;
  /** All lines of the cell; lines end in `\n`, the last has no end. Options are comments, so this is what runs. */
  readonly code: string;
  /** The code without its option lines: what a reader is shown. */
  readonly source: string;
  readonly output: OutputFence | null;
};

/** Blocks that hold blocks. Everything else is a leaf that cannot hold a cell. */
const CONTAINERS: ReadonlySet<string> = new Set([
  'Document',
  'Blockquote',
  'BulletList',
  'OrderedList',
  'ListItem',
  'FootnoteDefinition',
]);
const MARKS: ReadonlySet<string> = new Set(['QuoteMark', 'ListMark', 'FootnoteLabel']);
const OUTPUT_INFO = /^output(?::([^\s{}`]+))?(?=\s|$)/;

/**
 * In the order of the document.
 *
 * @param tree the tree of exactly this text, where the caller has one (an editor's may lag: then so does the answer)
 */
export function findCells(text: string, tree: Tree = parseMarkdown(text)): readonly Cell[] {
  const cells: Cell[] = [];
  let last: Cell | null = null;
  tree.iterate({
    mode: IterMode.IgnoreMounts | IterMode.IgnoreOverlays,
    enter: (ref) => {
      if (MARKS.has(ref.name)) return false;
      const before: Cell | null = last;
      last = null;
      if (ref.name !== 'FencedCode') return CONTAINERS.has(ref.name);
      const fence = readFence(text, ref.node);
      const output = before === null ? null : readOutput(text, ref.node, fence);
      if (before !== null && output !== null) cells[cells.length - 1] = { ...before, output };
      else {
        last = readCell(text, ref.node, fence);
        if (last !== null) cells.push(last);
      }
      return false;
    },
    leave: (ref) => {
      if (CONTAINERS.has(ref.name)) last = null;
    },
  });
  return cells;
}

function readCell(text: string, node: SyntaxNode, fence: Fence): Cell | null {
  if (fence.size !== 3) return null;
  const info = parseCellInfo(fence.info);
  if (info === null) return null;
  const lines = fenceLines(text, node, fence);
  const optionLines = countOptionLines(lines, info.language);
  return {
    ...fence,
    language: info.language,
    options: parseCellOptions(lines.slice(0, optionLines), info),
    code: lines.join('\n'),
    source: optionLines === 0 ? lines.join('\n') : lines.slice(optionLines).join('\n'),
    output: null,
  };
}

function readOutput(text: string, node: SyntaxNode, fence: Fence): OutputFence | null {
  const match = OUTPUT_INFO.exec(fence.info);
  if (match === null || !fence.closed) return null;
  const inside = fenceLines(text, node, fence).join('\n');
  // We never write one that holds marks enough for a fence of its size: such a one has swallowed another fence.
  if (inside.includes(text.slice(fence.from, fence.from + fence.size))) return null;
  return { ...fence, id: match[1] ?? null, text: inside };
}
