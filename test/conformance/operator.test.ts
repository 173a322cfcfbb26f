/** What whoever runs a cloud sees of it, and what is written down of who did what. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startPlace, openAgent } from './agents.fixture.ts';
import { createBrowser } from './cloud-browser.fixture.ts';
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

test('the audit of a cloud says who shared what and who came by it, and which agents came, were refused and ran what', async () => {
  await using place = await startPlace('# Page\n');
  const { cloud, userId: user_id, projectId: project_id, documentId } = place;
  const noted = (event: string) =>
    eventually(async () => {
      const found = (await linesOf(join(cloud.home, 'rendezvous'))).filter((line) => line['event'] === event);
      return found.length === 0 ? undefined : found;
    }, `${event} to be noted`);

  const shares = `/api/projects/${project_id}/shares`;
  const { json } = await place.ask<{ url: string; share: { id: string } }>('POST', shares, {
    role: 'view',
    documentId,
  });
  const secret = json.url.split('/').at(-1) ?? '';
  expect((await createBrowser(cloud.origin).ask('POST', '/api/join', { token: secret })).status).toBe(200);
  expect((await place.ask('DELETE', `/api/shares/${json.share.id}`)).status).toBe(204);
  const shared = {
    user_id,
    project_id,
    doc_path: 'page',
    reason: 'view',
    about: expect.stringContaining(json.share.id),
  };
  for (const event of ['share.made', 'share.joined', 'share.revoked'])
    expect(await noted(event)).toMatchObject([shared]);

  const { id: device_id, token } = await place.addAgent('attic');
  using agent = await openAgent(place, token);
  await agent.register();
  const run = await place.submit('"a-word-of-the-code"', { documentId });
  for (let count = 0; count < 12; count++) agent.raw('{}');
  await agent.next('ERROR');
  for (const event of ['agent.added', 'agent.connected'])
    expect(await noted(event)).toMatchObject([{ user_id, device_id }]);
  expect(await noted('run.routed')).toMatchObject([
    {
      user_id,
      device_id,
      project_id,
      run_id: run.id,
      route_target: 'agent',
      doc_path: 'page',
      reason: expect.any(String),
    },
  ]);
  // However much of it is refused, what matters stays: so many a minute are written down.
  expect((await noted('agent.refused')).length).toBeLessThanOrEqual(5);
  expect((await noted('agent.refused'))[0]).toMatchObject({ user_id, device_id, reason: 'bad_request' });
  expect((await place.ask('DELETE', `/api/agents/${device_id}`)).status).toBe(204);
  expect(await noted('agent.removed')).toMatchObject([{ user_id, device_id }]);
  expect(await noted('agent.disconnected')).toMatchObject([{ user_id, device_id }]);
  const text = await readFile(join(cloud.home, 'rendezvous', 'audit.jsonl'), 'utf8');
  for (const word of [secret, token, cloud.token, 'a-word-of-the-code']) expect(text).not.toContain(word);
}, 60_000);
