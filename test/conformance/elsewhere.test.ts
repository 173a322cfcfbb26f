/** What two devices know of each other's projects while one of them is away. Each is a program of its own. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Change, DeviceHere, Project } from '@markco/protocol';
import { expect, test } from 'vitest';
import { eventually } from './device.fixture.ts';
import { connectedTo, devicesOf, pair, SOON_MS, start, type Named } from './paired.fixture.ts';

type Elsewhere = {
  readonly project: Project;
  readonly on: readonly { readonly name: string; readonly state: string; readonly connected: boolean }[];
};

const elsewhere = async (device: Named): Promise<readonly Elsewhere[]> =>
  (await device.get<{ projects: Elsewhere[] }>('/api/projects-elsewhere')).projects;
const changes = async (device: Named): Promise<readonly Change[]> =>
  (await device.get<{ changes: Change[] }>('/api/changes')).changes;
const told = (all: readonly Change[]): string[] =>
  all.map((each) => `${each.by.name} ${each.what} ${'project' in each ? each.project.displayName : ''}`.trim());
const until = (what: string, fact: () => Promise<boolean>): Promise<unknown> => eventually(fact, what, SOON_MS);
const together = (device: Named, other: Named): Promise<unknown> =>
  until(`${other.name} to be connected`, async () => (await connectedTo(device)).includes(other.name));

test('RECORD-1 a project of a device that is away is listed with who has it, and is opened when that device is back', async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n' });
  await using box = await start('box', { 'mine.md': '# Mine\n' });
  await pair(laptop, box);
  await together(laptop, box);
  const { id } = laptop.project;
  await until('the project of the laptop', async () => (await elsewhere(box)).some(({ project }) => project.id === id));
  await until(
    'the record of the laptop to have come',
    async () => told(await changes(box)).filter((line) => line === 'laptop opened notes').length === 1,
  );
  await laptop.stop();
  await until('the laptop to be away', async () => (await elsewhere(box))[0]?.on[0]?.connected === false);
  const [away] = await elsewhere(box);
  expect(away).toMatchObject({
    project: { id, displayName: 'notes' },
    on: [{ name: 'laptop', state: 'attached', connected: false }],
  });
  const attach = `/api/projects-elsewhere/${id}/attach`;
  expect(await box.ask(attach, { body: {} })).toMatchObject({
    status: 503,
    json: {
      error: { code: 'not_ready', message: expect.stringContaining('notes is on laptop, and it is not connected') },
    },
  });

  await laptop.start();
  await together(box, laptop);
  await until('the laptop to be seen', async () => (await elsewhere(box))[0]?.on[0]?.connected === true);
  const taken = join(box.root, 'taken');
  await mkdir(taken);
  await writeFile(join(taken, 'other.txt'), 'something else');
  expect(await box.ask(attach, { body: { localPath: taken } })).toMatchObject({
    status: 409,
    json: { error: { code: 'conflict', message: expect.stringContaining('has other files in it') } },
  });
  expect((await elsewhere(box)).length).toBe(1);
  const localPath = join(box.root, 'here');
  await box.get(attach, { body: { localPath } });
  await until(
    'its page',
    async () => (await readFile(join(localPath, 'page.md'), 'utf8').catch(() => '')) === '# Page\n',
  );
  await until('who has it to be told', async () => told(await changes(laptop))[0] === 'box opened notes');

  // Closed on one, it stays on the other, and so do its files on both.
  await box.get(`/api/projects/${id}`, { method: 'DELETE' });
  await until('that it was closed to be told', async () => told(await changes(laptop))[0] === 'box closed notes');
  expect(await readFile(join(localPath, 'page.md'), 'utf8')).toBe('# Page\n');
  expect((await laptop.get<{ projects: Project[] }>('/api/projects')).projects.map((each) => each.id)).toContain(id);

  // A start anew makes nobody forget.
  await laptop.kill();
  await box.kill();
  await box.start();
  await until('the record to be read again', async () => (await elsewhere(box)).length === 1);
  expect((await elsewhere(box))[0]).toEqual(away);
  expect(told(await changes(box)).slice(0, 2)).toEqual(['box closed notes', 'box opened notes']);
});

test('RECORD-2 what a device is called and lets others do is known on the others; one that wants all projects opens them', async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n' });
  await using box = await start('box', { 'mine.md': '# Mine\n' });
  await pair(laptop, box);
  await together(laptop, box);
  await box.get('/api/device/name', { method: 'PUT', body: { name: 'gpu-box' } });
  await until('its new name', async () => (await devicesOf(laptop)).some(({ name }) => name === 'gpu-box'));
  await box.get('/api/device/policy', {
    method: 'PUT',
    body: { allowRemoteExecution: false, allowHeavyJobs: true, allowWhenOnBattery: true, maxConcurrentRuns: 8 },
  });
  await until('its policy', async () => {
    const [change] = await changes(laptop);
    return change?.what === 'policy' && change.policy.allowRemoteExecution === false;
  });
  await box.stop();
  const shown = (await devicesOf(laptop)).find(({ name }) => name === 'gpu-box') as DeviceHere;
  expect(shown.capability.policy.allowRemoteExecution).toBe(false);

  await box.start();
  await box.get('/api/device/preferences', { method: 'PUT', body: { opensAll: true } });
  const mine = async (): Promise<readonly Project[]> =>
    (await box.get<{ projects: Project[] }>('/api/projects')).projects;
  await until('all projects to be there', async () => (await mine()).some(({ id }) => id === laptop.project.id));
  const [opened] = (await mine()).filter(({ id }) => id === laptop.project.id) as (Project & {
    localRootPath: string;
  })[];
  await until(
    'its page',
    async () => (await readFile(join(opened?.localRootPath ?? '', 'page.md'), 'utf8').catch(() => '')) === '# Page\n',
  );
  await until('that to be told', async () => told(await changes(laptop)).includes('gpu-box opens-all'));

  // What was closed here stays closed, whatever else is to be opened.
  await box.get(`/api/projects/${laptop.project.id}`, { method: 'DELETE' });
  const more = join(laptop.root, 'more');
  await mkdir(more);
  await laptop.get('/api/projects/open-local', { body: { localPath: more } });
  await until('the other project', async () => (await mine()).some(({ slug }) => slug === 'more'));
  expect((await mine()).map(({ id }) => id)).not.toContain(laptop.project.id);

  // Who is removed hears nothing of what is done afterwards, and the log says who removed it.
  const { id } = (await devicesOf(laptop)).find(({ name }) => name === 'gpu-box') as DeviceHere;
  await laptop.get(`/api/devices/${id}`, { method: 'DELETE' });
  await until('who removed it to be told', async () => {
    const [last] = await changes(laptop);
    return last?.what === 'removed' && last.by.name === 'laptop' && last.device.name === 'gpu-box';
  });
  const before = told(await changes(box));
  await until('the box to be cut off', async () => (await connectedTo(box)).length === 0);
  await laptop.get('/api/device/name', { method: 'PUT', body: { name: 'renamed' } });
  await until('the new name to be told', async () => told(await changes(laptop))[0] === 'renamed called');
  expect(told(await changes(box))).toEqual(before);
});
