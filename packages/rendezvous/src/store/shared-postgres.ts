/**
 * The store in Postgres where several processes share the work (`shared-store.ts` of the replica).
 *
 * They hold one lease together. A process that is alone takes it from all of them, and the first that shares takes it
 * from one that is alone: then it is counted anew how far each document is.
 */
import type { Change, Changed, Changes, SharedStore } from '@markco/replica/store/shared-store';
import type { Database } from './database.ts';
import { openPostgresStore, taken, type PostgresStore } from './postgres.ts';

/** Rows of one answer. */
const CHANGED_AT_ONCE = 4_000;

/** Whoever waits for a version finds it moved, and is refused (`ON CONFLICT … WHERE`), however late its statement is. */
const COMMIT = `WITH held AS (SELECT 1 FROM lease WHERE epoch = $1 AND shared FOR SHARE),
  wanted AS (SELECT * FROM unnest($2::int[], $3::bytea[], $4::bigint[], $5::bigint[]) AS t (n, k, w, x)),
  moved AS (INSERT INTO versions (key, version, was, tx)
    SELECT k, x, w, pg_current_xact_id() FROM wanted, held
    WHERE w = 0 OR EXISTS (SELECT FROM versions WHERE key = k) ORDER BY k
    ON CONFLICT (key) DO UPDATE SET version = excluded.version, was = excluded.was, tx = excluded.tx
      WHERE versions.version = excluded.was
    RETURNING key),
  taken AS (SELECT n, x FROM wanted JOIN moved ON key = k),
  told AS (INSERT INTO versions (key, version, was, tx)
    SELECT k, x, 0, pg_current_xact_id() FROM unnest($6::int[], $7::bytea[]) AS t (n, k) JOIN taken USING (n)
    ON CONFLICT (key) DO UPDATE SET version = excluded.version, tx = excluded.tx),
  gone AS (DELETE FROM records USING unnest($8::int[], $9::bytea[]) AS t (n, k) JOIN taken USING (n) WHERE key = k),
  put AS (INSERT INTO records (key, value)
    SELECT k, v FROM unnest($10::int[], $11::bytea[], $12::bytea[]) AS t (n, k, v) JOIN taken USING (n)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value)
  SELECT EXISTS (SELECT FROM held) AS held, ARRAY(SELECT n FROM taken) AS taken`;

/** What is not visible yet has a number that is not below the lowest that was under way: no change is passed over. */
const CHANGES = `SELECT s.xmin, v.key, v.version, v.tx, r.value
  FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin) AS s LEFT JOIN
    (SELECT key, version, tx::text AS tx, tx AS at FROM versions WHERE tx >= $1::text::xid8 ORDER BY tx LIMIT $2) AS v ON true
  LEFT JOIN records AS r ON r.key = v.key AND get_byte(v.key, 0) = ANY(ARRAY[ascii('d'), ascii('p'), ascii('m')])
  ORDER BY v.at`;

const FORGET = `DELETE FROM versions WHERE key = ANY($1::bytea[])
  AND EXISTS (SELECT FROM versions AS guard WHERE guard.key = $2 AND guard.version = $3)`;

type ChangedRow = {
  xmin: string;
  key: Buffer | null;
  version: string;
  tx: string;
  value: Buffer | null;
};

export type SharedPostgresStore = PostgresStore & SharedStore;

