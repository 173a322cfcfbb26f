/** A cloud on Postgres with people in it, beside servers that keep what they are told in files of their own. */
import { inTurn, rowOf, type Stage } from '../../bench.ts';
import { quantile } from '../../quantile.ts';
import type { Row, Target } from '../../result.ts';
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

export const cloudFanOut: Stage = {
  name: 'cloud-fan-out',
  about: 'one writer, 99 readers, in a cloud',
  run: (bench) =>
    withClouds(bench, cloudFanOut.name, async (clouds) => {
      const edits = bench.quick ? 2_000 : 8_000;
      const found = await inTurn(
        bench,
        cloudFanOut.name,
        bench.quick ? 3 : 5,
        (running, driver, round) =>
          driver.run('fanOut', {
            address: running.address(`fan-out-${round}`),
            readers: 99,
            edits,
            window: 8,
            pid: running.pid,
          }),
        clouds,
      );
      return [
        rowOf(
          bench,
          cloudFanOut.name,
          '1 writer → 99 readers',
          'deliveries/s',
          found,
          ({ deliveriesPerSecond }) => deliveriesPerSecond,
          { ratio: 'at-least', of: 1.25 },
        ),
        rowOf(bench, cloudFanOut.name, 'p95 at that rate', 'ms', found, ({ p95Ms }) => p95Ms),
        rowOf(bench, cloudFanOut.name, 'server CPU a delivery', 'µs', found, ({ cpuUs }) => cpuUs),
      ];
    }),
};
