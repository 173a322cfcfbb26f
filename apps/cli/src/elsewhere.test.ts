/** What the commands print about what other devices have and did. */
import { expect } from 'vitest';
import { deviceAnswer, test } from './desk.fixture.ts';

const id = (n: number): string => `019a8f3c-000${n}-7000-8000-000000000000`;
const by = { id: id(1), name: 'laptop' };
const at = '2026-11-12T14:02:00.000Z';
const project = {
  ...{ id: id(2), userId: id(3), slug: 'thesis', displayName: 'Thesis', configPath: 'mrmd.md', source: 'opened-local' },
  ...{ syncMode: 'active', visibility: 'private', createdAt: at, updatedAt: at },
};
const onLaptop = (connected: boolean) => ({
  ...{ project, devices: [by.id] },
  on: [{ deviceId: by.id, name: 'laptop', state: 'attached', connected }],
});

test('log says in words which device changed what and when, newest first as it was told', async ({ desk }) => {
  await desk.device();
  const named = { id: project.id, displayName: project.displayName };
  const policy = { allowRemoteExecution: false, maxConcurrentRuns: 2 };
  const changes = [
    { at, by, what: 'opened', project: named },
    { at, by, what: 'closed', project: named },
    { at, by, what: 'lags', project: named },
    { at, by, what: 'caught-up', project: named },
    { at, by: { ...by, name: 'gpu-box' }, what: 'policy', policy },
    { at, by, what: 'added', device: { id: id(4), name: 'phone' } },
    { at, by, what: 'removed', device: { id: id(4), name: 'ph\u001b[31mone' } },
    { at, by, what: 'called', name: 'laptop' },
    { at, by, what: 'upgraded', version: '0.2.0' },
    { at, by, what: 'opens-all', on: true },
    { at, by, what: 'opens-all', on: false },
    { at, by, what: 'joined' },
  ];
  desk.answers.set('GET /api/changes?limit=50', { changes });
  const { code, out } = await desk.markco('log');
  expect(code).toBe(0);
  expect(out.replaceAll(/ · 12 Nov \d\d:\d\d$/gm, '')).toBe(
    [
      'laptop opened "Thesis"',
      'laptop closed "Thesis"',
      'the files of "Thesis" lag behind on laptop',
      'the files of "Thesis" have caught up on laptop',
      'gpu-box now runs nothing for other devices, runs at most 2 at once for them',
      'laptop added phone',
      'laptop removed ph?[31mone',
      'laptop took the name "laptop"',
      'laptop now has MarkCo 0.2.0',
      'laptop now opens every project by itself',
      'laptop no longer opens every project by itself',
      'laptop became one of your devices',
      '',
    ].join('\n'),
  );
  desk.answers.set('GET /api/changes?limit=3', { changes: [] });
  expect(await desk.markco('log', '--limit', '3')).toMatchObject({
    ...{ code: 0, out: '', err: expect.stringContaining('markco pair') },
  });
  expect(JSON.parse((await desk.markco('log', '--limit', '3', '--json')).out)).toEqual({ changes: [] });
  for (const limit of ['0', '-1', 'x']) expect((await desk.markco('log', '--limit', limit)).code).toBe(2);
});

test('projects of other devices are listed with who has them, and who of those is away', async ({ desk }) => {
  await desk.device();
  desk.answers.set('GET /api/projects', { projects: [] });
  desk.answers.set('GET /api/projects-elsewhere', { projects: [onLaptop(true)] });
  expect((await desk.markco('projects')).out).toContain('on laptop: markco open --attach thesis');
  desk.answers.set('GET /api/projects-elsewhere', { projects: [onLaptop(false)] });
  expect((await desk.markco('projects')).out).toMatch(/ on laptop \(offline\)\n/);
});

test('open attaches one project, or prefers all of them, and says what is missing', async ({ desk }) => {
  await desk.device();
  desk.answers.set('GET /api/projects-elsewhere', { projects: [onLaptop(true)] });
  desk.answers.set(`POST /api/projects-elsewhere/${project.id}/attach`, { ...project, localRootPath: '/home/me/t' });
  expect(await desk.markco('open', '--attach', 'thesis', 'there')).toMatchObject({
    ...{ code: 0, err: 'Opened Thesis (/home/me/t)\n' },
  });
  expect(desk.asked.at(-1)?.body).toEqual({ localPath: `${desk.home}/there` });
  expect(await desk.markco('open', '--attach', 'nothing')).toMatchObject({
    ...{ code: 1, err: expect.stringContaining('There are: thesis.') },
  });
  for (const opensAll of [true, false]) {
    desk.answers.set('PUT /api/device/preferences', { opensAll });
    const typed = await desk.markco('open', '--attach', opensAll ? '--always' : '--no-always');
    expect(typed).toMatchObject({ code: 0, out: '', err: expect.stringContaining('opened here from now on') });
    expect(desk.asked.at(-1)).toMatchObject({ request: 'PUT /api/device/preferences', body: { opensAll } });
  }
  for (const typed of [['--attach'], ['--always'], ['--attach', 'thesis', '--always']]) {
    const before = desk.asked.length;
    expect((await desk.markco('open', ...typed)).code).toBe(2);
    expect(desk.asked.length).toBe(before);
  }
});

test('devices rename changes the name of this device', async ({ desk }) => {
  await desk.device();
  desk.answers.set('PUT /api/device/name', { ...deviceAnswer.device, name: 'studio' });
  expect(await desk.markco('devices', 'rename', 'studio')).toEqual({
    ...{ code: 0, out: 'This device is called studio now.\n', err: '' },
  });
  expect(desk.asked.at(-1)?.body).toEqual({ name: 'studio' });
  expect((await desk.markco('devices', 'rename')).code).toBe(2);
});
