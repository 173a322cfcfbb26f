/** The code around an offset as an interpreter is asked about it: the text of its cell as it is now. */
import type { EditorState } from '@codemirror/state';
import { cellAt } from './cells/cell-actions.ts';
import type { CellPlace, LiveCode } from './parts.ts';
import { scanField } from './scan.ts';
import { fenceAround } from './typing.ts';

/** Null outside of cells that run. */
export function liveCodeAt(
  state: EditorState,
  offset: number,
): (LiveCode & { readonly cell: CellPlace; readonly from: number }) | null {
  const fence = fenceAround(state, offset);
  const cell = fence === null ? null : cellAt(state.field(scanField).cells, offset);
  if (fence === null || cell === null) return null;
  const from = state.doc.lineAt(fence.from).to + 1;
  const marks = fence.getChildren('CodeMark');
  const closing = marks.length > 1 ? marks[marks.length - 1] : undefined;
  const to = closing === undefined ? fence.to : state.doc.lineAt(closing.from).from - 1;
  if (offset < from || offset > Math.max(from, to)) return null;
  const { language, options } = cell;
  return {
    cell: { language, on: options.on },
    code: state.sliceDoc(from, Math.max(from, to)),
    cursor: offset - from,
    from,
  };
}
