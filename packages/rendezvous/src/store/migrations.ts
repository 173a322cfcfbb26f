/** The tables of a rendezvous in Postgres, step by step: a step is never changed once it was released, only followed by others. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE records (key bytea PRIMARY KEY, value bytea NOT NULL);
   CREATE TABLE lease (one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL);
   INSERT INTO lease (epoch) VALUES (0);
   CREATE TABLE documents (
     id uuid PRIMARY KEY,
     user_id uuid NOT NULL,
     project text NOT NULL,
     doc_path text NOT NULL,
     yjs_state bytea,
     content_text text,
     content_hash text,
     byte_size integer NOT NULL DEFAULT 0,
     updated_at timestamptz NOT NULL DEFAULT now(),
     created_at timestamptz NOT NULL DEFAULT now(),
     UNIQUE (user_id, project, doc_path)
   );
   CREATE INDEX documents_by_project ON documents (user_id, project);
   CREATE INDEX documents_by_update ON documents (updated_at);`,
  `ALTER TABLE lease ADD COLUMN shared boolean NOT NULL DEFAULT false;
   CREATE TABLE versions (key bytea PRIMARY KEY, version bigint NOT NULL, was bigint NOT NULL, tx xid8 NOT NULL);
   CREATE INDEX versions_by_tx ON versions (tx);`,
  `CREATE UNLOGGED TABLE tickets
     (hash text PRIMARY KEY, user_id uuid NOT NULL, about text NOT NULL, ends_at timestamptz NOT NULL);
   CREATE INDEX tickets_by_user ON tickets (user_id);
   CREATE INDEX tickets_by_end ON tickets (ends_at);`,
  `CREATE UNLOGGED TABLE mailbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, receiver uuid NOT NULL,
     sender uuid NOT NULL, kind text NOT NULL, seq bigint NOT NULL, sealed bytea NOT NULL,
     at timestamptz NOT NULL DEFAULT now());
   CREATE INDEX mailbox_by_receiver ON mailbox (receiver);`,
];
