/**
 * The catalog row of a document, and the catalog as those see it who only need its rows.
 *
 * 1. `file` names the last moment at which file and document were equal: its (`seq`, `hash`) pair is a
 *    true common ancestor, never a guess.
 * 2. A row with `deletedAt` is a tombstone: its id is never used again.
 */
import type { DocumentId, ProjectId } from '@markco/protocol';

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
  /**
   * What the file was when it was last equal to the document: null until first seen. `seq`: the
   * document's log position then; -1 = the document has no CRDT state yet (not imported: nobody opened it).
   */
  readonly file: null | { readonly seq: number; readonly mtimeMs: number; readonly size: number; readonly ino: number; readonly hash: string };
  /** ISO 8601 UTC: a tombstone, the id is never used again. */
  readonly deletedAt?: string;
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
