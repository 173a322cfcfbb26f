/**
 * Which cell of a document a run belongs to, after the document has been edited meanwhile.
 *
 * A cell's id is the Yjs id of its fence's first character (`CLIENT-CLOCK`), which moves with the text, or the cell's
 * own label. When the fence was retyped, the only cell with the run's code is it; with several or none, there is no
 * telling.
 */
import { findCells, type Cell } from '@markco/protocol';
import * as Y from 'yjs';
import { TEXT_NAME } from '../documents/insertion.ts';

export function findCell(doc: Y.Doc, cellId: string | undefined, code: string): Cell | undefined {
  const cells = findCells(doc.getText(TEXT_NAME).toString());
  if (cellId !== undefined) {
    const index = indexOf(doc, cellId);
    const here = index === undefined ? undefined : cells.find((cell) => cell.from === index || (index > cell.from && index < cell.codeFrom));
    if (here !== undefined) return here;
    const labeled = cells.filter((cell) => cell.options.label === cellId);
    if (labeled.length === 1) return labeled[0];
  }
  const same = cells.filter((cell) => cell.code.trim() === code.trim());
  return same.length === 1 ? same[0] : undefined;
}

/** Where the character with this Yjs id is now; undefined when it was deleted or never here. */
function indexOf(doc: Y.Doc, cellId: string): number | undefined {
  const match = /^(\d{1,16})-(\d{1,16})$/.exec(cellId);
  if (match === null) return undefined;
  const id = Y.createID(Number(match[1]), Number(match[2]));
  if (Y.getState(doc.store, id.client) <= id.clock) return undefined;
  const item = Y.getItem(doc.store, id);
  if (!(item instanceof Y.Item) || item.deleted) return undefined;
  const position = Y.createRelativePositionFromJSON({ type: null, tname: TEXT_NAME, item: { client: id.client, clock: id.clock }, assoc: 0 });
  return Y.createAbsolutePositionFromRelativePosition(position, doc)?.index;
}
