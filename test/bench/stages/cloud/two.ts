/** Two processes of one cloud beside one: the same documents, spread over both. */
import { NO_NATS, startNats } from '@markco/rendezvous/processes/nats.fixture';
import { availableParallelism } from 'node:os';
import { withDriver, withFolder, type Bench, type Stage } from '../../bench.ts';
import type { Driver } from '../../drive.ts';
import { cpuMs } from '../../machine.ts';
import { median } from '../../quantile.ts';
import type { Running } from '../../servers/server.ts';
import { withClouds } from './with-clouds.ts';

const DOCUMENTS = 20;

export const cloudTwo: Stage = {
  name: 'cloud-two',
  about: 'updates a second with one process, and with two, on one Postgres and NATS',
  async run(bench) {
    if (NO_NATS !== undefined) {
      bench.skip(this.name, NO_NATS);
      return [];
    }
    await using nats = await startNats();
    return await withClouds(bench, this.name, (clouds) =>
      withFolder((folder) =>
        withDriver(async (driver) => {
          const one = await clouds.start(folder, { variables: { NATS_URL: nats.url } });
          const two = await clouds.beside(folder);
          const found = { one: [] as number[], both: [] as number[] };
          const busy: number[] = [];
          for (let round = 0; round < (bench.quick ? 2 : 5); round++) {
            found.one.push((await measure(bench, driver, [one], `one-${round}`)).perSecond);
            const both = await measure(bench, driver, [one, two], `two-${round}`);
            found.both.push(both.perSecond);
            busy.push(both.driverCores);
          }
          const cores = availableParallelism();
          if (cores < 4)
            bench.skip(
              `${this.name} with cores to spare`,
              `of ${cores} cores the clients alone used ${median(busy).toFixed(1)}, and Postgres and NATS their part`,
            );
          return [
            {
              ...{ stage: this.name, measure: 'two processes', unit: 'updates/s', ours: median(found.both) },
              peers: { 'one process': median(found.one) },
              target: { ratio: 'at-least', of: 1.7 },
            },
          ];
        }),
      ),
    );
  },
};

async function measure(
  bench: Bench,
  driver: Driver,
  processes: readonly Running[],
  name: string,
): Promise<{ readonly perSecond: number; readonly driverCores: number }> {
  const addresses = Array.from({ length: DOCUMENTS }, (_, at) =>
    (processes[at % processes.length] ?? processes[0])?.address(`${name}-${at}`),
  ).filter((address) => address !== undefined);
  const edits = bench.quick ? 1_000 : 4_000;
  const before = await cpuMs(driver.pid);
  const { perSecond } = await driver.run('throughput', { addresses, edits, window: 32, pid: processes[0]?.pid ?? 0 });
  const ms = (DOCUMENTS * edits * 1_000) / perSecond;
  return { perSecond, driverCores: ((await cpuMs(driver.pid)) - before) / ms };
}
