/** The store in Postgres, on a real server. */
import { storeContract } from '@markco/replica/store/store.contract';
import type { Store } from '@markco/replica/store/store';
import { Pool } from 'pg';
import { afterAll, expect, test } from 'vitest';
import { MIGRATIONS } from './migrations.ts';
import { openPostgresStore } from './postgres.ts';
import { NO_POSTGRES, startPostgres } from './postgres.fixture.ts';

const server = NO_POSTGRES === undefined ? await startPostgres() : undefined;
afterAll(() => server?.[Symbol.asyncDispose]());

const key = (...bytes: number[]) => Uint8Array.from(bytes);
const value = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

if (server === undefined) test('the store in Postgres', (context) => context.skip(NO_POSTGRES));
else {
  storeContract(
    'postgres',
    async () => {
      const url = await server.database();
      const stores: Store[] = [await openPostgresStore(url)];
      return {
        store: stores[0] as Store,
        async killed() {
          const again = await openPostgresStore(url);
          stores.push(again);
          return again;
        },
        async close() {
          for (const each of stores) await each.close();
        },
      };
    },
    false,
  );

  test('of two processes on one database the later one writes, and the other nothing more, whatever it tries', async () => {
    const url = await server.database();
    const first = await openPostgresStore(url);
    await first.write([{ key: key(1), value: value('first') }], { sync: true });
    const second = await openPostgresStore(url);
    await second.write([{ key: key(1), value: value('second') }], { sync: true });
    const late = first.write([{ key: key(1), value: value('late') }], { sync: true });
    await expect(late).rejects.toMatchObject({ code: 'conflict' });
    await expect(first.reopen()).rejects.toMatchObject({ code: 'conflict' });
    await expect(first.write([{ key: key(1), value: null }], { sync: true })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(text(await second.read(key(1)))).toBe('second');
    await first.close();
    await second.close();
  });

  test('a server that is killed and comes back has all that was written, and takes writes again once opened anew', async () => {
    const url = await server.database();
    const store = await openPostgresStore(url);
    await store.write([{ key: key(1), value: value('kept') }], { sync: false });
    await server.kill();
    await expect(store.write([{ key: key(2), value: value('refused') }], { sync: true })).rejects.toThrow();
    await expect(store.reopen()).rejects.toThrow();
    await server.start();
    // Nothing is written past what failed before whoever asked knows of it.
    await expect(store.write([{ key: key(3), value: value('too early') }], { sync: true })).rejects.toThrow();
    await store.reopen();
    await store.write([{ key: key(2), value: value('again') }], { sync: true });
    expect([text(await store.read(key(1))), text(await store.read(key(2)))]).toEqual(['kept', 'again']);
    expect(await store.read(key(3))).toBeUndefined();
    await store.close();
  });

  test('a statement that the server takes up after it was given up changes nothing', async () => {
    const url = await server.database();
    const store = await openPostgresStore(url);
    await store.write([{ key: key(1), value: value('before') }], { sync: true });
    server.signal('SIGSTOP');
    try {
      await expect(store.write([{ key: key(1), value: value('frozen') }], { sync: true })).rejects.toThrow();
    } finally {
      server.signal('SIGCONT');
    }
    await store.reopen();
    await store.write([{ key: key(1), value: value('after') }], { sync: true });
    expect(text(await store.read(key(1)))).toBe('after');
    await store.close();
  });

  test('R20 migrations that are cut off at any moment are taken up again by the next start', async () => {
    const killer = new Pool({ connectionString: server.url, max: 1 });
    killer.on('error', () => undefined);
    let cut = 0;
    for (let trial = 0; trial < 20; trial++) {
      const url = await server.database();
      const name = new URL(url).pathname.slice(1);
      const isDone = { yet: false };
      const first = openPostgresStore(url).then(
        (store) => store.close(),
        () => void cut++,
      );
      void first.finally(() => (isDone.yet = true));
      // The later the trial the later it is cut off.
      for (let at = 0; !isDone.yet; at++) {
        const text = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1';
        if (at >= 2 * trial) await killer.query(text, [name]);
        else await killer.query('SELECT 1');
      }
      await first;
      const store = await openPostgresStore(url);
      await store.write([{ key: key(1), value: value('kept') }], { sync: true });
      expect(text(await store.read(key(1)))).toBe('kept');
      const { rows } = await store.database.query<{ version: number }>({
        text: 'SELECT version FROM migrations ORDER BY version',
      });
      expect(rows.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
      await store.close();
    }
    await killer.end();
    expect(cut).toBeGreaterThan(0);
  });

  test('a database of a newer version is left as it is, and steps are taken once', async () => {
    const url = await server.database();
    await (await openPostgresStore(url)).close();
    await (await openPostgresStore(url)).close();
    const pool = new Pool({ connectionString: url });
    const count = async () => (await pool.query<{ count: string }>('SELECT count(*) FROM migrations')).rows[0]?.count;
    expect(await count()).toBe(String(MIGRATIONS.length));
    await pool.query('INSERT INTO migrations (version) VALUES (999)');
    await expect(openPostgresStore(url)).rejects.toMatchObject({ code: 'unsupported' });
    await pool.end();
  });
}
