/** A session on another device of the same person, used from this one as if it was here. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MrpResult, Run, RuntimeSession, SessionHere } from '@markco/protocol';
import { expect, test } from 'vitest';
import { eventually, newRunId, type Device } from './device.fixture.ts';
import { connectedTo, pair, SOON_MS, start } from './paired.fixture.ts';

type Sessions = { readonly sessions: readonly SessionHere[]; readonly silentDevices: readonly { name: string }[] };

const sessionsOf = (device: Device): Promise<Sessions> => device.get('/api/sessions');

async function runOn(device: Device, name: string, code: string): Promise<Run> {
  const { id } = await device.get<Run>('/api/runs', {
    body: { id: newRunId(), projectId: device.project.id, language: 'python', code, runOn: name },
  });
  return eventually(
    async () => {
      const run = await device.get<Run>(`/api/runs/${id}`);
      return run.completedAt === undefined ? null : run;
    },
    'the end of the run',
    SOON_MS,
  );
}

/** Milliseconds of the middle one of many, one after another. */
async function median(ask: () => Promise<unknown>): Promise<number> {
  const took: number[] = [];
  for (let times = 0; times < 60; times++) {
    const began = performance.now();
    await ask();
    took.push(performance.now() - began);
  }
  return took.toSorted((a, b) => a - b)[30] ?? Number.NaN;
}

test('ELSEWHERE-2 MRP-30 a session of another device is listed, asked, cleared, restarted and stopped as one of this device', async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n' });
  await using box = await start('box', { 'mine.md': '# Mine\n' });
  await pair(laptop, box);
  await eventually(async () => (await connectedTo(laptop)).includes('box'), 'the box', SOON_MS);

  expect(await runOn(laptop, 'box', 'import math\nradius = {"in": [1, 2.5], "out": math.pi}')).toMatchObject({
    state: 'completed',
    ranOn: 'box',
  });
  const { sessions, silentDevices } = await sessionsOf(laptop);
  expect(silentDevices).toEqual([]);
  const session = sessions.find(({ deviceName }) => deviceName === 'box');
  expect(session).toMatchObject({ language: 'python', state: 'running', projectId: laptop.project.id, queued: 0 });
  if (session === undefined) return;
  expect((await sessionsOf(box)).sessions.find(({ id }) => id === session.id)).not.toHaveProperty('deviceName');
  const { id } = session;
  const mrp = (path: string, body: object = {}) => laptop.get(`/mrp/v1${path}`, { body: { ...body, session: id } });

  expect(await mrp('/complete', { code: 'rad', cursor: 3 })).toMatchObject({
    source: 'runtime',
    cursorStart: 0,
    matches: expect.arrayContaining([expect.objectContaining({ label: 'radius' })]),
  });
  expect(await mrp('/inspect', { code: 'math.sqrt', cursor: 9, detail: 1 })).toMatchObject({
    found: true,
    docstring: expect.stringContaining('square root'),
  });
  expect(await mrp('/hover', { code: 'radius', cursor: 2 })).toMatchObject({ found: true, type: 'dict' });
  expect(await mrp('/variables')).toMatchObject({
    variables: expect.arrayContaining([expect.objectContaining({ name: 'radius', type: 'dict', expandable: true })]),
  });
  expect(await mrp('/variables/radius')).toMatchObject({ children: [{ name: 'in' }, { name: 'out' }] });
  expect(await mrp('/variables/radius', { path: ['in'] })).toMatchObject({ children: [{}, { value: '2.5' }] });
  expect(await laptop.ask('/mrp/v1/variables/nothing', { body: { session: id } })).toMatchObject({ status: 404 });
  expect(await mrp('/is_complete', { code: 'if True:' })).toMatchObject({ status: 'incomplete' });
  expect(await mrp('/history', { n: 5 })).toMatchObject({ entries: [{ index: 1, code: expect.any(String) }] });
  expect([200, 424]).toContain((await laptop.ask('/mrp/v1/format', { body: { code: 'x=1', session: id } })).status);
  expect(await laptop.get(`/mrp/v1/sessions/${id}`)).toMatchObject({ id, sessionId: id, executionCount: 1 });
  expect((await laptop.get<{ sessions: object[] }>('/mrp/v1/sessions')).sessions).toContainEqual(
    expect.objectContaining({ id, device: 'box' }),
  );

  // Code of a program is a run by a grant like any other, in the same session.
  expect(await mrp('/execute', { code: 'print(len(radius))\nradius["out"]' })).toMatchObject({
    success: true,
    stdout: '2\n',
    result: expect.stringContaining('3.14'),
    executionCount: 2,
  });
  expect(await mrp('/interrupt')).toEqual({ interrupted: false });
  expect(await runOn(laptop, 'box', 'radius["in"].append(4)')).toMatchObject({ sessionId: id, state: 'completed' });
  expect(await mrp('/variables/radius', { path: ['in'] })).toMatchObject({ length: 3 });

  // By the session alone, which says where: twice is once, and no other device can be asked for.
  const request = { id: newRunId(), sessionId: id, code: 'radius["in"].append(5)' };
  expect(await laptop.get('/api/runs', { body: request })).toMatchObject({ id: request.id });
  await eventually(
    async () => (await laptop.get<Run>(`/api/runs/${request.id}`)).completedAt,
    'the end of the run in the session',
    SOON_MS,
  );
  expect(await laptop.get('/api/runs', { body: request })).toMatchObject({ sessionId: id, ranOn: 'box' });
  expect(await mrp('/variables/radius', { path: ['in'] })).toMatchObject({ length: 4 });
  expect(await laptop.ask('/api/runs', { body: { ...request, id: newRunId(), runOn: 'laptop' } })).toMatchObject({
    status: 400,
    json: { error: { message: expect.stringContaining('on another device than `runOn` names') } },
  });

  const local = await laptop.get<Run>('/api/runs', {
    body: { projectId: laptop.project.id, language: 'python', code: 'radius = 1' },
  });
  await eventually(
    async () => (await laptop.get<Run>(`/api/runs/${local.id}`)).completedAt,
    'the end of the run here',
    SOON_MS,
  );
  const complete = (of: string) => () =>
    laptop.get('/mrp/v1/complete', { body: { code: 'rad', cursor: 3, session: of } });
  const here = await median(complete(local.sessionId));
  const there = await median(complete(id));
  console.log(`completion, median of 60: ${here.toFixed(1)} ms here, ${there.toFixed(1)} ms on the other device`);

  expect(await laptop.get(`/mrp/v1/sessions/${id}/reset`, { method: 'POST' })).toMatchObject({ id });
  expect(await mrp('/variables')).toMatchObject({ variables: [], count: 0 });
  await runOn(laptop, 'box', 'radius = 2');
  const restarted = await laptop.get<RuntimeSession>(`/api/sessions/${id}/restart`, { method: 'POST' });
  expect(restarted).toMatchObject({ id, state: 'running' });
  expect(await mrp('/variables')).toMatchObject({ count: 0 });
  expect(await laptop.ask(`/api/sessions/${id}`, { method: 'DELETE' })).toMatchObject({ status: 204 });
  expect((await sessionsOf(box)).sessions.some((one) => one.id === id)).toBe(false);
  expect(await laptop.ask(`/mrp/v1/sessions/${id}`)).toMatchObject({ status: 404 });
});

