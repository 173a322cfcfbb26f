/** Documents with people in them: how soon an edit is seen, how many fit, how they fan out. */
import { inTurn, rowOf, type Stage } from '../bench.ts';
import { quantile } from '../quantile.ts';

export const latency: Stage = {
  name: 'latency',
  about: 'edit → other client, at a person’s pace',
  async run(bench) {
    const edits = bench.quick ? 150 : 400;
    const found = await inTurn(bench, this.name, bench.quick ? 3 : 5, (running, driver, round) =>
      driver.run('latency', { address: running.address(`latency-${round}`), edits }),
    );
    const at = (measure: string, part: number, target?: Parameters<typeof rowOf>[6]) =>
      rowOf(bench, this.name, measure, 'ms', found, ({ seen }) => quantile(seen, part), target);
    const saved = (part: number) =>
      quantile(
        (found.get('MarkCo') ?? []).flatMap((result) => result.saved),
        part,
      );
    return [
      at('edit → other client p50', 0.5, { ratio: 'at-most', of: 0.9 }),
      at('edit → other client p95', 0.95),
      at('edit → other client p99', 0.99),
      { stage: this.name, measure: 'edit → “saved here” p50', unit: 'ms', ours: saved(0.5), peers: {} },
      {
        stage: this.name,
        measure: 'edit → “saved here” p95',
        unit: 'ms',
        ours: saved(0.95),
        peers: {},
        target: { limit: 'at-most', of: 10 },
      },
    ];
  },
};

export const throughput: Stage = {
  name: 'throughput',
  about: 'updates a second, 20 documents with a writer and a reader each',
  async run(bench) {
    const edits = bench.quick ? 1_000 : 4_000;
    const found = await inTurn(bench, this.name, bench.quick ? 3 : 5, (running, driver, round) =>
      driver.run('throughput', {
        addresses: Array.from({ length: 20 }, (_, at) => running.address(`throughput-${round}-${at}`)),
        edits,
        window: 32,
        pid: running.pid,
      }),
    );
    return [
      rowOf(bench, this.name, '20 documents', 'updates/s', found, ({ perSecond }) => perSecond, {
        ratio: 'at-least',
        of: 1.8,
      }),
      rowOf(bench, this.name, 'server CPU an update', 'µs', found, ({ cpuUs }) => cpuUs, { ratio: 'at-most', of: 0.5 }),
      rowOf(bench, this.name, 'p95 at that rate', 'ms', found, ({ p95Ms }) => p95Ms),
    ];
  },
};

export const fanOut: Stage = {
  name: 'fan-out',
  about: 'one writer, 99 readers',
  async run(bench) {
    const edits = bench.quick ? 2_000 : 8_000;
    const found = await inTurn(bench, this.name, bench.quick ? 3 : 5, (running, driver, round) =>
      driver.run('fanOut', {
        address: running.address(`fan-out-${round}`),
        readers: 99,
        edits,
        window: 8,
        pid: running.pid,
      }),
    );
    return [
      rowOf(
        bench,
        this.name,
        '1 writer → 99 readers',
        'deliveries/s',
        found,
        ({ deliveriesPerSecond }) => deliveriesPerSecond,
        { ratio: 'at-least', of: 1.25 },
      ),
      rowOf(bench, this.name, 'p95 at that rate', 'ms', found, ({ p95Ms }) => p95Ms, { ratio: 'at-most', of: 0.75 }),
    ];
  },
};
