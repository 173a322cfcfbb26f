/** A cloud gets another owner: on its machine, with another token, and the account that ran it can be deleted then. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account, Cloud, ListedAccount } from '@markco/protocol';
import { NO_NATS, startNats } from '@markco/rendezvous/processes/nats.fixture';
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import { expect, test } from 'vitest';
import { createBrowser, signInAs } from './cloud-browser.fixture.ts';
import { startCloudHere } from './cloud-here.fixture.ts';
import { startCloud } from './cloud.fixture.ts';
import { eventually, startDevice } from './device.fixture.ts';
import { runMarkco } from './markco.fixture.ts';
import { startOidc } from './oidc.fixture.ts';

const SOON_MS = 30_000;

test('ACCOUNT-6 who runs a cloud hands it over with `markco cloud owner`, and is deleted along with that', async () => {
  await using oidc = await startOidc();
  await using cloud = await startCloud({ ...oidc.env, MARKCO_REGISTRATION: 'open' });
  oidc.serve(cloud.origin);
  await using laptop = await startDevice({ files: { 'page.md': '# Page\n' } });
  await laptop.get<Cloud>('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const documents = async (token: string): Promise<number> =>
    (await cloud.get<{ documents?: unknown[] }>(`/api/documents/${laptop.userId}`, token)).json.documents?.length ?? 0;
  await eventually(async () => (await documents(cloud.token)) === 1, 'the page at the cloud', SOON_MS);
  const bob = createBrowser(cloud.origin);
  const account = await signInAs(oidc, bob, 'bob');
  expect(account.operates).toBe(false);

  // The refusal says how. Only who is at the machine may, and nobody is left without a way to sign in.
  const ask = (token: string, path: string, body: object) =>
    fetch(`${cloud.origin}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const { name } = (await cloud.get<Account>('/api/account')).json;
  const refused = await ask(cloud.token, '/api/account/delete', { name });
  expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining('markco cloud owner NAME')]);
  const came = await ask(cloud.token, '/api/session', {});
  const owners = createBrowser(cloud.origin);
  owners.jar.set('session_token', /session_token=([^;]+)/.exec(came.headers.get('set-cookie') ?? '')?.[1] ?? '');
  for (const browser of [bob, owners]) {
    expect((await browser.ask('GET', '/api/cloud-owner')).status).toBe(403);
    expect((await browser.ask('POST', '/api/cloud-owner', { account: account.id, deletesOwn: true })).status).toBe(403);
  }
  const listed = (await runMarkco(cloud.home, 'cloud', 'owner', '--json')) as { accounts: ListedAccount[] };
  expect(listed.accounts.map((each) => [each.name, each.operates])).toEqual([
    [name, true],
    [account.name, false],
  ]);
  await expect(runMarkco(cloud.home, 'cloud', 'owner', account.name, '--json')).rejects.toThrow(/--delete-own/);
  expect(await documents(cloud.token)).toBe(1);

  const before = cloud.token;
  const words = ['cloud', 'owner', account.name.toUpperCase(), '--delete-own', '--json'];
  const { link } = (await runMarkco(cloud.home, ...words)) as { link: string };
  const token = new URLSearchParams(new URL(link).hash.slice(1)).get('token') ?? '';
  expect((await cloud.get('/api/projects', before)).status).toBe(401);
  expect((await owners.ask('GET', '/api/account')).status).toBe(401);
  expect((await cloud.get<Account>('/api/account', token)).json).toMatchObject({ id: account.id, operates: true });
  expect((await bob.ask<Account>('GET', '/api/account')).json).toMatchObject({ id: account.id, operates: true });
  expect(await documents(token)).toBe(0);
  const isRefused = async (): Promise<boolean> => (await laptop.get<Cloud>('/api/cloud')).state === 'refused';
  await eventually(isRefused, 'the laptop to be told', SOON_MS);
  expect(await readFile(join(laptop.folder, 'page.md'), 'utf8')).toBe('# Page\n');
  // It is the token from then on, and there is one owner to hand it over.
  await cloud.kill();
  await cloud.start();
  expect([cloud.token, cloud.token === before]).toEqual([token, false]);
  expect(cloud.log()).toContain('account.handed-over');
  expect(cloud.log()).not.toContain(token);
  expect((await cloud.get('/api/cloud-owner')).json).toMatchObject({ accounts: [{ id: account.id, operates: true }] });
}, 90_000);

test('ACCOUNT-7 the token that a cloud had is worth nothing at any of its processes', async ({ skip }) => {
  const missing = NO_POSTGRES ?? NO_NATS;
  skip(missing !== undefined, missing);
  await using oidc = await startOidc();
  await using postgres = await startPostgres();
  await using nats = await startNats();
  const shared = { databaseUrl: await postgres.database(), natsUrl: nats.url };
  await using one = await startCloudHere({ oidc, shared });
  await using two = await startCloudHere({ oidc, shared });
  await two.stop();
  await writeFile(join(two.home, 'owner-token'), one.token);
  await two.start();
  const before = one.token;
  const asked = async (origin: string, body?: object): Promise<Response> =>
    fetch(`${origin}/api/${body === undefined ? 'projects' : 'cloud-owner'}`, {
      headers: { authorization: `Bearer ${before}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
  expect([two.token, (await asked(two.origin)).status]).toEqual([before, 200]);
  oidc.serve(one.origin);
  const bob = createBrowser(one.origin);
  const account = await signInAs(oidc, bob, 'bob');
  const handed = await asked(one.origin, { account: account.id, deletesOwn: true });
  expect(handed.status).toBe(200);
  const { token } = (await handed.json()) as { token: string };
  expect((await asked(one.origin)).status).toBe(401);
  await eventually(async () => (await asked(two.origin)).status === 401, 'it to be refused there too', SOON_MS);
  // With the file of the first it has the new one; without, one of its own, as a machine that is new has.
  await two.stop();
  await two.start();
  expect(two.token).not.toBe(before);
  await two.stop();
  await writeFile(join(two.home, 'owner-token'), token);
  await two.start();
  const there = await fetch(`${two.origin}/api/account`, { headers: { authorization: `Bearer ${token}` } });
  expect(await there.json()).toMatchObject({ id: account.id, operates: true });
}, 90_000);
