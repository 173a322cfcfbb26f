/**
 * Writing what a run printed into the document, as the smallest edit that does it.
 *
 * Invariants:
 * 1. Whatever the text is, it stays text: the fence is longer than any run of its mark inside, so an output can
 *    never add a cell, end its fence or touch what follows.
 * 2. `findCells` of the edited text finds the same cells, this one with `output.text` equal to what was written
 *    (line breaks as `\n`, one final line break dropped).
 * 3. An empty output removes the fence and the blank lines before it: inserting and removing leaves the text as it was.
 */
import type { Cell } from './cells.ts';
import { narrowEdit, type TextEdit } from './edit.ts';

/**
 * @param text the document that `cell` was found in
 * @param output what the fence shall hold; may hold anything
 * @returns null when nothing changes: the text is there already, or the cell is not closed and so has no place under it
 */
export function outputEdit(text: string, cell: Cell, output: string): TextEdit | null {
  if (!cell.closed) return null;
  const lines = output.replaceAll(/\r\n?/g, '\n').replace(/\n$/, '');
  const old = cell.output;
  if (lines === '') return old === null ? null : { from: cell.to, to: old.to, insert: '' };
  const eol = text[(old ?? cell).codeFrom - 2] === '\r' ? '\r\n' : '\n';
  if (old === null) {
    const fence = writeFence(lines, { mark: '`', size: 3, info: 'output', indent: cell.indent, eol });
    return { from: cell.to, to: cell.to, insert: eol + cell.indent.trimEnd() + eol + cell.indent + fence };
  }
  const mark = text[old.from] === '~' ? '~' : '`';
  const fence = writeFence(lines, {
    mark,
    size: old.size,
    info: text.slice(old.from + old.size, old.infoTo),
    indent: old.indent,
    eol,
  });
  return narrowEdit(text, { from: old.from, to: old.to, insert: fence });
}

type FenceForm = {
  readonly mark: '`' | '~';
  readonly size: number;
  readonly info: string;
  readonly indent: string;
  readonly eol: string;
};

function writeFence(content: string, form: FenceForm): string {
  const { indent, eol } = form;
  const runs = content.match(form.mark === '`' ? /`{3,}/g : /~{3,}/g) ?? [];
  const size = runs.reduce((most, run) => Math.max(most, run.length + 1), form.size);
  const fence = form.mark.repeat(size);
  // Spaces at the end of an empty line would be noise in every diff.
  const body = content.split('\n').map((line) => (line === '' ? indent.trimEnd() : indent + line) + eol);
  return `${fence}${form.info}${eol}${body.join('')}${indent}${fence}`;
}