test('MRP-31 code of a program goes into any session of another device, and what it saves there is read here', async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n' });
  await using box = await start('box', { 'mine.md': '# Mine\n' });
  await pair(laptop, box);
  await eventually(async () => (await connectedTo(laptop)).includes('box'), 'the box', SOON_MS);
  const shared = await runOn(laptop, 'box', 'secret = "of the pages"');
  expect(shared).toMatchObject({ state: 'completed', ranOn: 'box' });
  // A session beside the one that the pages use.
  await box.get('/mrp/v1/execute', { body: { code: 'mine = 41', session: `${laptop.project.id}:side@python` } });
  const { sessions } = await sessionsOf(laptop);
  const side = sessions.find(({ deviceName, id }) => deviceName === 'box' && id !== shared.sessionId);
  expect(side).toMatchObject({ state: 'running', projectId: laptop.project.id });
  const execute = (code: string) =>
    laptop.get<MrpResult>('/mrp/v1/execute', { body: { code, session: side?.id ?? 'none' } });

  expect(await execute('mine += 1\nmine')).toMatchObject({ success: true, result: '42', executionCount: 2 });
  expect(await execute('secret')).toMatchObject({ success: false, error: { type: 'NameError' } });
  expect(await box.get('/mrp/v1/variables', { body: { session: side?.id } })).toMatchObject({
    variables: [expect.objectContaining({ name: 'mine', value: '42' })],
  });

  const saved = await execute(
    'import os\nos.makedirs("_assets/generated", exist_ok=True)\nopen("_assets/generated/a b.txt", "w").write("drawn there")',
  );
  expect(saved.assets).toMatchObject([{ path: '_assets/generated/a b.txt', mimeType: 'text/plain', size: 11 }]);
  const asset = await fetch(`${laptop.origin}${saved.assets[0]?.url ?? '/nothing'}`, {
    headers: { authorization: `Bearer ${laptop.token}` },
  });
  expect([asset.status, await asset.text()]).toEqual([200, 'drawn there']);
  expect(await laptop.ask(`/mrp/v1/runs/${newRunId()}/assets`)).toMatchObject({ status: 404 });

  expect(await laptop.ask(`/mrp/v1/sessions/${side?.id ?? ''}`, { method: 'DELETE' })).toMatchObject({ status: 200 });
  const gone = await laptop.ask('/mrp/v1/execute', { body: { code: '1', session: side?.id } });
  expect(gone.status).toBeGreaterThanOrEqual(400);
});

test('ELSEWHERE-3 a device that is connected and says nothing is named, and keeps nobody waiting', async () => {
  await using laptop = await start('laptop', { 'page.md': '# Page\n' });
  await using box = await start('box', { 'mine.md': '# Mine\n' });
  await pair(laptop, box);
  await eventually(async () => (await connectedTo(laptop)).includes('box'), 'the box', SOON_MS);
  const { sessionId } = await runOn(laptop, 'box', 'kept = 1');
  const { pid } = JSON.parse(await readFile(join(box.home, 'device.json'), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGSTOP');
  try {
    const { sessions, silentDevices } = await sessionsOf(laptop);
    expect(silentDevices).toMatchObject([{ name: 'box' }]);
    expect(sessions.filter(({ deviceName }) => deviceName === 'box')).toEqual([]);
    const asked = await laptop.ask('/mrp/v1/variables', { body: { session: sessionId } });
    expect(asked).toMatchObject({
      status: 503,
      json: { error: { code: 'not_ready', message: expect.stringContaining('box does not answer now.') } },
    });
    // Completion can say that only the language is known.
    expect(
      await laptop.get('/mrp/v1/complete', { body: { code: 'prin', cursor: 4, session: sessionId } }),
    ).toMatchObject({ source: 'static' });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await eventually(async () => (await sessionsOf(laptop)).sessions.length === 1, 'the box again', SOON_MS);
});
