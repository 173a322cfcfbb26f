/**
 * A store in Postgres: one table of keys and values, written by one process at a time.
 *
 * 1. Writes go one group at a time, in the order they were asked for, each group one statement: all or nothing.
 * 2. A write is committed, with the disk of the server behind it, when it resolves; `sync` adds nothing.
 * 3. Who writes holds a lease by its number. Each statement names it, so that one that the server takes up late, after
 *    this process has given it up or another one has taken over, changes nothing.
 */
import { Failure } from '@markco/protocol';
import type { KeyRange, Store, StoreWrite } from '@markco/replica/store/store';
import { databaseOf, type Database } from './database.ts';
import { MIGRATIONS } from './migrations.ts';
import { askTogether } from './together.ts';

/** One that does not answer for so long is given up; what it does with the statement later changes nothing. */
const STATEMENT_MS = 5_000;
const CONNECT_MS = 5_000;
const CONNECTIONS_MAX = 4;
const ROWS_AT_ONCE = 500;
/** Bytes of one statement; more wait for the next. */
const GROUP_BYTES_MAX = 16 * 1024 * 1024;
/** Any number that nothing else in the database locks with. */
const MIGRATION_LOCK = 6_272_051;

/**
 * Statements that are asked again and again have a name: the database parses and plans each of them once a connection,
 * which costs more than a small write itself.
 */
const WRITE = `WITH held AS (SELECT 1 FROM lease WHERE epoch = $1 FOR SHARE),
  gone AS (DELETE FROM records WHERE key = ANY($2::bytea[]) AND EXISTS (SELECT FROM held)),
  put AS (INSERT INTO records (key, value) SELECT k, v FROM unnest($3::bytea[], $4::bytea[]) AS t (k, v), held
    ON CONFLICT (key) DO UPDATE SET value = excluded.value)
  SELECT EXISTS (SELECT FROM held) AS held`;

const READ = 'SELECT key, value FROM records WHERE key = ANY($1::bytea[])';
const FIRST_ROWS = `SELECT t.n, r.key, r.value FROM unnest($1::int[], $2::bytea[], $3::bytea[]) AS t (n, gte, lt),
  LATERAL (SELECT key, value FROM records WHERE key >= t.gte AND key < t.lt ORDER BY key LIMIT ${ROWS_AT_ONCE}) AS r
  ORDER BY t.n, r.key`;

type Row = { readonly key: Buffer; readonly value: Buffer };
type Waiting = { readonly batch: readonly StoreWrite[]; resolve(): void; reject(cause: unknown): void };

export type PostgresStore = Store & {
  /** For what else is kept in this database (`documents-table.ts`). */
  readonly database: Database;
  /** The number of the lease that is held now. */
  readonly epoch: string;
  /** Why it was given up, until it is opened anew. */
  readonly broken: Error | undefined;
};

/** @throws Failure `conflict` when another process has taken over */
export type TakeLease = (database: Database, mine: string | null) => Promise<string>;

