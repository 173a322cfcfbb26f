/**
 * The table `documents`, for whoever reads the database: each document under its names, with its text and its state.
 *
 * It follows what is kept; nothing here is ever read back into a document. A row is as new as its `updated_at`, and
 * one that could not be written is written when its document changes next, or at the next start.
 */
import type { DocumentId, Project, UserId } from '@markco/protocol';
import type { DocumentRecord } from '@markco/replica/documents/document-record';
import { createHash } from 'node:crypto';
import type { PostgresStore } from './postgres.ts';

export type DocumentsTable = {
  put(row: {
    readonly record: DocumentRecord;
    readonly project: Project;
    readonly text: string;
    readonly state: Uint8Array;
  }): Promise<void>;
  remove(id: DocumentId): Promise<void>;
  /** All of one person. */
  removeOf(userId: UserId): Promise<void>;
  /** When each row was written last, in milliseconds. */
  written(): Promise<ReadonlyMap<string, number>>;
};

/** A name passes from one document to another before the second has told of its own. */
const PUT = `WITH gone AS (DELETE FROM documents WHERE user_id = $2 AND project = $3 AND doc_path = $4 AND id <> $1)
  INSERT INTO documents (id, user_id, project, doc_path, yjs_state, content_text, content_hash, byte_size, updated_at, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
  ON CONFLICT (id) DO UPDATE SET user_id = $2, project = $3, doc_path = $4, yjs_state = $5, content_text = $6,
    content_hash = $7, byte_size = $8, updated_at = $9`;

export function createDocumentsTable({ pool }: Pick<PostgresStore, 'pool'>): DocumentsTable {
  return {
    async put({ record, project, text, state }) {
      const values = [
        ...[record.id, project.userId, project.slug, record.path],
        // Postgres keeps no NUL in a text.
        ...[
          Buffer.from(state),
          text.replaceAll('\0', '\uFFFD'),
          createHash('md5').update(text).digest('hex'),
          state.length,
        ],
        ...[record.updatedAt, record.createdAt],
      ];
      await pool.query({ name: 'put', text: PUT, values });
    },
    async remove(id) {
      await pool.query('DELETE FROM documents WHERE id = $1', [id]);
    },
    async removeOf(userId) {
      await pool.query('DELETE FROM documents WHERE user_id = $1', [userId]);
    },
    async written() {
      const { rows } = await pool.query<{ id: string; updated_at: Date }>('SELECT id, updated_at FROM documents');
      return new Map(rows.map(({ id, updated_at: at }) => [id, at.getTime()]));
    },
  };
}
