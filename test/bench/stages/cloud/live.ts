/** A cloud on Postgres with people in it, beside servers that keep what they are told in files of their own. */
import { availableParallelism } from 'node:os';
import { inTurn, rowOf, type Bench, type Stage } from '../../bench.ts';
import type { FanOut } from '../../driver/live.ts';
import { quantile } from '../../quantile.ts';
import { CORES_ENOUGH, openQuotas, type Quotas } from '../../quota.ts';
import type { Row, Target } from '../../result.ts';
import type { Clouds } from '../../servers/cloud.ts';
import { withClouds } from './with-clouds.ts';

export const cloudLatency: Stage = {
  name: 'cloud-latency',
  about: 'edit → other client, by way of a cloud on Postgres',
  run: (bench) =>
    withClouds(bench, cloudLatency.name, async (clouds) => {
      // Many short turns: what else the machine does then falls on all of them alike.
      const edits = 150;
      const found = await inTurn(
        bench,
        cloudLatency.name,
        bench.quick ? 5 : 21,
        (running, driver, round) => driver.run('latency', { address: running.address(`latency-${round}`), edits }),
        clouds,
      );
      const at = (measure: string, part: number, target?: Target) =>
        rowOf(bench, cloudLatency.name, measure, 'ms', found, ({ seen }) => quantile(seen, part), target);
      const saved = (part: number) => ({
        stage: cloudLatency.name,
        measure: `edit → “in the cloud” p${part * 100}`,
        unit: 'ms',
        ours: quantile(
          (found.get(clouds.name) ?? []).flatMap((result) => result.saved),
          part,
        ),
        peers: {},
      });
      return [
        at('edit → other client p50', 0.5),
        at('edit → other client p95', 0.95, { ratio: 'at-most', of: 1 }),
        saved(0.5),
        saved(0.95),
      ];
    }),
};

export const cloudThroughput: Stage = {
  name: 'cloud-updates',
  about: 'updates a second in a cloud, 20 documents with a writer and a reader each',
  run: (bench) =>
    withClouds(bench, cloudThroughput.name, async (clouds) => {
      const edits = bench.quick ? 1_000 : 4_000;
      const found = await inTurn(
        bench,
        cloudThroughput.name,
        bench.quick ? 3 : 5,
        (running, driver, round) =>
          driver.run('throughput', {
            addresses: Array.from({ length: 20 }, (_, at) => running.address(`updates-${round}-${at}`)),
            edits,
            window: 32,
            pid: running.pid,
          }),
        clouds,
      );
      const row = (
        measure: string,
        unit: string,
        pick: (result: { readonly perSecond: number; readonly p95Ms: number; readonly cpuUs: number }) => number,
        target?: Target,
      ): Row => rowOf(bench, cloudThroughput.name, measure, unit, found, pick, target);
      return [
        row('20 documents', 'updates/s', ({ perSecond }) => perSecond, { ratio: 'at-least', of: 1.5 }),
        row('p95 at that rate', 'ms', ({ p95Ms }) => p95Ms, { ratio: 'at-most', of: 1 }),
        row('server CPU an update, without Postgres', 'µs', ({ cpuUs }) => cpuUs),
      ];
    }),
};

/** Of a core: a server that is held to it has enough to do for all of it, while the clients and the database have the rest. */
const FAN_OUT_SHARE = 0.4;

/**
 * On two cores the clients take more time for what they hear than the servers for saying it, which is the same with every
 * server. So where control groups can be made it is measured once more with each server held to a share of a core.
 */
export const cloudFanOut: Stage = {
  name: 'cloud-fan-out',
  about: 'one writer, 99 readers, in a cloud',
  run: (bench) =>
    withClouds(bench, cloudFanOut.name, async (clouds) => {
      const rows = await fanOutRows(bench, clouds);
      await using quotas = availableParallelism() < CORES_ENOUGH ? await openQuotas() : undefined;
      if (quotas === undefined) return rows;
      bench.note(
        `${cloudFanOut.name}: held to ${FAN_OUT_SHARE} of a core (${quotas.kind}), the clients and Postgres are not`,
      );
      return [...rows, ...(await fanOutRows(bench, clouds, quotas))];
    }),
};

async function fanOutRows(bench: Bench, clouds: Clouds, quotas?: Quotas): Promise<readonly Row[]> {
  const edits = bench.quick ? 2_000 : 8_000;
  const held = new Set<number>();
  const found = await inTurn(
    bench,
    cloudFanOut.name,
    bench.quick ? 3 : 5,
    async (running, driver, round) => {
      if (quotas !== undefined && !held.has(running.pid)) {
        held.add(running.pid);
        await quotas.hold(running.pid, FAN_OUT_SHARE);
      }
      return driver.run('fanOut', {
        address: running.address(`fan-out-${round}`),
        readers: 99,
        edits,
        window: 8,
        pid: running.pid,
      });
    },
    clouds,
  );
  const how = quotas === undefined ? '' : ', held';
  const row = (measure: string, unit: string, pick: (each: FanOut) => number, target?: Target): Row =>
    rowOf(bench, cloudFanOut.name, `${measure}${how}`, unit, found, pick, target);
  return [
    row('1 writer → 99 readers', 'deliveries/s', (each) => each.deliveriesPerSecond, { ratio: 'at-least', of: 1.25 }),
    row('p95 at that rate', 'ms', (each) => each.p95Ms),
    row('server CPU a delivery', 'µs', (each) => each.cpuUs),
  ];
}
