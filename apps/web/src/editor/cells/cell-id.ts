/**
 * The name of a cell that survives edits around it: the Yjs id (`CLIENT-CLOCK`) of its fence's first character.
 *
 * One walk over the text's items names all cells: `createRelativePositionFromTypeIndex` walks from the start
 * for each, which is quadratic in a document with many cells and a long history.
 */
import type { Item, Text } from 'yjs';

/**
 * The ids of the characters at `positions` (UTF-16 offsets, ascending). A position past the end has the empty id.
 */
export function idsAt(text: Text, positions: readonly number[]): readonly string[] {
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
