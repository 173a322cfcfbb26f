import { ticketStoreContract } from '@markco/replica/listen/ticket-store.contract';
import { afterAll, test } from 'vitest';
import { openPostgresStore } from './postgres.ts';
import { NO_POSTGRES, startPostgres } from './postgres.fixture.ts';
import { createTicketsTable } from './tickets-table.ts';

const server = NO_POSTGRES === undefined ? await startPostgres() : undefined;
const stores: AsyncDisposable[] = [];
afterAll(async () => {
  for (const store of stores) await store[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

if (server === undefined) test('tickets in Postgres', (context) => context.skip(NO_POSTGRES));
else
  ticketStoreContract('Postgres', async () => {
    const store = await openPostgresStore(await server.database());
    stores.push({ [Symbol.asyncDispose]: () => store.close() });
    return {
      ...{ one: createTicketsTable(store), two: createTicketsTable(store) },
      async wait(ms) {
        await store.database.query({
          text: "UPDATE tickets SET ends_at = ends_at - $1 * interval '1 millisecond'",
          values: [ms],
        });
      },
    };
  });
