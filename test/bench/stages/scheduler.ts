/**
 * Placing runs: decisions a second over one mesh, then a million runs on ten thousand simulated devices, beside placement
 * by lot and on the least loaded. Those two know as well who refuses a run; what they lack is the score.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { place, type DeviceFacts, type PlaceRequest } from '@markco/scheduler';
import { createChance } from '@markco/scheduler/simulate/chance';
import { createDevice, numberOf } from '@markco/scheduler/simulate/fleet';
import { quantileOf, type Report } from '@markco/scheduler/simulate/report';
import { USUAL, type Policy, type Scenario } from '@markco/scheduler/simulate/scenario';
import type { Bench, Stage } from '../bench.ts';
import { median } from '../quantile.ts';
import type { Row, Target } from '../result.ts';

const SEED = 20_261_121;
const MEASURED_MS = 1_000;
const ROUNDS = 5;
/** So many meshes are simulated together: a tenth, because what fits into the processor's caches goes twice as fast. */
const BATCHES = 10;
/** More, and the simulation is stopped: what it keeps of a run that ended is a line in the journal of its host. */
const HEAP_MB_MAX = 800;

export const scheduler: Stage = {
  name: 'scheduler',
  about: 'decisions a second, and a million runs on 10,000 simulated devices',
  async run(bench) {
    const row = (measure: string, unit: string, ours: number, target?: Target, peers: Row['peers'] = {}): Row => ({
      stage: this.name,
      measure,
      unit,
      ours,
      peers,
      ...(target === undefined ? {} : { target }),
    });
    const speed = (devices: number, of: number) =>
      row(`decisions a second, ${devices.toLocaleString('en-US')} devices`, '/s', decisionsPerSecond(devices), {
        limit: 'at-least',
        of,
      });
    const rows = [speed(100, 50_000), speed(10_000, 500)];
    const [batch, batches] = bench.quick ? [smaller(10), 1] : [smaller(1), BATCHES];
    const ours = await run(bench, 'scheduler', batch, batches);
    const lot = await run(bench, 'random', batch, 1);
    const least = await run(bench, 'least-loaded', batch, 1);
    const compare = (measure: string, unit: string, of: (report: Report) => number) =>
      row(measure, unit, of(ours), undefined, { 'by lot': of(lot), 'least loaded': of(least) });
    const per1000 = (part: (report: Report) => number) => (report: Report) => (1_000 * part(report)) / report.decisions;
    return [
      ...rows,
      compare('wrong placements of 1,000 free ones', '', (of) => (1_000 * of.wrongPlacements) / of.freeDecisions),
      compare(
        'sessions left behind of 1,000 placements',
        '',
        per1000((of) => of.leftSessions),
      ),
      compare('from submission to start, p50', 's', (of) => quantileOf(of.queueTimes, 0.5) / 1_000),
      compare('… p95', 's', (of) => quantileOf(of.queueTimes, 0.95) / 1_000),
      compare('… p99', 's', (of) => quantileOf(of.queueTimes, 0.99) / 1_000),
    ];
  },
};

/** One mesh, whose snapshot changes with each decision by what the decision itself adds to a queue. */
function decisionsPerSecond(count: number): number {
  const chance = createChance(SEED);
  const devices: DeviceFacts[] = Array.from({ length: count }, (_, number) => {
    const { id, name, kind, capability, latencyMs } = createDevice(number, 0, { place: number, of: count }, chance);
    return {
      deviceId: id,
      name,
      host: kind.host,
      capability: { ...capability, online: chance.happens(0.8) },
      heardAtMs: chance.happens(0.9) ? 0 : -3_600_000,
      runningRuns: chance.below(3),
      queuedRuns: chance.below(2),
      latencyMs,
      heartbeatsMissed: chance.below(5),
      runsLost: 0,
    };
  });
  const requests = Array.from({ length: 64 }, (): PlaceRequest => {
    const pick = () => devices[chance.below(count)]?.deviceId ?? null;
    return {
      language: chance.pick(['python', 'python', 'r', 'js']),
      from: pick() ?? expected(),
      needsGpu: chance.happens(0.1),
      sessionOn: chance.happens(0.3) ? pick() : null,
      runOn: null,
    };
  });
  const rates = Array.from({ length: ROUNDS }, () => {
    const began = performance.now();
    let decisions = 0;
    for (; performance.now() - began < MEASURED_MS; decisions++) {
      const request = requests[decisions % requests.length] ?? expected();
      const { chosen } = place({ atMs: 0, devices }, request);
      const at = chosen === null ? -1 : numberOf(chosen);
      const device = devices[at];
      if (device !== undefined) devices[at] = { ...device, queuedRuns: (device.queuedRuns + 1) % 3 };
    }
    return (1_000 * decisions) / (performance.now() - began);
  });
  return median(rates);
}

type Batch = Pick<Scenario, 'meshes' | 'runs'>;

const smaller = (times: number): Batch => ({
  meshes: USUAL.meshes / BATCHES / times,
  runs: USUAL.runs / BATCHES / times,
});

async function run(bench: Bench, policy: Policy, batch: Batch, batches: number): Promise<Report> {
  const workerData = Array.from({ length: batches }, (_, at): Scenario => {
    return { ...USUAL, ...batch, policy, seed: SEED + at };
  });
  const began = performance.now();
  const simulation = new Worker(new URL('../driver/simulation.ts', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
  });
  const [report] = (await once(simulation, 'message')) as [Report];
  const seconds = (performance.now() - began) / 1_000;
  const runs = (batch.runs * batches).toLocaleString('en-US');
  bench.say(
    `  ${policy}, from seed ${SEED}: ${runs} runs, ${report.steps.toLocaleString('en-US')} steps in ` +
      `${seconds.toFixed(0)} s; ends ${JSON.stringify(report.ends)}`,
  );
  return report;
}

function expected(): never {
  throw new Error('there is no such device');
}
