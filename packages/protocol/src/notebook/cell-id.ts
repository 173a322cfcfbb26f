/**
 * The name of a cell that survives edits around it: the Yjs id (`CLIENT-CLOCK`) of its fence's first character.
 * Whoever submits a run writes it, the host of the run finds the cell again by it.
 *
 * One walk over the text's items names all cells: `createRelativePositionFromTypeIndex` walks from the start
 * for each, which is quadratic in a document with many cells and a long history.
 */
import {
  createAbsolutePositionFromRelativePosition,
  createRelativePositionFromJSON,
  getItem,
  getState,
  Item,
  type Doc,
  type Text,
} from 'yjs';

/**
 * The ids of the characters at `positions` (UTF-16 offsets, ascending). A position past the end has the empty id.
 */
export function cellIdsAt(text: Text, positions: readonly number[]): readonly string[] {
  const ids: string[] = [];
  let start = 0;
  let next = 0;
  for (let item: Item | null = text._start; item !== null && next < positions.length; item = item.right) {
    if (item.deleted || !item.countable) continue;
    const end = start + item.length;
    for (let at = positions[next]; at !== undefined && at < end; at = positions[++next]) {
      ids.push(`${item.id.client}-${item.id.clock + (at - start)}`);
    }
    start = end;
  }
  while (ids.length < positions.length) ids.push('');
  return ids;
}

/** Where the character with this id is now; undefined when it was deleted or never here, or the text is no such id. */
export function positionOfCellId(doc: Doc, textName: string, cellId: string): number | undefined {
  const match = /^(\d{1,16})-(\d{1,16})$/.exec(cellId);
  if (match === null) return undefined;
  const id = { client: Number(match[1]), clock: Number(match[2]) };
  if (getState(doc.store, id.client) <= id.clock) return undefined;
  const item = getItem(doc.store, id);
  if (!(item instanceof Item) || item.deleted) return undefined;
  const position = createRelativePositionFromJSON({ type: null, tname: textName, item: id, assoc: 0 });
  return createAbsolutePositionFromRelativePosition(position, doc)?.index;
}
