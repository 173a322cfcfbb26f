/** The end of an account at a cloud: what takes showing again who is there, what goes, what stays, and that nothing comes back. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openClient, type Socket } from '@markco/client';
import type { Account, AccountContents, Cloud, CloudAsk, Document } from '@markco/protocol';
import { NO_NATS, startLossyWay, startNats } from '@markco/rendezvous/processes/nats.fixture';
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import { openLevelStore } from '@markco/replica/store/level';
import { expect, test } from 'vitest';
import { openAgent } from './agents.fixture.ts';
import { createBrowser, signInAs, type Browser } from './cloud-browser.fixture.ts';
import { startCloudHere, type CloudHere } from './cloud-here.fixture.ts';
import { eventually, ids, startDevice, type Device } from './device.fixture.ts';
import { startOidc } from './oidc.fixture.ts';

const CANARY = 'canary-of-ada-51c7';
const CUT_OFF_MS = 5_000;
const SIX_MINUTES_MS = 360_000;

async function letIn(origin: string, browser: Browser, device: Device): Promise<void> {
  const asked = await device.get<CloudAsk>('/api/cloud/ask', { body: { url: origin } });
  if (asked.state !== 'waiting') return expect.unreachable(asked.state);
  expect((await browser.ask('POST', `/api/account/device-requests/${asked.code}`)).status).toBe(204);
  await eventually(async () => (await documentsOf(browser, device)).length === 1, 'the document at the cloud');
}

const documentsOf = async (browser: Browser, { userId }: Device): Promise<readonly Document[]> =>
  (await browser.ask<{ documents?: Document[] }>('GET', `/api/documents/${userId}`)).json.documents ?? [];

/** With which code it is closed, once that is so. */
async function socketAt(
  origin: string,
  path: string,
  token: string,
  more = '',
): Promise<{ readonly closed: Promise<number> }> {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}${path}?token=${token}${more}`);
  const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)));
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  return { closed };
}

const inTime = <T>(work: Promise<T>): Promise<T | 'still open'> =>
  Promise.race([work, new Promise<'still open'>((resolve) => setTimeout(resolve, CUT_OFF_MS, 'still open'))]);

test('ACCOUNT-1 what brings in, or takes away for ever, takes showing within five minutes who is there', async () => {
  await using oidc = await startOidc();
  await using cloud = await startCloudHere({ oidc });
  oidc.serve(cloud.origin);
  const [ada, eve] = [createBrowser(cloud.origin), createBrowser(cloud.origin)];
  const account = await signInAs(oidc, ada, 'ada');
  expect((await ada.ask('POST', '/api/agents', { name: 'attic' })).status).toBe(201);
  cloud.ahead = SIX_MINUTES_MS;
  const guarded = [
    ['POST', '/api/account/passkeys/begin'],
    ['DELETE', '/api/account/passkeys/none'],
    ['DELETE', `/api/account/identities/${account.identities[0]?.id}`],
    ['POST', '/api/account/device-requests/BCDF-GHJK'],
    ['POST', '/api/sign-in/with/oidc/begin', { addToAccount: true }],
    ['POST', '/api/agents', { name: 'cellar' }],
    ['POST', '/api/account/delete', { name: account.name }],
  ] as const;
  const outcomes = async () =>
    Promise.all(guarded.map(async ([method, path, body]) => (await ada.ask(method, path, body)).json.error?.code));
  expect(await outcomes()).toEqual(guarded.map(() => 'confirm_first'));
  const said = await ada.ask('POST', '/api/agents', { name: 'cellar' });
  expect([said.status, said.json.error?.message]).toEqual([
    403,
    expect.stringMatching(/five minutes.*Nothing was changed/),
  ]);
  // All else goes on as ever.
  expect((await ada.ask<Account>('GET', '/api/account')).json.id).toBe(account.id);

  // Neither somebody else at the provider, nor a token of no cloud, nor one that only its operator has.
  oidc.person = { sub: 'eve', email: 'eve@example.com', email_verified: true };
  expect((await ada.finish(await ada.toProvider({ confirm: true }))).status).toBe(401);
  expect((await ada.ask('POST', '/api/account/confirm', { token: cloud.token })).status).toBe(401);
  expect((await eve.ask('POST', '/api/account/confirm', { token: cloud.token })).status).toBe(401);
  expect((await ada.ask('POST', '/api/agents', { name: 'cellar' })).status).toBe(403);
  oidc.person = { sub: 'ada', email: 'ada@example.com', email_verified: true };
  const session = ada.jar.get('session_token');
  expect((await ada.finish(await ada.toProvider({ confirm: true }))).status).toBe(200);
  expect(ada.jar.get('session_token')).toBe(session);
  expect((await ada.ask('POST', '/api/agents', { name: 'cellar' })).status).toBe(201);
  // It is kept over a restart, and is over when its time is.
  await cloud.stop();
  await cloud.start();
  expect((await ada.ask('POST', '/api/agents', { name: 'shed' })).status).toBe(201);
  cloud.ahead += SIX_MINUTES_MS;
  expect((await ada.ask('POST', '/api/agents', { name: 'barn' })).status).toBe(403);

  // Who runs the cloud signed in with its token, and shows that again; the token itself comes with each request.
  const owner = createBrowser(cloud.origin);
  const asOwner = { method: 'POST', headers: { authorization: `Bearer ${cloud.token}` } };
  const came = await fetch(`${cloud.origin}/api/session`, asOwner);
  owner.jar.set('session_token', /session_token=([^;]+)/.exec(came.headers.get('set-cookie') ?? '')?.[1] ?? '');
  cloud.ahead += SIX_MINUTES_MS;
  expect((await owner.ask('POST', '/api/agents', { name: 'attic' })).status).toBe(403);
  expect((await owner.ask('POST', '/api/account/confirm', { token: 'wrong' })).status).toBe(401);
  expect((await owner.ask('POST', '/api/account/confirm', { token: cloud.token })).status).toBe(204);
  expect((await owner.ask('POST', '/api/agents', { name: 'attic' })).status).toBe(201);
  const { name } = (await owner.ask<Account>('GET', '/api/account')).json;
  expect((await owner.ask('POST', '/api/account/delete', { name })).json.error?.message).toContain('runs the cloud');
});

test('ACCOUNT-2 an account is deleted with all that it has, its devices keep theirs, and nothing old opens anything', async () => {
  await using oidc = await startOidc();
  await using cloud = await startCloudHere({ oidc });
  oidc.serve(cloud.origin);
  const [ada, bob, guest] = [1, 2, 3].map(() => createBrowser(cloud.origin)) as [Browser, Browser, Browser];
  const { name, id: account } = await signInAs(oidc, ada, 'ada');
  await signInAs(oidc, bob, 'bob');
  const bobs = (await bob.ask<{ id: string; token: string }>('POST', '/api/agents', { name: 'of bob' })).json;
  await using laptop = await startDevice({ files: { 'page.md': `# ${CANARY}\n` } });
  await letIn(cloud.origin, ada, laptop);
  const project = `/api/projects/${laptop.project.id}`;
  const [page] = await documentsOf(ada, laptop);
  expect((await ada.ask('PUT', `${project}/publication`, { userName: 'ada' })).status).toBe(200);
  const published = async (path = ''): Promise<number> =>
    (await fetch(`${cloud.origin}/@ada${path}`, { redirect: 'manual' })).status;
  expect([await published(), await published(`/${laptop.project.slug}/page`)]).toEqual([200, 200]);
  const shared = await ada.ask<{ url: string }>('POST', `${project}/shares`, { role: 'edit', documentId: page?.id });
  const secret = shared.json.url.split('/').at(-1);
  const joined = await guest.ask<{ id: string }>('POST', '/api/join', { token: secret });
  const guestToken = guest.jar.get(`share_${joined.json.id}`) ?? '';
  const agentToken = (await ada.ask<{ token: string }>('POST', '/api/agents', { name: 'attic' })).json.token;
  using agent = await openAgent({ cloud: cloud as never, userId: laptop.userId }, agentToken);
  await agent.register();
  const body = { projectId: laptop.project.id, language: 'python', code: `"${CANARY}"` };
  expect((await ada.ask('POST', '/api/runs', body)).status).toBe(202);
  const session = ada.jar.get('session_token') ?? '';
  const [stream, guestStream] = [
    await socketAt(cloud.origin, '/api/stream', session),
    await socketAt(cloud.origin, `/api/guest`, guestToken, `&share=${joined.json.id}`),
  ];

  expect((await ada.ask<AccountContents>('GET', '/api/account/contents')).json).toEqual({
    ...{ projects: 1, documents: 1, published: 1, shares: 1, devices: 1, agents: 1, sessions: 1 },
  });
  const wrong = await ada.ask('POST', '/api/account/delete', { name: `${name}?` });
  expect([wrong.status, wrong.json.error?.message]).toEqual([400, expect.stringContaining(name)]);
  expect(await documentsOf(ada, laptop)).toHaveLength(1);

  expect((await ada.ask('POST', '/api/account/delete', { name: ` ${name} ` })).status).toBe(204);
  expect(await Promise.all([inTime(stream.closed), inTime(guestStream.closed)])).toEqual([4401, 4401]);
  expect((await agent.closed())[0]).toBe(4401);
  const closed = await eventually(async () => {
    const state = await laptop.get<Cloud>('/api/cloud');
    return state.state === 'refused' ? state : undefined;
  }, 'the device to be told');
  expect(closed).toMatchObject({ why: expect.stringMatching(/account at this cloud was deleted.*keep everything/) });
  expect(await readFile(join(laptop.folder, 'page.md'), 'utf8')).toBe(`# ${CANARY}\n`);
  expect((await laptop.document('page')).path).toBe('page');

  // Nothing that opened something opens anything.
  const asks = [session, agentToken, guestToken].map(async (token) => {
    const headers = { authorization: `Bearer ${token}` };
    return (await fetch(`${cloud.origin}/api/projects`, { headers })).status;
  });
  expect(await Promise.all(asks)).toEqual([401, 401, 401]);
  expect((await guest.ask('POST', '/api/join', { token: secret })).status).toBe(404);
  expect([await published(), await published(`/${laptop.project.slug}/page`)]).toEqual([404, 404]);
  // Others are as they were.
  expect((await bob.ask<{ agents: unknown[] }>('GET', '/api/agents')).json.agents).toHaveLength(1);
  using other = await openAgent({ cloud: cloud as never, userId: laptop.userId }, bobs.token);

  other.cut();

  // What is left in the store is that there was such an account, and whose the name of its pages was.
  await cloud.stop();
  expect(await rowsWith(cloud.home, CANARY)).toEqual([]);
  const known = [`wgone/${account}`, 'bname/ada'];
  for (const id of [laptop.userId, account, laptop.project.id, page?.id ?? '', name])
    expect((await rowsWith(cloud.home, id)).filter((key) => !known.includes(key))).toEqual([]);

  // Who comes again has a new account; the device brings what it has, and the name is theirs again.
  cloud.ahead += 10_000;
  await cloud.start();
  const again = await signInAs(oidc, ada, 'ada');
  expect(again).toMatchObject({ hasDevices: false, devices: [] });
  expect(again.id).not.toBe(account);
  await letIn(cloud.origin, ada, laptop);
  expect((await ada.ask<Account>('GET', '/api/account')).json).toMatchObject({ userId: laptop.userId });
  expect((await ada.ask('PUT', `${project}/publication`, { userName: 'ada' })).status).toBe(200);
  expect((await ada.ask('GET', '/api/shares')).json).toEqual({ shares: [] });
  expect((await ada.ask('GET', '/api/runs')).json).toEqual({ runs: [] });
  expect(cloud.troubles).toEqual([]);
});

