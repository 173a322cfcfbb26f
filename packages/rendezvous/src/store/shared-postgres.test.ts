/** The store in Postgres where several processes share it, on a real server. */
import { keyAt, keyOf } from '@markco/replica/store/key';
import { sharedStoreContract } from '@markco/replica/store/shared-store.contract';
import { encodeStateRecord, encodeUpdates } from '@markco/replica/documents/record';
import { emptySummary } from '@markco/protocol';
import { afterAll, expect, test } from 'vitest';
import { openPostgresStore } from './postgres.ts';
import { NO_POSTGRES, startPostgres } from './postgres.fixture.ts';
import { openSharedPostgresStore } from './shared-postgres.ts';

const server = NO_POSTGRES === undefined ? await startPostgres() : undefined;
afterAll(() => server?.[Symbol.asyncDispose]());

const ID = '00000000-0000-7000-8000-0000000000d1';
const OTHER = '00000000-0000-7000-8000-0000000000d2';

if (server === undefined) test('the store in Postgres that is shared', (context) => context.skip(NO_POSTGRES));
else {
  sharedStoreContract('postgres, shared', async () => {
    const url = await server.database();
    const [one, two] = await Promise.all([openSharedPostgresStore(url), openSharedPostgresStore(url)]);
    return {
      ...{ one, two },
      async close() {
        await one.close();
        await two.close();
      },
    };
  });

  test('who shares takes over from who was alone, knows how far each document is, and the other way round', async () => {
    const url = await server.database();
    const update = { origin: 'page', at: 0, update: Uint8Array.of(0, 0) } as const;
    const alone = await openPostgresStore(url);
    const state = { summary: emptySummary(), state: Uint8Array.of(0, 0) };
    await alone.write(
      [
        { key: keyAt('u', ID, 300), value: encodeUpdates([update]) },
        { key: keyAt('u', ID, 302), value: encodeUpdates([update, update]) },
        { key: keyOf('s', ID), value: encodeStateRecord({ ...state, seq: 299 }) },
        { key: keyOf('s', OTHER), value: encodeStateRecord({ ...state, seq: 70_000 }) },
      ],
      { sync: true },
    );
    const shared = await openSharedPostgresStore(url);
    const versions = async (letter: string) =>
      (await shared.versions(letter)).map(({ version }) => version).toSorted((a, b) => a - b);
    expect(await versions('u')).toEqual([302, 70_000]);
    expect(await versions('s')).toEqual([299, 70_000]);
    const late = [{ key: keyOf('d', ID), value: Uint8Array.of(1) }];
    await expect(alone.write(late, { sync: true })).rejects.toMatchObject({ code: 'conflict' });
    const another = await openSharedPostgresStore(url);
    await shared.write(late, { sync: true });
    const next = await openPostgresStore(url);
    for (const each of [shared, another]) {
      const change = { guard: { key: keyOf('u', ID), was: 302, next: 303 }, batch: late };
      await expect(each.commit([change])).rejects.toMatchObject({ code: 'conflict' });
      await expect(each.reopen()).rejects.toMatchObject({ code: 'conflict' });
    }
    for (const each of [alone, shared, another, next]) await each.close();
  });

  test('a change that the server takes up after it was given up is not taken a second time', async () => {
    const url = await server.database();
    const store = await openSharedPostgresStore(url);
    const change = { guard: { key: keyOf('u', ID), was: 0, next: 1 }, batch: [] };
    server.signal('SIGSTOP');
    try {
      await expect(store.commit([change])).rejects.toThrow();
    } finally {
      server.signal('SIGCONT');
    }
    await store.reopen();
    // It is taken now, or was before: once.
    await store.commit([change]);
    expect(await store.commit([change])).toEqual([false]);
    expect(await store.versions('u')).toMatchObject([{ version: 1 }]);
    await store.close();
  });
}
