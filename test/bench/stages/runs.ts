/** Running code beside Jupyter: its server over a WebSocket, and its kernel with nothing in between. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { withDriver, withFolder, type Bench, type Stage } from '../bench.ts';
import type { Driver } from '../drive.ts';
import type { Found, Sources } from '../driver/runs/measures.ts';
import { median, quantile } from '../quantile.ts';
import type { Row, Target } from '../result.ts';
import { installJupyter, JUPYTER_BIN, JUPYTER_SHARE, startJupyter, withJupyterFirst } from '../servers/jupyter.ts';
import { markco, startDevice } from '../servers/markco.ts';
import { fence } from './fence.ts';
import { kept } from './kept.ts';
import { limits } from './limits.ts';

const LINE_BYTES = 80;
const SERVER = 'Jupyter Server';
const KERNEL = 'bare ipykernel';

type Stop = () => Promise<void>;

/** Starts everybody, all with the same Python; they are idle except in their turn. */
async function withSources<T>(bench: Bench, work: (sources: Sources, driver: Driver) => Promise<T>): Promise<T> {
  const missing = installJupyter(bench.say);
  if (missing !== undefined) bench.skip(`${SERVER} and ${KERNEL}`, missing);
  return withFolder(async (folder) =>
    withDriver(async (driver) => {
      const stops: Stop[] = [];
      try {
        const place = async (name: string): Promise<string> => mkdtemp(join(folder, name));
        const ours = await place('markco-');
        const device = await startDevice(
          ours,
          missing === undefined ? { PATH: withJupyterFirst(), JUPYTER_PATH: JUPYTER_SHARE } : {},
        );
        stops.push(() => device.stop());
        const projects = join(ours, 'projects');
        await mkdir(projects);
        const { origin, token, pid } = device;
        const sources: Record<string, Sources[string]> = {
          [markco.name]: { kind: 'markco', origin, token, pid, folder: projects },
        };
        if (missing === undefined) {
          const server = await startJupyter(await place('jupyter-'));
          stops.push(() => server.stop());
          sources[SERVER] = { kind: 'jupyter-server', origin: server.origin, token: server.token, pid: server.pid };
          sources[KERNEL] = { kind: 'ipykernel', python: join(JUPYTER_BIN, 'python'), folder: await place('kernel-') };
        }
        return await work(sources, driver);
      } finally {
        await Promise.all(stops.map((stop) => stop()));
      }
    }),
  );
}

type Figure<T> = {
  readonly measure: string;
  readonly unit: string;
  readonly pick: (results: readonly T[]) => number | null;
  readonly target?: Target;
};

function rowsOf<T>(
  bench: Bench,
  stage: string,
  { found, troubles }: Found<T>,
  figures: readonly Figure<T>[],
): readonly Row[] {
  for (const trouble of new Set(troubles)) bench.skip(stage, trouble);
  return figures.map(({ measure, unit, pick, target }) => ({
    stage,
    measure,
    unit,
    ours: pick(found[markco.name] ?? []) ?? Number.NaN,
    peers: Object.fromEntries(
      [SERVER, KERNEL].flatMap((name) => {
        const results = found[name];
        const value = results === undefined ? null : pick(results);
        return value === null ? [] : [[name, value]];
      }),
    ),
    ...(target === undefined ? {} : { target }),
  }));
}

/** So many times as fast as the best of them. */
const faster = (times: number): Target => ({ ratio: 'at-most', of: Number((1 / times).toFixed(4)) });
const atMost = (of: number): Target => ({ limit: 'at-most', of });

const cold: Stage = {
  name: 'run-cold',
  about: 'from no interpreter to the value of `1`',
  run: (bench) =>
    withSources(bench, async (sources, driver) => {
      const found = await driver.run('coldRuns', { sources, rounds: bench.quick ? 3 : 15 });
      return rowsOf(bench, cold.name, found, [
        { measure: 'no session to the value of `1`, p50', unit: 'ms', pick: median, target: faster(10) },
      ]);
    }),
};

const warm: Stage = {
  name: 'run-warm',
  about: '`1+1` in a session that is there',
  run: (bench) =>
    withSources(bench, async (sources, driver) => {
      const rounds = bench.quick ? 2 : 10;
      const found = await driver.run('warmRuns', { sources, rounds, each: 30 });
      const at =
        (part: number) =>
        (results: readonly (readonly number[])[]): number =>
          quantile(results.flat(), part);
      return rowsOf(bench, warm.name, found, [
        { measure: '`1+1` to its value, p50', unit: 'ms', pick: at(0.5), target: faster(2.5) },
        { measure: '… p99', unit: 'ms', pick: at(0.99), target: faster(1.5) },
      ]);
    }),
};

