/** A database as the statements of this cloud reach it: whatever goes wrong is said in words for whoever asked. */
import { Failure } from '@markco/protocol';
import type { Pool, QueryResult, QueryResultRow } from 'pg';

/** One with a name is parsed and planned once a connection. */
export type Statement = { readonly name?: string; readonly text: string; readonly values?: unknown[] };

type Query = <T extends QueryResultRow>(statement: Statement) => Promise<QueryResult<T>>;

/** `not_ready` where it does not answer, or will not: the same may go through later. */
export type Database = {
  readonly query: Query;
  /** One transaction. What was cut off in the middle is undone. */
  transact<T>(work: (query: Query) => Promise<T>): Promise<T>;
};

export function databaseOf(pool: Pick<Pool, 'connect' | 'query'>): Database {
  return {
    query: <T extends QueryResultRow>(statement: Statement) => pool.query<T>(statement).catch(rethrow),
    async transact(work) {
      const client = await pool.connect().catch(rethrow);
      const query = <T extends QueryResultRow>(statement: Statement) => client.query<T>(statement).catch(rethrow);
      let broken: Error | undefined;
      try {
        await query({ text: 'BEGIN' });
        const done = await work(query);
        await query({ text: 'COMMIT' });
        return done;
      } catch (cause) {
        broken = cause instanceof Error ? cause : new Error(String(cause));
        throw cause;
      } finally {
        // One that is not given back ends, and what it was in the middle of with it.
        client.release(broken);
      }
    },
  };
}

function rethrow(cause: unknown): never {
  throw new Failure('not_ready', 'The database of this cloud does not answer now. Try again in a moment.', { cause });
}
