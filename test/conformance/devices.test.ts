/** Three devices of one person, each a program of its own: paired, one folder on all, and a run that outlives its submitter. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Document, Project, Run, RunEvent } from '@markco/protocol';
import { expect, test } from 'vitest';
import { cloudsOn, startCloud } from './cloud.fixture.ts';
import { eventually, messagesOf, newRunId } from './device.fixture.ts';
import { connectedTo, devicesOf, pair, SOON_MS, start, type Named } from './paired.fixture.ts';

async function attach(device: Named, project: Project): Promise<string> {
  await eventually(
    async () => {
      const { projects } = await device.get<{ projects: { project: Project }[] }>('/api/projects-elsewhere');
      return projects.some((other) => other.project.id === project.id);
    },
    'the project of another device',
    SOON_MS,
  );
  const localPath = join(device.root, 'attached');
  await mkdir(localPath);
  await device.get(`/api/projects-elsewhere/${project.id}/attach`, { body: { localPath } });
  return localPath;
}

const reads = (file: string, wanted: string): Promise<unknown> =>
  eventually(
    async () => (await readFile(file, 'utf8').catch(() => '')) === wanted,
    `${file} to be ${JSON.stringify(wanted)}`,
    SOON_MS,
  );

test('ELSEWHERE-1 three devices are paired, have one folder, merge what was done apart, and a run outlives its submitter', async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n', 'mrmd.md': '# Notes\n' });
  await using desktop = await start('desktop', { 'mine.md': '# Mine\n' });
  await using box = await start('box', { 'mine.md': '# Mine\n' });
  await pair(laptop, desktop);
  await pair(desktop, box);
  await eventually(
    async () =>
      (await connectedTo(laptop)).join() === 'box,desktop' && (await connectedTo(box)).join() === 'desktop,laptop',
    'all three to be connected',
    SOON_MS,
  );
  const { project } = laptop;
  const on = { desktop: await attach(desktop, project), box: await attach(box, project) };
  // On a further store: where a cloud keeps it as well, for the laptop and the desktop.
  await using cloud = cloudsOn === 'Level' ? undefined : await startCloud();
  if (cloud !== undefined)
    for (const device of [laptop, desktop])
      await device.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  await reads(join(on.desktop, 'page.md'), '# Page\n');
  await reads(join(on.box, 'page.md'), '# Page\n');

  // Two are edited while they are apart, by programs that know nothing of MarkCo.
  await desktop.stop();
  await writeFile(join(laptop.folder, 'page.md'), '# Page\n\nfrom the laptop\n');
  await writeFile(join(on.desktop, 'page.md'), 'from the desktop\n\n# Page\n');
  await writeFile(join(on.desktop, 'new.md'), '# New\n');
  await desktop.start();
  const merged = 'from the desktop\n\n# Page\n\nfrom the laptop\n';
  for (const folder of [laptop.folder, on.desktop, on.box]) {
    await reads(join(folder, 'page.md'), merged);
    await reads(join(folder, 'new.md'), '# New\n');
  }
  const kept = cloud?.stock(laptop.userId, project.slug, 'page').doc.getText('content');
  if (kept !== undefined) await eventually(() => kept.toString() === merged, 'it in the cloud', SOON_MS);

  // A run on the box, asked for by the laptop, which is killed in its middle; the desktop follows it to its end.
  await eventually(async () => (await connectedTo(laptop)).includes('box'), 'the box', SOON_MS);
  const target = (await devicesOf(laptop)).find(({ name }) => name === 'box');
  const lines = 60;
  const code = `import time\nfor i in range(${lines}):\n    print(i, flush=True)\n    time.sleep(0.05)`;
  const run = await laptop.get<Run>('/api/runs', {
    body: { id: newRunId(), projectId: project.id, language: 'python', code, runOn: 'box' },
  });
  expect(run.routedTo.deviceId).toBe(target?.id);
  const started = laptop.socket(`/api/runs/${run.id}/events`);
  await new Promise((resolve) => started.once('message', resolve));
  await laptop.kill();
  const { messages, code: closed } = await messagesOf(desktop.socket(`/api/runs/${run.id}/events`));
  const events = messages as readonly RunEvent[];
  expect(closed).toBe(1000);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index));
  const text = events.map((event) => (event.type === 'stdout' ? event.payload.text : '')).join('');
  expect(text).toBe(Array.from({ length: lines }, (_, i) => `${i}\n`).join(''));
  expect(await desktop.get<Run>(`/api/runs/${run.id}`)).toMatchObject({ state: 'completed', ranOn: 'box' });

  // Back again, the laptop has it too, though it was killed before the end.
  await laptop.start();
  await eventually(async () => (await connectedTo(laptop)).includes('box'), 'the box again', SOON_MS);
  expect(await laptop.get<Run>(`/api/runs/${run.id}`)).toMatchObject({ state: 'completed', ranOn: 'box' });

  // Once it is said that the output of a run on the box is written, it is in the file on the laptop.
  const page = '# New\n\n```python\nprint(6 * 7)\n```\n';
  await writeFile(join(laptop.folder, 'new.md'), page);
  await reads(join(on.box, 'new.md'), page);
  const { documents } = await laptop.get<{ documents: Document[] }>(`/api/projects/${project.id}/documents`);
  const documentId = documents.find(({ path }) => path === 'new')?.id;
  const body = { projectId: project.id, documentId, language: 'python', code: 'print(6 * 7)', runOn: 'box' };
  const { id } = await laptop.get<Run>('/api/runs', { body: { ...body, id: newRunId() } });
  const isOver = async () => (await laptop.get<Run>(`/api/runs/${id}`)).state === 'completed';
  await eventually(isOver, 'the run on the box', SOON_MS);
  await laptop.get(`/api/runs/${id}/output`);
  expect(await readFile(join(laptop.folder, 'new.md'), 'utf8')).toBe(page + '\n```output\n42\n```\n');
});

test('PAIR-4 a device runs nothing for others that it was not asked by a grant, nor what its owner forbids; one that is removed is out', async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n' });
  await using box = await start('box', { 'mine.md': '# Mine\n' });
  await pair(laptop, box);
  await eventually(async () => (await connectedTo(laptop)).includes('box'), 'the box', SOON_MS);
  const ask = (runOn: string) =>
    laptop.ask('/api/runs', { body: { projectId: laptop.project.id, language: 'python', code: '1 + 1', runOn } });
  expect(await ask('moon')).toMatchObject({
    status: 404,
    json: { error: { message: 'No device here is called moon. There are: laptop, box.' } },
  });
  const policy = { allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 4 };
  await box.get('/api/device/policy', { method: 'PUT', body: { ...policy, allowRemoteExecution: false } });
  await eventually(async () => (await ask('box')).status === 403, 'the laptop to know what its owner set', SOON_MS);
  expect(await ask('box')).toMatchObject({
    json: { error: { message: expect.stringContaining('box runs only what is started on it.') } },
  });
  // The laptop may have taken some in before it knew, which are listed at each device: the box has begun none of them.
  const begun = (await box.get<{ runs: Run[] }>('/api/runs')).runs.filter(
    ({ state, ranOn }) => state === 'running' || state === 'completed' || ranOn !== undefined,
  );
  expect(begun).toEqual([]);
  expect((await box.get<{ sessions: unknown[] }>('/api/sessions')).sessions).toEqual([]);
  const target = (await devicesOf(laptop)).find(({ name }) => name === 'box');
  expect(await laptop.ask(`/api/devices/${target?.id}`, { method: 'DELETE' })).toMatchObject({ status: 204 });
  await eventually(async () => (await devicesOf(laptop)).length === 1, 'the box to be gone', SOON_MS);
  await eventually(
    async () => (await devicesOf(box)).every(({ connection }) => connection?.state !== 'connected'),
    'the box to be cut off',
    SOON_MS,
  );
});