const output: Stage = {
  name: 'run-output',
  about: 'the first letter of a cell that goes on, 10,000 flushed prints, 50 MB in lines',
  run: (bench) =>
    withSources(bench, async (sources, driver) => {
      const first = await driver.run('firstBytes', { sources, rounds: bench.quick ? 4 : 40 });
      const prints = await driver.run('flushedPrints', { sources, rounds: bench.quick ? 1 : 5, count: 10_000 });
      const mb = bench.quick ? 5 : 50;
      const bulk = await driver.run('bulkOutput', {
        sources,
        rounds: bench.quick ? 1 : 3,
        lines: (mb * 1_000_000) / LINE_BYTES,
      });
      const stage = output.name;
      return [
        ...rowsOf(bench, stage, first, [
          {
            measure: 'first letter of a cell that goes on, p95',
            unit: 'ms',
            pick: (ms) => quantile(ms, 0.95),
            target: atMost(10),
          },
        ]),
        ...rowsOf(bench, stage, prints, [
          { measure: '10,000 flushed prints', unit: 'prints/s', pick: median, target: { ratio: 'at-least', of: 50 } },
        ]),
        ...rowsOf(bench, stage, bulk, [
          {
            measure: `${mb} MB in lines of 80 bytes, all in order`,
            unit: 'MB/s',
            pick: (results) => median(results.map(({ mbPerSecond }) => mbPerSecond)),
            target: { ratio: 'at-least', of: 3 },
          },
          {
            measure: 'growth of the server meanwhile, at most',
            unit: 'MB',
            pick: (results) => {
              const growth = results.flatMap(({ growthMb }) => (growthMb === null ? [] : [growthMb]));
              return growth.length === 0 ? null : Math.max(...growth);
            },
          },
        ]),
      ];
    }),
};

const interrupt: Stage = {
  name: 'run-interrupt',
  about: 'from asking to the end of an endless loop',
  run: (bench) =>
    withSources(bench, async (sources, driver) => {
      const found = await driver.run('interrupts', { sources, rounds: bench.quick ? 3 : 20 });
      const at =
        (part: number) =>
        (results: readonly { readonly ms: number }[]): number =>
          quantile(
            results.map(({ ms }) => ms),
            part,
          );
      return rowsOf(bench, interrupt.name, found, [
        { measure: '`while True: pass` interrupted, p50', unit: 'ms', pick: at(0.5), target: faster(3) },
        { measure: '… p95', unit: 'ms', pick: at(0.95), target: faster(10) },
        {
          measure: '… not ended, or variables gone',
          unit: 'runs',
          pick: (results) => results.filter(({ failed }) => failed).length,
          target: atMost(0),
        },
      ]);
    }),
};

const idle: Stage = {
  name: 'run-memory',
  about: 'what a further idle session costs',
  run: (bench) =>
    withSources(bench, async (sources, driver) => {
      const found = await driver.run('idleSessions', {
        sources,
        rounds: bench.quick ? 1 : 3,
        count: bench.quick ? 3 : 10,
      });
      return rowsOf(bench, idle.name, found, [
        { measure: 'a further idle session, proportional', unit: 'MB', pick: median, target: faster(5) },
      ]);
    }),
};

const kernel: Stage = {
  name: 'run-kernel',
  about: '`1+1` in a Jupyter kernel of a project, and in the same kernel with nothing in between',
  run: (bench) =>
    withSources(bench, async (all, driver) => {
      const [ours, bare] = [all[markco.name], all[KERNEL]];
      if (ours?.kind !== 'markco' || bare === undefined) return [];
      const sources: Sources = { [markco.name]: { ...ours, kernel: 'python3' }, [KERNEL]: bare };
      const { found: are, troubles } = await driver.run('areKernels', { sources, rounds: 1 });
      if (are[markco.name]?.[0] !== true) {
        bench.skip(kernel.name, troubles[0] ?? 'this device does not run the kernel that a project names');
        return [];
      }
      const turns = { sources, rounds: bench.quick ? 2 : 10, each: 30 };
      const values = (await driver.run('warmRuns', turns)).found;
      const ends = (await driver.run('warmEnds', turns)).found;
      const p50 = (found: typeof values, name: string): number => median((found[name] ?? []).flat());
      const row = (measure: string, value: number, peer: number | null, target?: Target): Row => ({
        stage: kernel.name,
        measure,
        unit: 'ms',
        ours: value,
        peers: peer === null ? {} : { [KERNEL]: peer },
        ...(target === undefined ? {} : { target }),
      });
      const value = p50(values, markco.name);
      return [
        row('`1+1` in a kernel of a project, p50', value, p50(values, KERNEL)),
        row('… over the same kernel bare', value - p50(values, KERNEL), null, atMost(1)),
        // Bare, a value comes while its run still goes on; ours is the last event, after which nothing comes.
        row('… over the same kernel bare when its run is over', value - p50(ends, KERNEL), null),
      ];
    }),
};

export const runs: readonly Stage[] = [cold, warm, output, interrupt, idle, kept, fence, kernel, limits];
