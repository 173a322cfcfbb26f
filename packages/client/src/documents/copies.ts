/** Where a peer keeps its own copies of documents, so that they open without the device and survive a closed page. */
import type { DocumentId } from '@markco/protocol';
import type { Doc } from 'yjs';
import type { Fact } from '../fact.ts';

/**
 * What stands between an edit and the own copy. `slow`: the disk has taken more than a second. `full`: there is no
 * room. `refused`: the copy cannot be opened or written (a private window, a setting, a broken profile). In every
 * case it is tried again by itself, and nothing is claimed meanwhile.
 */
export type CopyTrouble = 'slow' | 'full' | 'refused';

export type Kept = {
  /** The last edit, as numbered by `keep`, that is on this peer's disk together with all before it. */
  readonly edits: number;
  /** Absent when all is well. */
  readonly trouble?: CopyTrouble;
};

export type Copy = {
  /** Resolves once what was kept is in `doc`. Rejects when it cannot be read; the device's answer does the job then. */
  readonly loaded: Promise<void>;
  /** Edits in it that the device had not confirmed when it was last noted. Known once `loaded` has resolved. */
  readonly unsavedEdits: () => number;
  /**
   * Says that the last edit in the document is number `edits` and that the device lacks the last `unsaved` of them.
   * `kept` tells when that edit is on disk. Numbers count from `loaded` on; what was said before is to be said again.
   */
  keep(edits: number, unsaved: number): void;
  readonly kept: Fact<Kept>;
  close(): Promise<void>;
};

export type Copies = {
  /** Loads into `doc` what was kept, and keeps what changes from then on. Its edits carry this as their origin. */
  keep(documentId: DocumentId, doc: Doc): Copy;
  /** Origins of edits that come from the copy and not from a person. */
  isOwn(origin: unknown): boolean;
  /**
   * Drops the copies that are not wanted, nobody has open, and hold nothing that the device lacks: a bounded number a
   * call, one after the other. Resolves to how many went. An abort stops before the next one.
   */
  drop(isWanted: (documentId: DocumentId) => boolean, signal: AbortSignal): Promise<number>;
};