/** @throws Failure `storage_failed` when it cannot be reached, or is of a newer MarkCo */
export async function openPostgresStore(url: string, lease: TakeLease = takeLease): Promise<PostgresStore> {
  const pool = new (await import('pg')).Pool({
    connectionString: url,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: STATEMENT_MS,
    application_name: 'markco',
  });
  // A connection that breaks while nobody uses it is made anew when somebody does.
  pool.on('error', () => undefined);
  // One that breaks while it is used between two queries says so at the next.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const database = databaseOf(pool);
  let epoch: string;
  try {
    await migrate(database);
    epoch = await lease(database, null);
  } catch (cause) {
    await pool.end();
    throw cause instanceof Failure && cause.code !== 'not_ready'
      ? cause
      : new Failure(
          'storage_failed',
          'The database in DATABASE_URL cannot be reached or written. Start it, then start again.',
          { cause: cause instanceof Failure ? cause.cause : cause },
        );
  }
  let waiting: Waiting[] = [];
  let work: Promise<void> | undefined;
  /** Ends with the last write that was asked for, whatever comes of it. */
  let lastWrite: Promise<unknown> = Promise.resolve();
  /** Why a statement failed; nothing more is written until it was opened anew, so that none is passed over. */
  let broken: Error | undefined;

  async function moveAll(): Promise<void> {
    // So that it has not ended before it is noted as begun.
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = takeGroup(waiting);
      waiting = waiting.slice(group.length);
      try {
        if (broken !== undefined) throw broken;
        await put(group.flatMap(({ batch }) => batch));
        for (const { resolve } of group) resolve();
      } catch (cause) {
        broken ??= cause instanceof Error ? cause : new Error(String(cause));
        for (const { reject } of group) reject(cause);
      }
    }
    // In the turn in which nothing waits any more: who writes next begins anew.
    work = undefined;
  }

  async function put(rows: readonly StoreWrite[]): Promise<void> {
    const last = new Map<string, StoreWrite>();
    for (const row of rows) last.set(Buffer.from(row.key).toString('latin1'), row);
    const [gone, keys, values]: [Buffer[], Buffer[], Buffer[]] = [[], [], []];
    for (const { key, value } of last.values()) {
      if (value === null) gone.push(Buffer.from(key));
      else {
        keys.push(Buffer.from(key));
        values.push(Buffer.from(value));
      }
    }
    const { rows: said } = await database.query<{ held: boolean }>({
      ...{ name: 'write', text: WRITE },
      values: [epoch, gone, keys, values],
    });
    if (said[0]?.held !== true) throw taken();
  }

  async function settled(): Promise<void> {
    while (work !== undefined) await work;
  }

  const readOne = askTogether(async (keys: readonly Buffer[]) => {
    const { rows } = await database.query<Row>({ name: 'read', text: READ, values: [keys] });
    const found = new Map(rows.map(({ key, value }) => [key.toString('latin1'), value]));
    return keys.map((key) => found.get(key.toString('latin1')));
  });

  const firstRows = askTogether(async (ranges: readonly (readonly [Buffer, Buffer])[]) => {
    const { rows } = await database.query<Row & { n: number }>({
      ...{ name: 'first rows', text: FIRST_ROWS },
      values: [ranges.map((_, n) => n), ranges.map(([gte]) => gte), ranges.map(([, lt]) => lt)],
    });
    const found: Row[][] = ranges.map(() => []);
    for (const row of rows) found[row.n]?.push(row);
    return found;
  });

  async function rowsBetween(
    from: Buffer,
    to: Buffer,
    count: number,
    how: 'first' | 'next' | 'reverse',
  ): Promise<Row[]> {
    if (how === 'first' && count === ROWS_AT_ONCE) return firstRows([from, to]);
    const [after, order] = [how === 'next' ? '>' : '>=', how === 'reverse' ? 'DESC' : 'ASC'];
    const { rows } = await database.query<Row>({
      name: `range ${after} ${order}`,
      text: `SELECT key, value FROM records WHERE key ${after} $1 AND key < $2 ORDER BY key ${order} LIMIT $3`,
      values: [from, to, count],
    });
    return rows;
  }

  async function* range({ gte, lt, reverse = false, limit }: KeyRange) {
    // What is asked for after this is not waited for: where somebody writes on, that has no end.
    await lastWrite;
    let [from, to]: [Buffer, Buffer] = [Buffer.from(gte), Buffer.from(lt)];
    let isFirst = true;
    let left = limit === undefined || limit < 0 ? Number.POSITIVE_INFINITY : limit;
    while (left > 0) {
      const count = Math.min(ROWS_AT_ONCE, left);
      const rows = await rowsBetween(from, to, count, reverse ? 'reverse' : isFirst ? 'first' : 'next');
      for (const { key, value } of rows) yield [new Uint8Array(key), new Uint8Array(value)] as const;
      const last = rows.at(-1);
      if (rows.length < count || last === undefined) return;
      left -= rows.length;
      isFirst = false;
      if (reverse) to = last.key;
      else from = last.key;
    }
  }

  return {
    isFar: true,
    database,
    get epoch() {
      return epoch;
    },
    get broken() {
      return broken;
    },
    async read(key) {
      await lastWrite;
      const value = await readOne(Buffer.from(key));
      return value === undefined ? undefined : new Uint8Array(value);
    },
    write(batch) {
      // Who asked may use the bytes again at once.
      const copy = batch.map(({ key, value }) => ({ key: key.slice(), value: value === null ? null : value.slice() }));
      const written = new Promise<void>((resolve, reject) => {
        waiting.push({ batch: copy as StoreWrite[], resolve, reject });
        work ??= moveAll();
      });
      lastWrite = written.catch(() => undefined);
      return written;
    },
    writeNow: () => false,
    range,
    async reopen() {
      await settled();
      epoch = await lease(database, epoch);
      broken = undefined;
    },
    async close() {
      await settled();
      await pool.end();
    },
  };
}

function takeGroup(waiting: readonly Waiting[]): readonly Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const { batch } of waiting) {
    for (const { key, value } of batch) bytes += key.length + (value?.length ?? 0);
    if (count > 0 && bytes > GROUP_BYTES_MAX) break;
    count++;
  }
  return waiting.slice(0, count);
}

/**
 * The number of a lease that nobody has had. Waits for the statements of the one before.
 * @param mine the lease that is given up; null takes it from whoever has it
 * @throws Failure `conflict` when another process has taken over
 */
async function takeLease(database: Database, mine: string | null): Promise<string> {
  const { rows } = await database.query<{ epoch: string }>({
    text: 'UPDATE lease SET epoch = epoch + 1, shared = false WHERE $1::bigint IS NULL OR epoch = $1::bigint RETURNING epoch',
    values: [mine],
  });
  const [row] = rows;
  if (row === undefined) throw taken();
  return row.epoch;
}

export const taken = (): Failure =>
  new Failure(
    'conflict',
    'Another MarkCo cloud has taken this database over. This one writes nothing more: stop one of the two.',
  );

async function migrate(database: Database): Promise<void> {
  await database.transact(async (query) => {
    // Of two that start at once one waits.
    await query({ text: 'SELECT pg_advisory_xact_lock($1)', values: [MIGRATION_LOCK] });
    await query({
      text: 'CREATE TABLE IF NOT EXISTS migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())',
    });
    const { rows } = await query<{ version: number | null }>({
      text: 'SELECT max(version) AS version FROM migrations',
    });
    const known = rows[0]?.version ?? 0;
    if (known > MIGRATIONS.length)
      throw new Failure(
        'unsupported',
        'The database was written by a newer MarkCo. Upgrade this one; nothing was changed.',
      );
    for (const [index, step] of MIGRATIONS.entries()) {
      if (index < known) continue;
      await query({ text: step });
      await query({ text: 'INSERT INTO migrations (version) VALUES ($1)', values: [index + 1] });
    }
  });
}
