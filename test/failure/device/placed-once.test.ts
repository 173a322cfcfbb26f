/**
 * R12 on real processes: a run on another device leaves a line in a file each time it starts, and none leaves two,
 * whichever device freezes or dies at whatever moment. `MARKCO_PARTITIONS=60` for more of them.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@markco/protocol';
import { expect, test } from 'vitest';
import { eventually, newRunId } from '../../conformance/device.fixture.ts';
import { connectedTo, pair, SOON_MS, start, type Named } from '../../conformance/paired.fixture.ts';

const PARTITIONS = Number(process.env['MARKCO_PARTITIONS'] ?? 6);
const RUNS_EACH = 4;
/** A lid, a lift, a router that starts again: of these one is longer than what a device is waited for. */
const LENGTHS_MS = [50, 300, 1_200, 2_500, 2_500, 12_000];

async function attach(device: Named, projectId: string): Promise<void> {
  await eventually(
    async () => {
      const { projects } = await device.get<{ projects: { project: { id: string } }[] }>('/api/projects-elsewhere');
      return projects.some(({ project }) => project.id === projectId);
    },
    'the project of the laptop',
    SOON_MS,
  );
  const localPath = join(device.root, 'attached');
  await mkdir(localPath);
  await device.get(`/api/projects-elsewhere/${projectId}/attach`, { body: { localPath } });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const any = <T>(of: readonly T[]): T => of[Math.floor(Math.random() * of.length)] as T;

test(`R12 ${PARTITIONS} freezes and deaths at any moment, ${PARTITIONS * RUNS_EACH} runs: none starts twice, each ends once`, async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n' }, { MARKCO_PEER_PORT: '17718' });
  await using box = await start('box', {}, { MARKCO_PEER_PORT: '17719' });
  await using nas = await start('nas', {}, { MARKCO_PEER_PORT: '17720' });
  const others = [box, nas];
  for (const other of others) {
    await pair(laptop, other);
    await eventually(async () => (await connectedTo(laptop)).includes(other.name), other.name, SOON_MS);
    await attach(other, laptop.project.id);
  }
  const file = join(laptop.root, 'starts.txt');
  const runs: Run[] = [];
  for (let at = 0; at < PARTITIONS; at++) {
    const submitting = Promise.all(
      Array.from({ length: RUNS_EACH }, async () => {
        await pause(Math.random() * 600);
        const id = newRunId();
        const code = `echo ${id} >> ${file}; sleep ${any([0, 0.1, 1])}; echo done`;
        const body = { id, projectId: laptop.project.id, language: 'bash', code, runOn: any(others).name };
        // Whoever does not know whether it arrived sends it again.
        const submit = (): Promise<Run> => laptop.get<Run>('/api/runs', { body });
        runs.push(await submit().catch(submit));
      }),
    );
    await pause(Math.random() * 600);
    const victim = any([laptop, box, nas]);
    if (victim !== laptop && Math.random() < 0.3) {
      await victim.kill();
      await submitting;
      await victim.start();
      continue;
    }
    victim.freeze();
    await pause(any(LENGTHS_MS));
    victim.wake();
    await submitting;
  }
  const ended = await Promise.all(
    runs.map(({ id }) =>
      eventually(
        async () => {
          const run = await laptop.get<Run>(`/api/runs/${id}`).catch(() => undefined);
          return run?.completedAt === undefined ? undefined : run;
        },
        `the end of ${id}`,
        150_000,
      ).catch(async (error: unknown) => {
        // What all of them know of it, or nobody could tell why.
        const known = await Promise.all([laptop, ...others].map((device) => device.ask(`/api/runs/${id}`)));
        process.stderr.write(`${known.map(({ text }) => text).join('\n')}\n${laptop.log().slice(-3_000)}\n`);
        throw error;
      }),
    ),
  );
  const started = (await readFile(file, 'utf8')).trim().split('\n');
  expect(started.length).toBe(new Set(started).size);
  for (const run of ended) {
    if (run.state === 'completed') expect(started).toContain(run.id);
    else expect(run.error).toBeDefined();
    const there = await Promise.all(others.map((other) => other.ask(`/api/runs/${run.id}`)));
    for (const { json } of there.filter(({ status }) => status === 200)) expect((json as Run).state).toBe(run.state);
  }
  const done = ended.filter(({ state }) => state === 'completed').length;
  process.stderr.write(
    `R12: ${PARTITIONS} freezes and deaths, ${runs.length} runs, ${started.length} started, ${done} completed, the others with a reason\n`,
  );
  expect(done).toBeGreaterThan(runs.length / 2);
}, 900_000);
