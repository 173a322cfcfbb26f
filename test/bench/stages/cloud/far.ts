/** A cloud on the other side of the world: 100 ms each way between it and its clients. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { createNetwork } from '../../../failure/mesh/network.fixture.ts';
import { withDriver, withFolder, type Stage } from '../../bench.ts';
import { quantile } from '../../quantile.ts';
import { withClouds } from './with-clouds.ts';

const EACH_WAY_MS = 100;
const BAR_MS = 120;

export const cloudFar: Stage = {
  name: 'cloud-far',
  about: `edit → saved in a cloud that is ${EACH_WAY_MS} ms away, less that delay`,
  run: (bench) =>
    withClouds(bench, cloudFar.name, (clouds) =>
      withFolder((folder) =>
        withDriver(async (driver) => {
          const network = createNetwork();
          try {
            const { address, listenPort } = await network.add('cloud');
            const port = address.split('/').at(-1) ?? '';
            const cloud = await clouds.start(await mkdtemp(join(folder, 'server-')), {
              variables: { MARKCO_PORT: String(listenPort) },
            });
            network.runs('cloud', cloud.pid);
            network.runs('driver', driver.pid);
            for (const [from, to] of [
              ['driver', 'cloud'],
              ['cloud', 'driver'],
            ] as const)
              network.set(from, to, { kind: 'delay', ms: EACH_WAY_MS });
            const addresses = Array.from({ length: bench.quick ? 5 : 10 }, (_, at) => {
              const near = cloud.address(`far-${at}`);
              const url = new URL(near.url);
              const { host } = url;
              url.port = port;
              return { ...near, url: url.href, host };
            });
            const { seen, saved } = await driver.run('latencies', { addresses, edits: 40, settleMs: 1_000 });
            const row = (measure: string, times: readonly number[], part: number) => ({
              stage: cloudFar.name,
              measure: `${measure} p${part * 100}, less ${2 * EACH_WAY_MS} ms`,
              unit: 'ms',
              ours: quantile(times, part) - 2 * EACH_WAY_MS,
              peers: {},
            });
            return [
              row('edit → “in the cloud”', saved, 0.5),
              { ...row('edit → “in the cloud”', saved, 0.95), target: { limit: 'at-most', of: BAR_MS } },
              row('edit → other client', seen, 0.95),
            ];
          } finally {
            await network.close();
          }
        }),
      ),
    ),
};
