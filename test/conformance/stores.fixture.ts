/** For tests: where a cloud keeps things. What holds for every cloud is tried on each of them. */
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import { describe } from 'vitest';

export type StoreName = 'Level' | 'Postgres';
export type Environment = Record<string, string>;

/** What a cloud is started with: a database of its own for each. */
export type Stores = AsyncDisposable & { environment(): Promise<Environment> };

/** Of one that is missing there is nothing; its tests are skipped. */
export async function openStores(name: StoreName): Promise<Stores> {
  if (name === 'Level' || NO_POSTGRES !== undefined)
    return { environment: async () => ({}), async [Symbol.asyncDispose]() {} };
  const postgres = await startPostgres();
  return {
    environment: async () => ({ DATABASE_URL: await postgres.database() }),
    [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
  };
}

/** @param missing why it cannot be tried there, or undefined: then each test says so */
export function onEachStore(tests: (name: StoreName, missing: string | undefined) => void): void {
  for (const name of ['Level', 'Postgres'] as const)
    describe(`on ${name}`, () => tests(name, name === 'Postgres' ? NO_POSTGRES : undefined));
}
