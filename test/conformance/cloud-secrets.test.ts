/**
 * T16 at a cloud: what lets somebody in, and what a cell was answered in secret, is in nothing that the cloud keeps, tells
 * or writes to its log.
 */
import { join } from 'node:path';
import type { CloudAsk, Run, RunEvent } from '@markco/protocol';
import { cloudProof } from '@markco/protocol/identity/cloud-proof';
import { signerOf } from '@markco/protocol/identity';
import { NO_POSTGRES, startPostgres, type PostgresServer } from '@markco/rendezvous/store/postgres.fixture';
import { openLevelStore } from '@markco/replica/store/level';
import { expect, test } from 'vitest';
import { searchFor } from './canaries.fixture.ts';
import { createBrowser, signInAs } from './cloud-browser.fixture.ts';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { eventually, ids, messagesOf, newRunId, startDevice } from './device.fixture.ts';
import { startOidc } from './oidc.fixture.ts';

const ASKED = 'read -rsp "key? " secret\necho "${#secret} characters"';
const ANSWER = 'canary ~ typed in secret';
const LISTS = ['/api/account', '/api/account/sessions', '/api/projects', '/api/invites', '/stats', '/metrics'];
const OWNER_TOKEN = 'owner-token';

/** What a program finds that reads all of the store. */
async function storeOf(cloud: CloudProgram): Promise<Buffer> {
  const store = await openLevelStore(join(cloud.home, 'rendezvous', 'store'));
  const found: Uint8Array[] = [];
  for await (const row of store.range({ gte: Uint8Array.of(0), lt: new Uint8Array(64).fill(0xff) })) found.push(...row);
  await store.close();
  return Buffer.concat(found);
}

