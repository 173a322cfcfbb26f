/**
 * The catalog row of a document, and the catalog as those see it who only need its rows.
 *
 * 1. `file` names the last moment at which file and document were equal: (`seq`, then `taken`) on the one
 *    side and `hash` on the other are a true common ancestor, never a guess.
 * 2. A row with `deletedAt` is a tombstone: its id is never used again.
 */
import type { DeviceId, DocumentId, ProjectId } from '@markco/protocol';
import type { TextStep } from './texts.ts';

/** A file as it was when document and file were last known to be equal. */
export type FileState = {
  /** The document's log position then; -1 = the document has no CRDT state yet (not imported: nobody opened it). */
  readonly seq: number;
  readonly mtimeMs: number;
  readonly size: number;
  readonly ino: number;
  /** sha-256 of the bytes, in hexadecimal. */
  readonly hash: string;
  /** Steps that lead from the text at `seq` to the file's: written by others, stored here before they are merged, until the merged text is in the file. */
  readonly taken?: readonly TextStep[];
  /** A replacement of the file that is under way. `temp` (path inside the project) still there: it has not happened; gone: it has. */
  readonly writing?: { readonly seq: number; readonly hash: string; readonly size: number; readonly temp: string };
};

/** How a text stood in its file: beside the text all that is needed to make the same bytes again. */
export type FileForm = {
  readonly bom: boolean;
  /** The line endings from the first line on, each with the number of lines in a row that have it. */
  readonly endings: readonly (readonly ['lf' | 'crlf' | 'cr', number])[];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
};

/** When a document got its name or was deleted, so that every device agrees which came last. */
export type Stamp = {
  /** Unix milliseconds, at least one more than of any stamp seen before: a clock that is behind loses nothing. */
  readonly at: number;
  readonly by: DeviceId;
};

/** Whether a name or a deletion counts over another; every device decides alike. */
export function isLater(a: Stamp, b: Stamp | undefined): boolean {
  return b === undefined || a.at > b.at || (a.at === b.at && a.by > b.by);
}

/** The catalog row of a document; kept durable by the catalog. */
export type DocumentRecord = {
  readonly id: DocumentId;
  readonly projectId: ProjectId;
  /** The path inside the project without its extension, `/` between its parts; a `.qmd` beside a `.md` of the same name keeps its own. */
  readonly path: string;
  readonly ext: '.md' | '.qmd';
  readonly title?: string;
  /** ISO 8601 UTC. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly sizeBytes: number;
  /** sha-256 of the file's bytes as last seen or written, in hexadecimal. */
  readonly contentHash: string;
  /** What the file was when it was last equal to the document: null until first seen. */
  readonly file: null | FileState;
  /** Of its path, or of its deletion; given by the catalog. Absent in rows of before there were any. */
  readonly named?: Stamp;
  /** ISO 8601 UTC: a tombstone, the id is never used again. */
  readonly deletedAt?: string;
  /** The file that was deleted with the document in the page; absent when another program deleted it. */
  readonly deletedForm?: FileForm;
};

/** In memory, backed by the store. */
export type Catalog = {
  get(id: DocumentId): DocumentRecord | undefined;
  /** `filePath` with its extension; live documents only. */
  byPath(projectId: ProjectId, filePath: string): DocumentRecord | undefined;
  /** Live documents. */
  list(projectId: ProjectId): Iterable<DocumentRecord>;
  /** Resolves when the rows are on disk. */
  put(records: readonly DocumentRecord[]): Promise<void>;
};
