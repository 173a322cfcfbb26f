/**
 * Documents as text with a history, as those see them who know nothing of CRDTs: the file projection.
 *
 * 1. A step that was applied once is never applied twice: its `author` makes it recognizable, also after a crash.
 */
import type { DocumentId } from '@markco/protocol';

/** UTF-16 offsets, ascending, in the coordinates of the base text. */
export type TextEdit = { readonly at: number; readonly remove: number; readonly insert: string };

/**
 * What one writer did in one go. `author` is a random 32-bit number, used for this step alone and stored
 * before the step is applied: an implementation on Yjs takes it as the step's client id, so that the same
 * step on the same base is the same update, and applying it again changes nothing.
 */
export type TextStep = { readonly author: number; readonly edits: readonly TextEdit[] };

export type DocumentTexts = {
  /** The text now, and its log position, which a kill does not take back. Only for documents that have state (`file.seq >= 0`). */
  read(id: DocumentId): Promise<{ readonly text: string; readonly seq: number }>;
  /** The log position now, without loading the text. Ascends with every accepted change. */
  position(id: DocumentId): Promise<number>;
  /** The text as it was at a log position: the common ancestor for a three-way merge. */
  textAt(id: DocumentId, seq: number): Promise<string>;
  /**
   * Applies steps as somebody would have made them who saw the text at `baseSeq`: the first in its
   * coordinates, each further one in those of the text after the one before. Concurrent edits survive (CRDT
   * merge); steps that are already part of the document are passed over. Resolves once durable, with the position then.
   */
  edit(id: DocumentId, baseSeq: number, steps: readonly TextStep[], origin: 'file'): Promise<{ readonly seq: number }>;
  /** Called for each accepted change, whoever made it. Answers how to stop that. */
  onChange(listener: (id: DocumentId, seq: number) => void): () => void;
};
