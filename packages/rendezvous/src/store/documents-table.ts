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

export type DocumentRow = {
  readonly record: DocumentRecord;
  readonly project: Project;
  readonly text: string;
  readonly state: Uint8Array;
};

export type DocumentsTable = {
  /** All of them or none; each document at most once. */
  put(rows: readonly DocumentRow[]): Promise<void>;
  remove(id: DocumentId): Promise<void>;
  /** All of one person. */
  removeOf(userId: UserId): Promise<void>;
  /** When each row was written last, in milliseconds. */
  written(): Promise<ReadonlyMap<string, number>>;
};

/** A name passes from one document to another before the second has told of its own. */
const MAKE_ROOM = `DELETE FROM documents AS d
  USING unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS t (id, user_id, project, doc_path)
  WHERE d.user_id = t.user_id AND d.project = t.project AND d.doc_path = t.doc_path AND d.id <> t.id`;
const PUT = `INSERT INTO documents
    (id, user_id, project, doc_path, yjs_state, content_text, content_hash, byte_size, updated_at, created_at)
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::int[],
    $9::timestamptz[], $10::timestamptz[])
  ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, project = excluded.project, doc_path = excluded.doc_path,
    yjs_state = excluded.yjs_state, content_text = excluded.content_text, content_hash = excluded.content_hash,
    byte_size = excluded.byte_size, updated_at = excluded.updated_at`;

export function createDocumentsTable({ database }: Pick<PostgresStore, 'database'>): DocumentsTable {
  return {
    async put(rows) {
      // In one order, whoever writes: of two that write the same ones at once the second waits.
      const ordered = rows.toSorted((a, b) => (a.record.id < b.record.id ? -1 : 1));
      const names = [
        ordered.map(({ record }) => record.id),
        ordered.map(({ project }) => project.userId),
        ordered.map(({ project }) => project.slug),
        ordered.map(({ record }) => record.path),
      ];
      const values = [
        ...names,
        ordered.map(({ state }) => Buffer.from(state)),
        // Postgres keeps no NUL in a text.
        ordered.map(({ text }) => text.replaceAll('\0', '\uFFFD')),
        ordered.map(({ text }) => createHash('md5').update(text).digest('hex')),
        ordered.map(({ state }) => state.length),
        ordered.map(({ record }) => record.updatedAt),
        ordered.map(({ record }) => record.createdAt),
      ];
      await database.transact(async (query) => {
        await query({ name: 'make room', text: MAKE_ROOM, values: names });
        await query({ name: 'put', text: PUT, values });
      });
    },
    async remove(id) {
      await database.query({ text: 'DELETE FROM documents WHERE id = $1', values: [id] });
    },
    async removeOf(userId) {
      await database.query({ text: 'DELETE FROM documents WHERE user_id = $1', values: [userId] });
    },
    async written() {
      const { rows } = await database.query<{ id: string; updated_at: Date }>({
        text: 'SELECT id, updated_at FROM documents',
      });
      return new Map(rows.map(({ id, updated_at: at }) => [id, at.getTime()]));
    },
  };
}
