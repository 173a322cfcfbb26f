/** Documents as text with a history, as those see them who know nothing of CRDTs: the file projection. */
import type { DocumentId } from '@markco/protocol';

/** UTF-16 offsets, ascending, in the coordinates of the base text. */
export type TextEdit = { readonly at: number; readonly remove: number; readonly insert: string };

export type DocumentTexts = {
  /** The text now, and its log position. Only for documents that have state (`file.seq >= 0`). */
  read(id: DocumentId): Promise<{ readonly text: string; readonly seq: number }>;
  /** The text as it was at a log position: the common ancestor for a three-way merge. */
  textAt(id: DocumentId, seq: number): Promise<string>;
  /**
   * Applies edits as somebody who saw the text at `baseSeq` would have made them; concurrent edits
   * survive. Resolves once durable, with the new position.
   */
  edit(id: DocumentId, baseSeq: number, edits: readonly TextEdit[], origin: 'file'): Promise<{ readonly seq: number }>;
  /** Called for each accepted change, whoever made it. Answers how to stop that. */
  onChange(listener: (id: DocumentId, seq: number) => void): () => void;
};
