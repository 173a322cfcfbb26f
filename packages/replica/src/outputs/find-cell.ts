/**
 * Which cell of a document a run belongs to, after the document has been edited meanwhile.
 *
 * A cell's id is the Yjs id of its fence's first character (`CLIENT-CLOCK`), which moves with the text, or the cell's
 * own label. When the fence was retyped, the only cell with the run's code is it; with several or none, there is no
 * telling.
 */
import { findCells, positionOfCellId, type Cell } from '@markco/protocol';
import type { Doc } from 'yjs';
import { TEXT_NAME } from '../documents/insertion.ts';

export function findCell(doc: Doc, cellId: string | undefined, code: string): Cell | undefined {
  const cells = findCells(doc.getText(TEXT_NAME).toString());
  if (cellId !== undefined) {
    const index = positionOfCellId(doc, TEXT_NAME, cellId);
    const here =
      index === undefined
        ? undefined
        : cells.find((cell) => cell.from === index || (index > cell.from && index < cell.codeFrom));
    if (here !== undefined) return here;
    const labeled = cells.filter((cell) => cell.options.label === cellId);
    if (labeled.length === 1) return labeled[0];
  }
  const same = cells.filter((cell) => cell.code.trim() === code.trim());
  return same.length === 1 ? same[0] : undefined;
}
