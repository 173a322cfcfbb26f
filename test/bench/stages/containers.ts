/** Cells in containers beside cells on the machine itself: two devices of ours, the same Python code, in turn. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { startDocker, whyNoDocker } from '../../conformance/docker.fixture.ts';
import { withDriver, withFolder, type Stage } from '../bench.ts';
import type { Sources } from '../driver/runs/measures.ts';
import { median, quantile } from '../quantile.ts';
import type { Row } from '../result.ts';
import { startDevice } from '../servers/markco.ts';

const INSIDE = 'in a container';
const LOCAL = 'on the machine';
const COLD_MS = 1_500;
const WARM_MORE_MS = 10;

export const containers: Stage = {
  name: 'containers',
  about: 'a cell in a container: from no container to its value, and `1+1` in one that is there',
  async run(bench) {
    const why = await whyNoDocker();
    if (why !== null) {
      bench.skip(this.name, why);
      return [];
    }
    await using docker = await startDocker();
    bench.say(`image: ${(docker.made.bytes / 1e6).toFixed(0)} MB in ${(docker.made.ms / 1_000).toFixed(1)} s`);
    // Waited for here: Docker goes when this function ends.
    return await withFolder((folder) =>
      withDriver(async (driver) => {
        const sourceOf = async (name: string, variables: Readonly<Record<string, string>>) => {
          const own = await mkdtemp(join(folder, name));
          const device = await startDevice(own, variables);
          const projects = join(own, 'projects');
          await mkdir(projects);
          return { device, source: { kind: 'markco' as const, ...device, folder: projects } };
        };
        const inside = await sourceOf('inside-', { MARKCO_CONTAINERS: 'own', MARKCO_DOCKER: docker.socket });
        const local = await sourceOf('local-', {});
        try {
          const sources: Sources = { [INSIDE]: inside.source, [LOCAL]: local.source };
          const cold = await driver.run('coldRuns', { sources, rounds: bench.quick ? 3 : 15 });
          const warm = await driver.run('warmRuns', { sources, rounds: bench.quick ? 2 : 10, each: 30 });
          for (const trouble of new Set([...cold.troubles, ...warm.troubles])) bench.skip(this.name, trouble);
          const row = (measure: string, ours: number, theirs: number, of: number): Row => ({
            ...{ stage: this.name, measure, unit: 'ms', ours },
            peers: { [LOCAL]: theirs },
            target: { limit: 'at-most', of },
          });
          const colds = (name: string): number => median(cold.found[name] ?? []);
          const warms = (name: string): number => quantile((warm.found[name] ?? []).flat(), 0.5);
          return [
            row('no container to the value of `1`, p50', colds(INSIDE), colds(LOCAL), COLD_MS),
            row('`1+1` to its value, p50', warms(INSIDE), warms(LOCAL), warms(LOCAL) + WARM_MORE_MS),
          ];
        } finally {
          await inside.device.stop();
          await local.device.stop();
        }
      }),
    );
  },
};
