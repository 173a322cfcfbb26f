/** What whoever runs a cloud sees of it, and what is written down of who did what. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startCloud } from './cloud.fixture.ts';
import { eventually, newRunId, startDevice } from './device.fixture.ts';

const linesOf = async (home: string): Promise<readonly Record<string, string>[]> =>
  (await readFile(join(home, 'audit.jsonl'), 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, string>);

test('the page of a cloud is for its operator alone, and its audit says who came, and where runs went', async () => {
  await using cloud = await startCloud();
  await using laptop = await startDevice({ files: { 'page.md': '# Page\n' }, env: { MARKCO_NAME: 'laptop' } });
  await laptop.get('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const ask = (headers: Record<string, string>): Promise<Response> => fetch(`${cloud.origin}/operator`, { headers });
  expect((await ask({})).status).toBe(401);
  expect((await ask({ authorization: 'Bearer nothing' })).status).toBe(401);
  const answer = await ask({ authorization: `Bearer ${cloud.token}` });
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  const page = await answer.text();
  expect(page).toContain('Everything that is written is saved.');
  expect(page).not.toContain('<script');
  for (const title of ['Connections', 'From an edit to', 'Writing to the store', 'by device', 'Errors'])
    expect(page).toContain(title);

  const came = await eventually(
    async () => (await linesOf(join(cloud.home, 'rendezvous'))).find(({ event }) => event === 'device.online'),
    'the device to be noted',
  );
  expect(came).toMatchObject({ user_id: laptop.userId, device_id: expect.any(String), at: expect.any(String) });

  const body = { id: newRunId(), projectId: laptop.project.id, language: 'bash', code: 'echo a-word-of-the-code' };
  await laptop.get('/api/runs', { body });
  const routed = await eventually(
    async () => (await linesOf(laptop.home)).find(({ event }) => event === 'run.routed'),
    'the run to be noted',
  );
  expect(routed).toMatchObject({
    ...{ user_id: laptop.userId, run_id: body.id, project_id: laptop.project.id, route_target: 'device' },
    reason: expect.any(String),
  });
  expect(await readFile(join(laptop.home, 'audit.jsonl'), 'utf8')).not.toContain('a-word-of-the-code');
  const ended = async (): Promise<boolean> =>
    (await laptop.ask('/metrics')).text.includes('runs_total{state="completed",host="laptop"} 1');
  await eventually(ended, 'the run to be counted by its device');
}, 60_000);
