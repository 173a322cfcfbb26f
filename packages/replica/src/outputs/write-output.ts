/** The folded output of a run, put into the `output` fence of its cell as the smallest edit. */
import { Failure, outputEdit, type Run } from '@markco/protocol';
import type { Documents } from '../documents/documents.ts';
import { TEXT_NAME } from '../documents/insertion.ts';
import { findCell } from './find-cell.ts';

export type WriteOutputParts = { readonly documents: Documents; readonly author: () => number };

/** @throws Failure `not_found` when the cell is gone; the output stays with the run then */
export async function writeOutput({ documents, author }: WriteOutputParts, run: Run, text: string): Promise<void> {
  const { documentId } = run;
  if (documentId === undefined) return;
  const found = await documents.inspect(documentId, (doc, seq) => {
    const cell = findCell(doc, run.cellId, run.code);
    if (cell === undefined) return undefined;
    const edit = outputEdit(doc.getText(TEXT_NAME).toString(), cell, text);
    return { seq, edits: edit === null ? [] : [{ at: edit.from, remove: edit.to - edit.from, insert: edit.insert }] };
  });
  if (found === undefined) throw new Failure('not_found', 'The cell of this run is no longer in its document.');
  if (found.edits.length === 0) return;
  await documents.edit(documentId, found.seq, [{ author: author(), edits: found.edits }], 'run');
}