async function lookThrough(env: Readonly<Record<string, string>>, postgres?: PostgresServer): Promise<void> {
  await using oidc = await startOidc();
  await using cloud = await startCloud({ ...oidc.env, ...env, MARKCO_REGISTRATION: 'open', LOG_LEVEL: 'trace' });
  oidc.serve(cloud.origin);
  const ada = createBrowser(cloud.origin);
  await signInAs(oidc, ada, 'ada');
  const session = ada.jar.get('session_token') ?? expect.unreachable('no session');
  const bobs = createBrowser(cloud.origin);
  oidc.person = { sub: 'bob', email: 'bob@example.com', email_verified: true };
  const answered = await bobs.toProvider();
  expect((await bobs.finish(answered)).status).toBe(200);
  const ended = bobs.jar.get('session_token') ?? expect.unreachable('no session');
  expect((await bobs.ask('DELETE', '/api/session')).status).toBe(204);
  const invited = await fetch(`${cloud.origin}/api/invites`, {
    method: 'POST',
    headers: { authorization: `Bearer ${cloud.token}` },
  });
  expect(invited.status).toBe(201);
  const { code: invite } = (await invited.json()) as { code: string };

  // A laptop of hers, where a cell asks for something in secret; and a token of a machine without a browser.
  await using laptop = await startDevice({ files: { 'page.md': `# Page\n\n\`\`\`bash\n${ASKED}\n\`\`\`\n` } });
  const letIn = async (code: string): Promise<void> => {
    expect((await ada.ask('POST', `/api/account/device-requests/${code}`)).status).toBe(204);
  };
  const asked = await laptop.get<CloudAsk>('/api/cloud/ask', { body: { url: cloud.origin } });
  if (asked.state !== 'waiting') return expect.unreachable(asked.state);
  await letIn(asked.code);
  const box = signerOf(new Uint8Array(ids.randomBytes(32)));
  const key = Buffer.from(box.publicKey).toString('base64url');
  const request = await ada.ask<{ code: string }>('POST', '/api/device-requests', { name: 'box', key });
  await letIn(request.json.code);
  const { challenge } = (await ada.ask<{ challenge: string }>('POST', '/api/device-token/challenge')).json;
  const proof = Buffer.from(box.sign(cloudProof('token', new URL(cloud.origin).host, challenge)));
  const signature = proof.toString('base64url');
  const given = await ada.ask<{ token: string }>('POST', '/api/device-token', { key, challenge, signature });
  expect(given.status).toBe(200);

  const { id: documentId } = await laptop.document('page');
  const body = { id: newRunId(), projectId: laptop.project.id, documentId, language: 'bash', code: ASKED };
  const run = await laptop.get<Run>('/api/runs', { body });
  const following = messagesOf(laptop.socket(`/api/runs/${run.id}/events`));
  const answer = async (): Promise<boolean> =>
    (await laptop.ask(`/api/runs/${run.id}/input`, { body: { text: ANSWER } })).status === 200;
  await eventually(answer, 'the answer to be taken', 60_000);
  expect(((await following).messages as RunEvent[]).some(({ type }) => type === 'stdin-request')).toBe(true);

  const search = searchFor({
    ...{ session, ended, invite, answer: ANSWER, deviceToken: given.json.token, owner: cloud.token },
    ...{ oidcSecret: oidc.env['MARKCO_OIDC_SECRET'] ?? '', code: new URLSearchParams(answered).get('code') ?? '' },
    ...(postgres === undefined ? {} : { password: DATABASE_PASSWORD }),
  });
  // As an address where it belongs, and where it does not.
  const socketAt = (path: string, token: string): Promise<unknown> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`${cloud.origin.replace('http', 'ws')}${path}?token=${token}`);
      for (const event of ['open', 'error']) socket.addEventListener(event, () => resolve(socket.close()));
    });
  for (const token of [session, cloud.token, given.json.token, ended])
    for (const path of [
      `/sync/${laptop.userId}/${laptop.project.slug}/page`,
      '/sync/nobody/nothing/page',
      '/api/nothing',
    ])
      await socketAt(path, token);
  for (const token of [session, invite])
    for (const path of LISTS) expect((await cloud.get(`${path}?token=${token}`, '')).status).toBe(401);
  for (const path of [...LISTS, `/api/documents/${laptop.userId}`])
    for (const token of [session, cloud.token, ended]) {
      const answers = await fetch(`${cloud.origin}${path}`, { headers: { authorization: `Bearer ${token}` } });
      search.look(`the answer of ${path}`, (await answers.text()) + JSON.stringify([...answers.headers]));
    }
  const printed = `${ANSWER.length} characters`;
  const isThere = async (): Promise<boolean> =>
    JSON.stringify((await ada.ask('GET', `/api/projects/${laptop.project.id}/search?q=characters`)).json).includes(
      printed,
    );
  await eventually(isThere, 'the output in the cloud', 30_000);
  // It is shown before a database has it.
  const database = env['DATABASE_URL'] ?? '';
  await eventually(() => postgres?.dump(database).includes(printed) !== false, 'the output in the database', 30_000);
  await cloud.kill();
  search.look('the log', cloud.log());
  await search.lookInFolder(cloud.home, { [OWNER_TOKEN]: ['owner'] });
  const kept = postgres === undefined ? await storeOf(cloud) : postgres.dump(database);
  search.look('the store', kept);
  // It was looked through: what is no secret is found there.
  expect(kept.includes(laptop.project.slug)).toBe(true);
  expect(kept.includes(printed)).toBe(true);
  expect(cloud.log()).toContain('device.online');
  expect(search.found).toEqual([]);
}

const DATABASE_PASSWORD = 'canary-of-the-database';

test(
  'T16 a cloud with a store of its own keeps no secret of whom it lets in, and none that a cell was answered',
  () => lookThrough({}),
  90_000,
);

test('T16 nor does one with a database', async ({ skip }) => {
  skip(NO_POSTGRES !== undefined, NO_POSTGRES);
  await using postgres = await startPostgres();
  const url = new URL(await postgres.database());
  url.password = DATABASE_PASSWORD;
  await lookThrough({ DATABASE_URL: url.href }, postgres);
}, 90_000);