/** @throws Failure `storage_failed` when it cannot be reached, or is of a newer MarkCo */
export async function openSharedPostgresStore(url: string): Promise<SharedPostgresStore> {
  const store = await openPostgresStore(url, joinLease);
  const { database } = store;

  async function commit(changes: readonly Change[]): Promise<readonly boolean[]> {
    if (store.broken !== undefined) throw store.broken;
    const { rows } = await database.query<{ held: boolean; taken: number[] }>({
      ...{ name: 'commit', text: COMMIT },
      values: [store.epoch, ...columnsOf(changes)],
    });
    if (rows[0]?.held !== true) throw taken();
    const numbers = new Set(rows[0].taken);
    return changes.map((_, n) => numbers.has(n));
  }

  const changedRows = async (since: string, limit: number): Promise<readonly ChangedRow[]> =>
    (await database.query<ChangedRow>({ name: 'changes', text: CHANGES, values: [since, limit] })).rows;

  async function changesSince(since: string | null): Promise<Changes> {
    if (since === null) {
      const { rows } = await database.query<{ xmin: string }>({
        text: 'SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin',
      });
      return { changed: [], cursor: rows[0]?.xmin ?? '0', isAll: true };
    }
    // Of more than that in one transaction all are read at once: the next answer begins with a transaction.
    for (let limit = CHANGED_AT_ONCE; ; limit *= 4) {
      const rows = await changedRows(since, limit);
      const changed = rows.flatMap(changedOf);
      const last = rows.at(-1);
      if (changed.length < limit) return { changed, cursor: last?.xmin ?? since, isAll: true };
      if (last !== undefined && last.tx !== since) return { changed, cursor: last.tx, isAll: false };
    }
  }

  const shared = {
    commit,
    changes: changesSince,
    async forget(keys: readonly Uint8Array[], guard: { readonly key: Uint8Array; readonly version: number }) {
      await database.query({
        text: FORGET,
        values: [keys.map((key) => Buffer.from(key)), Buffer.from(guard.key), guard.version],
      });
    },
    async versions(prefix: string) {
      const { rows } = await database.query<{ key: Buffer; version: string }>({
        text: 'SELECT key, version FROM versions WHERE key >= $1 AND key < $2',
        values: [
          Buffer.from(prefix),
          Buffer.from(`${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`),
        ],
      });
      return rows.map(({ key, version }) => ({ key: new Uint8Array(key), version: Number(version) }));
    },
  };
  return Object.assign(store, shared);
}

const changedOf = ({ key, version, value }: ChangedRow): Changed[] =>
  key === null
    ? []
    : [{ key: new Uint8Array(key), version: Number(version), value: value === null ? null : new Uint8Array(value) }];

/** The parameters of COMMIT after the lease. */
function columnsOf(changes: readonly Change[]): unknown[] {
  const guards = changes.map(({ guard }, n) => [n, Buffer.from(guard.key), guard.was, guard.next] as const);
  const told = changes.flatMap(({ touched = [] }, n) => touched.map((key) => [n, Buffer.from(key)] as const));
  const writes = changes.flatMap(({ batch }, n) => batch.map((write) => ({ n, ...write })));
  const gone = writes.filter(({ value }) => value === null);
  const put = writes.filter(({ value }) => value !== null);
  const keyOf = ({ key }: { readonly key: Uint8Array }): Buffer => Buffer.from(key);
  return [
    ...[0, 1, 2, 3].map((column) => guards.map((guard) => guard[column])),
    ...[0, 1].map((column) => told.map((each) => each[column])),
    ...[gone.map(({ n }) => n), gone.map(keyOf)],
    ...[put.map(({ n }) => n), put.map(keyOf), put.map(({ value }) => Buffer.from(value ?? []))],
  ];
}

/** How far each document is, from what there is of it (`key.ts` and `record.ts` of the replica). */
const COUNT = `DELETE FROM versions;
  WITH logs AS (SELECT substr(key, 2, 16) AS id, max(('x' || encode(substr(key, 18, 8), 'hex'))::bit(64)::bigint) AS seq
      FROM records WHERE key >= '\\x75' AND key < '\\x76' GROUP BY 1),
    states AS (SELECT substr(key, 2, 16) AS id, ('x' || encode(substr(value, 3, 8), 'hex'))::bit(64)::bigint AS seq
      FROM records WHERE key >= '\\x73' AND key < '\\x74'),
    counted AS (SELECT 's'::bytea || id AS key, seq FROM states
      UNION ALL SELECT 'u'::bytea || id, greatest(coalesce(logs.seq, 0), coalesce(states.seq, 0))
        FROM logs FULL JOIN states USING (id))
  INSERT INTO versions (key, version, was, tx) SELECT key, seq, 0, pg_current_xact_id() FROM counted`;

/** The number that all who share have. */
const joinLease = (database: Database, mine: string | null): Promise<string> =>
  database.transact(async (query) => {
    const { rows } = await query<{ epoch: string; shared: boolean }>({
      text: 'SELECT epoch, shared FROM lease FOR UPDATE',
    });
    let epoch = rows[0]?.epoch ?? '0';
    if (mine !== null && (epoch !== mine || rows[0]?.shared !== true)) throw taken();
    if (rows[0]?.shared !== true) {
      const next = await query<{ epoch: string }>({
        text: 'UPDATE lease SET epoch = epoch + 1, shared = true RETURNING epoch',
      });
      epoch = next.rows[0]?.epoch ?? epoch;
      await query({ text: COUNT });
    }
    // A database that was restored into another server has numbers that are yet to come there.
    await query({ text: 'UPDATE versions SET tx = pg_current_xact_id() WHERE tx > pg_current_xact_id()' });
    return epoch;
  });
