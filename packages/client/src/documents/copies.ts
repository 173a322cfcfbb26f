/** Where a peer keeps its own copies of documents, so that they open without the device and survive a closed page. */
import type { DocumentId } from '@markco/protocol';
import type { Doc } from 'yjs';

export type Copy = {
  /** Resolves once what was kept is in `doc`. Rejects when it cannot be read; the device's answer does the job then. */
  readonly loaded: Promise<void>;
  /** Edits in it that the device had not confirmed when it was last noted. Known once `loaded` has resolved. */
  readonly unsavedEdits: () => number;
  noteUnsaved(edits: number): void;
  close(): Promise<void>;
};

export type Copies = {
  /** Loads into `doc` what was kept, and keeps what changes from then on. Its edits carry this as their origin. */
  keep(documentId: DocumentId, doc: Doc): Copy;
  /** Origins of edits that come from the copy and not from a person. */
  isOwn(origin: unknown): boolean;
};
