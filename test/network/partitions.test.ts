/**
 * R12 R13 R14 between networks: routers that drop what one device sends to another, in one direction or in both, while
 * runs go from each to each. A run leaves a line in a file each time it starts. `MARKCO_TRIALS=20` for 60 partitions.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId, type Run, type RunEvent } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { chance, trials } from '../../setup/trials.ts';
import { SOON, type LabDevice } from './device.fixture.ts';
import { threeWithAFolder } from './folder.fixture.ts';
import { whyNoLab } from './lab.ts';
import { say, test } from './mesh.fixture.ts';
import { any, partition, setCut } from './partition.fixture.ts';

const why = await whyNoLab();
const PARTITIONS = 3;
const RUNS_EACH = 4;
/** The middle one is longer than a device that does not answer is waited for. */
const LENGTHS_MS = [2_500, 9_000, 300] as const;
/** From the first submit to the cut, and from one to the next. */
const SPREAD_MS = 600;
/** After the last partition has healed, on a machine that is busy. */
const ENDED = { timeout: 120_000, interval: 200 };

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('R12 R13 R14 partitions in both and in one direction during runs: none starts twice, each ends once, and every event of it is there', async ({
  device,
  skip,
}) => {
  if (why !== null) return skip(why);
  const { numRuns, seed } = trials('R12 partitions', PARTITIONS);
  const random = chance(seed);
  const { laptop, box, nas, projectId } = await threeWithAFolder(device, '# Page\n');
  const devices = [laptop, box, nas];

  const starts = join(laptop.home, 'starts.txt');
  const runs: { readonly id: string; readonly from: LabDevice }[] = [];
  async function submit(): Promise<void> {
    await pause(random() * SPREAD_MS);
    const from = any(random, [laptop, box]);
    const runOn = any(
      random,
      devices.filter((each) => each !== from),
    ).name;
    const id = newId({ now: Date.now, randomBytes });
    const code = `echo ${id} >> ${starts}; for n in 1 2 3 4 5; do echo $n; sleep ${any(random, [0, 0.1, 0.5])}; done`;
    const body = { id, projectId, language: 'bash', code, runOn };
    // Whoever does not know whether it arrived asks again.
    const ask = () => from.get<Run>('/api/runs', body);
    await ask().catch(ask);
    runs.push({ id, from });
  }

  for (let at = 0; at < numRuns; at++) {
    const submitted = Promise.all(Array.from({ length: RUNS_EACH }, submit));
    await pause(random() * SPREAD_MS);
    const cuts = partition(at, random, devices);
    await setCut(cuts, true);
    await pause(LENGTHS_MS[at % LENGTHS_MS.length] ?? 0);
    await setCut(cuts, false);
    await submitted;
    say(`cut ${cuts.map(({ from, to }) => `${from.name} > ${to.name}`).join(', ')}`);
  }

  const began = performance.now();
  for (const { id, from } of runs) {
    const state = async () => (await from.get<Run>(`/api/runs/${id}`)).completedAt;
    const ended = expect.poll(state, { ...ENDED, message: `the end of ${id}, asked of ${from.name}` }).toBeDefined();
    await ended.catch(async (error: unknown) => {
      for (const each of devices)
        say(`${each.name}: ${await each.get(`/api/runs/${id}`).then(JSON.stringify, String)}`);
      throw error;
    });
  }
  const endedMs = Math.round(performance.now() - began);
  const ended = await Promise.all(runs.map(({ id, from }) => from.get<Run>(`/api/runs/${id}`)));
  const lines = (await readFile(starts, 'utf8')).trim().split('\n');
  expect(lines.length, `a run started twice, seed ${seed}`).toBe(new Set(lines).size);
  for (const [at, run] of ended.entries()) {
    const what = `${run.id}, asked of ${runs[at]?.from.name}, on ${run.ranOn}, seed ${seed}`;
    // Who asked, who ran it, and who looks on: one ending, and the same everywhere.
    for (const each of devices) {
      const there = async () =>
        each.get<Run>(`/api/runs/${run.id}`).then(
          ({ state }) => state,
          // Who neither asked for it nor ran it need not know it.
          (error: unknown) => (each !== runs[at]?.from && /: 404 /.test(String(error)) ? run.state : String(error)),
        );
      await expect.poll(there, { ...SOON, message: `${what}, as ${each.name} has it` }).toBe(run.state);
    }
    if (run.state !== 'completed') {
      expect(run.error, what).toBeDefined();
      continue;
    }
    expect(lines, what).toContain(run.id);
    const events = await (runs[at]?.from ?? laptop).events(run.id);
    expect(
      events.map(({ seq }) => seq),
      what,
    ).toEqual(events.map((_, n) => n));
    expect(
      events.flatMap(({ type }, n) => (type === 'result' || type === 'error' ? [n] : [])),
      what,
    ).toEqual([events.length - 1]);
    expect(textOf(events), what).toBe('1\n2\n3\n4\n5\n');
  }
  const done = ended.filter(({ state }) => state === 'completed').length;
  say(
    `R12: ${numRuns} partitions, ${runs.length} runs, ${lines.length} started, ${done} completed; all ended ${endedMs} ms after the last healed`,
  );
  expect(done).toBeGreaterThan(runs.length / 2);
}, 1_800_000);

const textOf = (events: readonly RunEvent[]): string =>
  events.flatMap((event) => (event.type === 'stdout' ? [event.payload.text] : [])).join('');
