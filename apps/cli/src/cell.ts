/** The cells of an open document that a command can run, each with the id that the page gives it too. */
import { Failure, findCells } from '@markco/protocol';
import type { OpenDocument } from '@markco/client/client';
import { createRelativePositionFromTypeIndex } from 'yjs';

export type RunnableCell = {
  readonly id: string;
  readonly language: string;
  readonly code: string;
};

/** In the document's order; without those that are never closed or say `eval: false`. */
export function cellsOf(open: OpenDocument): readonly RunnableCell[] {
  return findCells(open.text.toString())
    .filter((cell) => cell.closed && cell.options.eval !== false)
    .map((cell) => ({ id: cell.options.label ?? idAt(open, cell.from), language: cell.language, code: cell.code }));
}

/** `CLIENT-CLOCK` of the fence's first character: it stays the same while the text around it changes. */
function idAt(open: OpenDocument, index: number): string {
  const item = createRelativePositionFromTypeIndex(open.text, index).item;
  if (item === null) throw new Failure('internal', 'A cell has no first character.');
  return `${item.client}-${item.clock}`;
}
