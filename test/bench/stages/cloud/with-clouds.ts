/** Gives a stage clouds on a Postgres of their own, where there is one. */
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import type { Bench } from '../../bench.ts';
import type { Row } from '../../result.ts';
import { createClouds, type Clouds } from '../../servers/cloud.ts';

export async function withClouds(
  bench: Bench,
  stage: string,
  work: (clouds: Clouds) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  if (NO_POSTGRES !== undefined) {
    bench.skip(stage, NO_POSTGRES);
    return [];
  }
  await using postgres = await startPostgres();
  await using clouds = createClouds(postgres);
  // Waited for here: both go when this function ends.
  return await work(clouds);
}