/** Keys of the rows of a cloud that is stopped with this text in them. */
async function rowsWith(home: string, text: string): Promise<readonly string[]> {
  const store = await openLevelStore(join(home, 'store'));
  const found: string[] = [];
  for await (const [key, value] of store.range({ gte: Uint8Array.of(0), lt: Uint8Array.of(0xff) }))
    for (const each of [Buffer.from(key), Buffer.from(value)])
      if (each.includes(text) || each.includes(bytesOf(text))) found.push(Buffer.from(key).toString('latin1'));
  await store.close();
  return found;
}
/** Of an id, as keys have it. */
const bytesOf = (text: string): Buffer =>
  /^[0-9a-f-]{36}$/.test(text) ? Buffer.from(text.replaceAll('-', ''), 'hex') : Buffer.from(text);

const missing = NO_POSTGRES ?? NO_NATS;
test('ACCOUNT-3 two processes on one Postgres both cut off who is there, also one that hears nothing by NATS, and nothing is left in the database', async ({
  skip,
}) => {
  skip(missing !== undefined, missing);
  await using oidc = await startOidc();
  await using postgres = await startPostgres();
  const url = await postgres.database();
  await using nats = await startNats();
  await using deaf = await startLossyWay(nats.url, () => true);
  await using one = await startCloudHere({ oidc, shared: { databaseUrl: url, natsUrl: nats.url } });
  await using two = await startCloudHere({ oidc, shared: { databaseUrl: url, natsUrl: deaf.url } });
  const get = async ({ origin }: CloudHere, path: string, token?: string): Promise<number> =>
    (await fetch(`${origin}${path}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }))
      .status;
  for (const { origin } of [one, two]) oidc.serve(origin);
  const ada = createBrowser(one.origin);
  const { name } = await signInAs(oidc, ada, 'ada');
  await using laptop = await startDevice({ files: { 'page.md': `# ${CANARY}\n` } });
  await letIn(one.origin, ada, laptop);
  const session = ada.jar.get('session_token') ?? '';
  const project = `/api/projects/${laptop.project.id}`;
  expect((await ada.ask('PUT', `${project}/publication`, { userName: 'ada' })).status).toBe(200);
  await eventually(async () => (await get(two, '/api/account', session)) === 200, 'the session at the other');
  await eventually(async () => (await get(two, `/@ada/${laptop.project.slug}/page`)) === 200, 'the page there');
  await eventually(() => postgres.dump(url).includes(CANARY), 'it to be in the database');
  const sockets = await Promise.all([one, two].map(({ origin }) => socketAt(origin, '/api/stream', session)));
  const sync = `/sync/${laptop.userId}/${laptop.project.slug}/page`;
  sockets.push(await socketAt(two.origin, sync, session));

  expect((await ada.ask('POST', '/api/account/delete', { name })).status).toBe(204);
  expect(await Promise.all(sockets.map(({ closed }) => inTime(closed)))).toEqual([4401, 4401, 4401]);
  for (const cloud of [one, two]) {
    expect(await get(cloud, '/api/account', session)).toBe(401);
    expect(await get(cloud, `/@ada/${laptop.project.slug}/page`)).toBe(404);
  }
  expect(postgres.dump(url).includes(CANARY)).toBe(false);
  const id = laptop.project.id.replaceAll('-', '');
  const left = `SELECT encode(key, 'escape') AS key FROM records WHERE encode(key, 'hex') LIKE '%${id}%'`;
  expect(await postgres.rows(url, left)).toEqual([]);
  expect(await postgres.rows(url, 'SELECT id FROM documents')).toEqual([]);

  // Nobody has the same user here before all is taken out; then the device brings everything, and both have what it writes.
  await signInAs(oidc, ada, 'ada');
  for (const cloud of [one, two]) cloud.ahead = 10_000;
  const isOut = `SELECT 1 FROM records WHERE key LIKE 'wgone/%' AND encode(value, 'escape') LIKE '%"left"%'`;
  await eventually(async () => (await postgres.rows(url, isOut)).length === 0, 'all to be taken out');
  await letIn(one.origin, ada, laptop);
  const again = ada.jar.get('session_token') ?? '';
  await eventually(async () => (await get(two, '/api/account', again)) === 200, 'the new session at the other');
  await writeFile(join(laptop.folder, 'page.md'), '# Written later\n');
  for (const cloud of [one, two]) {
    const client = openClient({
      ...{ origin: cloud.origin, token: again, fetch, ...ids },
      webSocket: (address) => new globalThis.WebSocket(address) as Socket,
    });
    const document = await eventually(async () => (await documentsOf(ada, laptop))[0], 'the page');
    const open = client.openDocument({ projectId: laptop.project.id, documentId: document.id });
    await eventually(() => open.text.toString() === '# Written later\n', 'what the device has', 20_000);
    await client.close();
  }
  expect([...one.troubles, ...two.troubles]).toEqual([]);
});
