/** The real writing of a paper, 259,778 edits: taken in, opened cold, any moment of it shown again. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { rowOf, withDriver, withFolder, type Bench, type Stage } from '../bench.ts';
import type { Driver } from '../drive.ts';
import { quantile } from '../quantile.ts';
import { markco, startDevice } from '../servers/markco.ts';
import type { SyncServer } from '../servers/server.ts';
import { delay } from '../wait.ts';

export const EDITS = 259_778;
export const EDITS_QUICK = 60_000;
const MOMENTS = 50;
const PAUSE_MS = 3_000;

export type Taken = { perSecond: number; savedMs: number; leftMs: number; coldMs: number; bytesDown: number };

export async function takeIn(
  server: SyncServer,
  driver: Driver,
  folder: string,
  trace: string,
  edits: number,
): Promise<Taken> {
  await mkdir(folder, { recursive: true });
  const first = await server.start(folder);
  const { perSecond, savedMs, leftMs } = await driver.run('ingest', {
    address: first.address('paper'),
    trace,
    edits,
    window: 1_024,
    pid: first.pid,
  });
  // Time for what servers put off: it is a restart that is measured, not a crash.
  await delay(PAUSE_MS);
  await first.stop();
  const opens = [];
  for (let open = 0; open < 3; open++) {
    const again = await server.start(folder);
    opens.push(await driver.run('openCold', { address: again.address('paper'), trace, edits }));
    await again.stop();
  }
  return {
    perSecond,
    savedMs,
    leftMs,
    coldMs: quantile(
      opens.map(({ ms }) => ms),
      0.5,
    ),
    bytesDown: quantile(
      opens.map(({ bytesDown }) => bytesDown),
      0.5,
    ),
  };
}

async function moments(bench: Bench, folder: string): Promise<number[]> {
  const device = await startDevice(folder);
  try {
    const { documents } = (await (await device.get(`/api/projects/${device.projectId}/documents`)).json()) as {
      documents: { id: string }[];
    };
    const path = `/api/projects/${device.projectId}/documents/${documents[0]?.id ?? ''}/history`;
    const { seq: last } = (await (await device.get(path)).json()) as { seq: number };
    const times: number[] = [];
    for (let trial = 0; trial < MOMENTS; trial++) {
      const seq = 1 + Math.floor(Math.random() * last);
      const began = performance.now();
      const answer = await device.get(`${path}/${seq}`);
      await answer.text();
      if (answer.ok) times.push(performance.now() - began);
      else bench.skip(`moment ${seq} of the trace`, `status ${answer.status}`);
    }
    return times;
  } finally {
    await device.stop();
  }
}

export const trace: Stage = {
  name: 'trace',
  about: 'the trace of 259,778 edits: in, opened cold after a restart, any moment of it',
  async run(bench) {
    const path = bench.trace;
    if (path === undefined) {
      bench.skip(this.name, 'test/traces/automerge-paper.json.gz is missing; name another with --trace FILE');
      return [];
    }
    const edits = bench.quick ? EDITS_QUICK : EDITS;
    return withFolder(async (folder) =>
      withDriver(async (driver) => {
        const found = new Map<string, Taken[]>();
        const oursIn: string[] = [];
        for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
          for (const server of [markco, ...bench.peers]) {
            const its = await mkdtemp(join(folder, 'server-'));
            if (server === markco) oursIn.push(its);
            try {
              found.set(server.name, [
                ...(found.get(server.name) ?? []),
                await takeIn(server, driver, its, path, edits),
              ]);
            } catch (error) {
              bench.skip(`${this.name}, ${server.name}`, error instanceof Error ? error.message : String(error));
            }
          }
        }
        const times = await moments(bench, oursIn.at(-1) ?? '');
        const ours = (measure: string, value: number, target?: Parameters<typeof rowOf>[6]) => ({
          stage: this.name,
          measure,
          unit: 'ms',
          ours: value,
          peers: {},
          ...(target === undefined ? {} : { target }),
        });
        return [
          rowOf(
            bench,
            this.name,
            `${edits.toLocaleString('en-US')} edits in`,
            'edits/s',
            found,
            ({ perSecond }) => perSecond,
            { ratio: 'at-least', of: 2.5 },
          ),
          rowOf(bench, this.name, 'work left after the last edit', 'ms', found, ({ leftMs }) => leftMs),
          ours(
            'everything saved after the last edit',
            quantile(
              (found.get(markco.name) ?? []).map(({ savedMs }) => savedMs),
              0.5,
            ),
          ),
          rowOf(bench, this.name, 'opened cold, server restarted', 'ms', found, ({ coldMs }) => coldMs, {
            ratio: 'at-most',
            of: 0.8,
          }),
          rowOf(bench, this.name, 'bytes of that', 'KB', found, ({ bytesDown }) => bytesDown / 1_000),
          ours('any moment shown p50', quantile(times, 0.5)),
          ours('any moment shown p95', quantile(times, 0.95), { limit: 'at-most', of: 150 }),
        ];
      }),
    );
  },
};
