/** Two devices, each a program of its own: where a run goes when nobody says so, and what becomes of it when one is away. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Decision, Run, RunEvent } from '@markco/protocol';
import { freePort } from '@markco/replica/free-port.fixture';
import { expect, test } from 'vitest';
import { eventually, messagesOf, newRunId } from './device.fixture.ts';
import { connectedTo, devicesOf, pair, SOON_MS, start, type Named } from './paired.fixture.ts';

async function twoWithOneFolder(): Promise<AsyncDisposable & { readonly laptop: Named; readonly box: Named }> {
  // Found again at the same place when it was started anew.
  const laptop = await start('laptop', { 'page.md': '# Page\n' }, { MARKCO_PEER_PORT: String(await freePort()) });
  const box = await start('box', { 'mine.md': '# Mine\n' });
  await pair(laptop, box);
  await eventually(async () => (await connectedTo(laptop)).includes('box'), 'the box', SOON_MS);
  const { project } = laptop;
  await eventually(
    async () => {
      const { projects } = await box.get<{ projects: { project: { id: string } }[] }>('/api/projects-elsewhere');
      return projects.some((other) => other.project.id === project.id);
    },
    'the project of the laptop',
    SOON_MS,
  );
  const localPath = join(box.root, 'attached');
  await mkdir(localPath);
  await box.get(`/api/projects-elsewhere/${project.id}/attach`, { body: { localPath } });
  return {
    ...{ laptop, box },
    async [Symbol.asyncDispose]() {
      await laptop[Symbol.asyncDispose]();
      await box[Symbol.asyncDispose]();
    },
  };
}

const submit = (device: Named, code: string, more: object = {}): Promise<Run> =>
  device.get<Run>('/api/runs', {
    body: { id: newRunId(), projectId: device.project.id, language: 'python', code, ...more },
  });

const runOf = (device: Named, { id }: Run): Promise<Run> => device.get<Run>(`/api/runs/${id}`);

const ended = (device: Named, run: Run): Promise<Run> =>
  eventually(
    async () => {
      const now = await runOf(device, run);
      return now.completedAt === undefined ? undefined : now;
    },
    `the end of ${run.id}`,
    SOON_MS,
  );

async function textOf(device: Named, { id }: Run): Promise<string> {
  const { messages } = await messagesOf(device.socket(`/api/runs/${id}/events`));
  const events = messages as readonly RunEvent[];
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
  return events.map((event) => (event.type === 'stdout' ? event.payload.text : '')).join('');
}

test('PLACE-1 a run goes to the device that is free, and the next one to where its variables are; why is kept', async () => {
  await using both = await twoWithOneFolder();
  const { laptop, box } = both;
  const idOf = async (name: string) => (await devicesOf(laptop)).find((device) => device.name === name)?.id;
  // With nothing to choose by, it stays with the person.
  const here = await submit(laptop, 'x = 1');
  expect((await ended(laptop, here)).ranOn).toBe('laptop');

  const policy = { allowRemoteExecution: true, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 1 };
  await laptop.get('/api/device/policy', { method: 'PUT', body: policy });
  const busy = await submit(laptop, 'import time\ntime.sleep(600)');
  await eventually(async () => (await runOf(laptop, busy)).state === 'running', 'the laptop to be busy', SOON_MS);
  const there = await submit(laptop, 'y=1; echo there', { language: 'bash' });
  expect(there.routedTo).toEqual({
    ...{ hostType: 'device', deviceId: await idOf('box'), reason: 'availability' },
    why: 'box suits best of the devices that are on now.',
  });
  expect(await ended(laptop, there)).toMatchObject({ state: 'completed', ranOn: 'box' });
  expect(await textOf(laptop, there)).toBe('there\n');
  const decision = await laptop.get<Decision>(`/api/runs/${there.id}/decision`);
  // How near the box is depends on how busy this machine is.
  expect(decision.devices.map(({ line }) => line)).toEqual([
    expect.stringMatching(/^box: \d+ · nothing waits \+20/),
    'laptop: 10 · near +10',
  ]);
  expect(await box.get<Decision>(`/api/runs/${there.id}/decision`)).toEqual(decision);

  // The laptop is free again, but the variables are on the box.
  await laptop.get(`/api/runs/${busy.id}/cancel`, { method: 'POST' });
  const next = await submit(laptop, 'echo "$((y + 1))"', { language: 'bash' });
  expect(next.routedTo.reason).toBe('session-affinity');
  await ended(laptop, next);
  expect(await textOf(box, next)).toBe('2\n');
  const preview = await laptop.get<Decision>('/api/placement', {
    body: { projectId: laptop.project.id, language: 'bash', code: 'true' },
  });
  expect([preview.chosen, preview.why]).toEqual([await idOf('box'), 'The session is already running on box.']);
});

test('PLACE-2 a run for a device that is away waits for it, can be canceled meanwhile, and keeps its place', async () => {
  await using both = await twoWithOneFolder();
  const { laptop, box } = both;
  await box.stop();
  await eventually(async () => (await connectedTo(laptop)).length === 0, 'the box to be gone', SOON_MS);
  const [first, canceled, second] = [
    await submit(laptop, 'z = [1]', { runOn: 'box' }),
    await submit(laptop, 'z.append("never")', { runOn: 'box' }),
    await submit(laptop, 'z.append(2)\nprint(z)', { runOn: 'box' }),
  ];
  expect(first).toMatchObject({ state: 'queued', waitsFor: 'box' });
  expect(await laptop.get<Run>(`/api/runs/${canceled.id}/cancel`, { method: 'POST' })).toMatchObject({
    state: 'cancelled',
  });
  const { runs } = await laptop.get<{ runs: Run[] }>('/api/runs?state=queued');
  expect(runs.map(({ id }) => id)).toEqual([second.id, first.id]);
  // What was accepted is kept through a crash of whoever accepted it.
  await laptop.kill();
  await laptop.start();
  await box.start();
  expect(await ended(laptop, second)).toMatchObject({ state: 'completed', ranOn: 'box' });
  expect(await textOf(laptop, second)).toBe('[1, 2]\n');
  expect((await runOf(laptop, first)).state).toBe('completed');
  expect((await runOf(laptop, canceled)).state).toBe('cancelled');
  expect((await box.get<{ runs: Run[] }>('/api/runs')).runs.map(({ id }) => id)).not.toContain(canceled.id);
});

test('PLACE-3 a run whose device dies in the middle is shown as unreachable, not as ended, and ends when it is back', async () => {
  await using both = await twoWithOneFolder();
  const { laptop, box } = both;
  const run = await submit(laptop, 'import time\nprint("begun", flush=True)\ntime.sleep(20)\nprint("done")', {
    runOn: 'box',
  });
  await eventually(async () => (await runOf(laptop, run)).state === 'running', 'the run to be on', SOON_MS);
  await box.kill();
  await eventually(async () => (await runOf(laptop, run)).unreachable !== undefined, 'it to be unreachable', SOON_MS);
  expect((await runOf(laptop, run)).state).not.toBe('failed');
  await box.start();
  expect(await ended(laptop, run)).toMatchObject({ state: 'completed', ranOn: 'box' });
  expect((await runOf(laptop, run)).unreachable).toBeUndefined();
  expect(await textOf(laptop, run)).toBe('begun\ndone\n');
});
