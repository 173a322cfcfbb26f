/** T14: what somebody tries who wants to come in to a cloud as somebody else, and two people who may. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cloudProof } from '@markco/protocol/identity/cloud-proof';
import type { Account, Cloud, CloudAsk, SessionRow } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import { createBrowser, signInAs, type Browser } from './cloud-browser.fixture.ts';
import { startCloud, type CloudProgram } from './cloud.fixture.ts';
import { runMarkco } from './markco.fixture.ts';
import { eventually, startDevice } from './device.fixture.ts';
import { startOidc, type OidcProvider } from './oidc.fixture.ts';

const test = base.extend<{ oidc: OidcProvider; cloud: CloudProgram; browser: () => Browser }>({
  oidc: [
    async ({}, use) => {
      await using oidc = await startOidc();
      await use(oidc);
    },
    { scope: 'file' },
  ],
  cloud: [
    async ({ oidc }, use) => {
      await using cloud = await startCloud({ ...oidc.env, MARKCO_REGISTRATION: 'open' });
      oidc.serve(cloud.origin);
      await use(cloud);
    },
    { scope: 'file' },
  ],
  browser: async ({ cloud }, use) => use(() => createBrowser(cloud.origin)),
});

test('T14 what a provider sends back is good once, in the browser that began, with its own state, nonce and verifier', async ({
  oidc,
  browser,
}) => {
  const [ada, eve] = [browser(), browser()];
  const hers = await ada.toProvider();
  // Somebody else's way back, in a browser that began none: its cookie is not there.
  expect((await eve.finish(hers)).status).toBe(403);
  // It was used up by that.
  expect((await ada.finish(hers)).status).toBe(400);
  expect((await ada.ask('GET', '/api/account')).status).toBe(401);

  const again = await ada.toProvider();
  const other = await eve.toProvider();
  const codeOf = (search: string): string => new URLSearchParams(search).get('code') ?? '';
  // The code of one in the sign-in of the other: neither verifier nor nonce is that of it.
  const mixed = new URLSearchParams(other);
  mixed.set('code', codeOf(again));
  expect((await eve.finish(`?${mixed}`)).status).toBe(401);
  oidc.person = { sub: 'ada', email: 'ada@example.com', email_verified: true };
  const states = ['', 'x'.repeat(22), new URLSearchParams(other).get('state') ?? ''];
  for (const state of states) {
    const forged = new URLSearchParams(again);
    forged.set('state', state);
    expect((await ada.finish(`?${forged}`)).status).toBe(400);
  }
  // What another issuer sends, as if it was this one (RFC 9207).
  const bob = browser();
  const confused = new URLSearchParams(await bob.toProvider());
  confused.set('iss', 'https://evil.example.com');
  expect((await bob.finish(`?${confused}`)).status).toBe(401);

  const good = await ada.toProvider();
  expect((await ada.finish(good)).status).toBe(200);
  expect((await ada.ask<Account>('GET', '/api/account')).json).toMatchObject({
    identities: [{ provider: 'Example', address: 'ada@example.com' }],
  });
  // The same way back once more.
  expect((await ada.finish(good)).status).toBe(400);
});

test('T14 an address that is not verified is refused, and one that is leads to no account but its own', async ({
  oidc,
  browser,
}) => {
  const [ada, eve] = [browser(), browser()];
  const first = await signInAs(oidc, ada, 'ada');
  oidc.person = { sub: 'eve', email: 'ada@example.com', email_verified: false };
  const refused = await eve.finish(await eve.toProvider());
  expect([refused.status, refused.json.error?.message]).toEqual([403, expect.stringContaining('not verified')]);
  expect((await eve.ask('GET', '/api/account')).status).toBe(401);
  oidc.person = { sub: 'eve', email: 'ada@example.com', email_verified: true };
  expect((await eve.finish(await eve.toProvider())).status).toBe(200);
  const second = (await eve.ask<Account>('GET', '/api/account')).json;
  expect(second.id).not.toBe(first.id);
  // Nor by adding what is another one's.
  oidc.person = { sub: 'ada', email: 'ada@example.com', email_verified: true };
  expect((await eve.finish(await eve.toProvider({ addToAccount: true }))).status).toBe(409);
});

test('T14 a sign-in makes a new session, ends the one before, and a session that was ended lets nobody in', async ({
  oidc,
  cloud,
  browser,
}) => {
  const ada = browser();
  // A session that somebody else put there is none.
  ada.jar.set('session_token', 'chosen-by-somebody-else');
  await signInAs(oidc, ada, 'cleo');
  const first = ada.jar.get('session_token') ?? '';
  expect(first).toMatch(/^[\w-]{43}$/);
  await signInAs(oidc, ada, 'cleo');
  const second = ada.jar.get('session_token') ?? '';
  expect(second).not.toBe(first);
  expect((await cloud.get('/api/account', first)).status).toBe(401);
  const { json } = await ada.ask<{ sessions: SessionRow[] }>('GET', '/api/account/sessions');
  expect(json.sessions.map(({ current }) => current)).toEqual([true]);

  // What is open is closed in the turn in which its session ends.
  const socket = new WebSocket(`${cloud.origin.replace('http', 'ws')}/api/stream?token=${second}`);
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)));
  const other = browser();
  await signInAs(oidc, other, 'cleo');
  expect((await other.ask('DELETE', '/api/account/sessions')).status).toBe(204);
  expect(await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 5_000))])).toBe(4401);
  expect((await ada.ask('GET', '/api/account')).status).toBe(401);
  expect((await other.ask('DELETE', '/api/session')).status).toBe(204);
  expect(other.jar.has('session_token')).toBe(false);
  // The token of the cloud is no cookie: it could not be ended.
  other.jar.set('session_token', cloud.token);
  // The log says that somebody came in, and nothing that one could come in with.
  expect(cloud.log()).toContain('account.signed-in');
  for (const secret of [first, second, cloud.token, 'cleo@example.com']) expect(cloud.log()).not.toContain(secret);
  expect((await other.ask('GET', '/api/account')).status).toBe(401);
});

test('T14 ten tries a minute from one address', async ({ cloud }) => {
  const tries: number[] = [];
  for (let count = 0; count < 11; count++) {
    const answer = await fetch(`${cloud.origin}/api/sign-in/passkey`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.1' },
      body: JSON.stringify({ ceremonyId: 'none', response: {} }),
    });
    tries.push(answer.status);
  }
  expect(tries).toEqual([...Array.from({ length: 10 }, () => 400), 429]);
});

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
function deviceKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = base64url(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
  const proof = (purpose: 'token' | 'link', host: string, challenge: string) => ({
    ...{ key, challenge },
    signature: base64url(sign(null, cloudProof(purpose, host, challenge), privateKey)),
  });
  return { key, proof };
}

test('T14 a device that was let in by a code has a token by its key alone, and is gone when it is taken out', async ({
  oidc,
  cloud,
  browser,
}) => {
  const ada = browser();
  await signInAs(oidc, ada, 'ada');
  const { host } = new URL(cloud.origin);
  const [box, thief] = [deviceKey(), deviceKey()];
  const anybody = browser();
  const asked = await anybody.ask<{ code: string; requestId: string }>('POST', '/api/device-requests', {
    name: 'box',
    key: box.key,
  });
  const { code, requestId } = asked.json;
  const state = () => anybody.ask<{ state: string }>('GET', `/api/device-requests/${requestId}`);
  // Whoever has no account lets nobody in, and the device cannot let itself in.
  expect((await anybody.ask('POST', `/api/account/device-requests/${code}`)).status).toBe(401);
  expect((await ada.ask('GET', `/api/account/device-requests/${code}`)).json).toMatchObject({ name: 'box' });
  expect((await ada.ask('POST', `/api/account/device-requests/${code}`)).status).toBe(204);
  expect((await state()).json).toEqual({ state: 'approved' });
  expect((await ada.ask('POST', `/api/account/device-requests/${code}`)).status).toBe(404);

  const challenge = async (): Promise<string> =>
    (await anybody.ask<{ challenge: string }>('POST', '/api/device-token/challenge')).json.challenge;
  const tokenFor = (proof: object) => anybody.ask<{ token: string }>('POST', '/api/device-token', proof);
  const used = await challenge();
  const good = await tokenFor(box.proof('token', host, used));
  expect(good.status).toBe(200);
  const bad = [
    // The same signature once more, one for another cloud, one for another purpose, one of another key.
    box.proof('token', host, used),
    box.proof('token', 'evil.example.com', await challenge()),
    box.proof('link', host, await challenge()),
    thief.proof('token', host, await challenge()),
    { ...thief.proof('token', host, await challenge()), key: box.key },
    box.proof('token', host, 'made-up'),
  ];
  for (const proof of bad) expect((await tokenFor(proof)).status).toBe(401);

  const { token } = good.json;
  expect((await cloud.get('/api/projects', token)).status).toBe(200);
  // Not in an address, and for nothing that is for people.
  expect((await cloud.get(`/api/projects?token=${token}`, '')).status).toBe(401);
  const asDevice = { headers: { authorization: `Bearer ${token}` }, method: 'POST' };
  for (const path of ['/api/session', '/api/account/passkeys/begin', '/api/invites'])
    expect((await fetch(`${cloud.origin}${path}`, asDevice)).status).toBe(403);

  const account = (await ada.ask<Account>('GET', '/api/account')).json;
  expect((await ada.ask('DELETE', `/api/account/devices/${account.devices[0]?.id}`)).status).toBe(204);
  expect((await cloud.get('/api/projects', token)).status).toBe(401);
  expect((await tokenFor(box.proof('token', host, await challenge()))).status).toBe(401);
});

test('an account elsewhere makes no account where only the invited come in', async ({ oidc }) => {
  await using cloud = await startCloud(oidc.env);
  oidc.serve(cloud.origin);
  const ada = createBrowser(cloud.origin);
  const refused = await ada.finish(await ada.toProvider());
  expect([refused.status, refused.json.error?.code]).toEqual([403, 'forbidden']);
  const { link } = (await runMarkco(cloud.home, 'cloud', 'invite', '--json')) as { link: string };
  const invite = link.split('#invite=')[1] ?? expect.unreachable(link);
  expect((await ada.finish(await ada.toProvider({ invite }))).status).toBe(200);
  const bob = createBrowser(cloud.origin);
  oidc.person = { sub: 'bob', email: 'bob@example.com', email_verified: true };
  expect((await bob.finish(await bob.toProvider({ invite }))).status).toBe(403);
  // Who has an account needs no invite again.
  oidc.person = { sub: 'ada', email: 'ada@example.com', email_verified: true };
  expect((await bob.finish(await bob.toProvider())).status).toBe(200);
});

test('a headless device is let in by a code, comes back by its key, and is cut off when it is taken out', async ({
  oidc,
  cloud,
  browser,
}) => {
  const dora = browser();
  await signInAs(oidc, dora, 'dora');
  await using box = await startDevice({ files: { 'page.md': '# Page\n' } });
  const asked = await box.get<CloudAsk>('/api/cloud/ask', { body: { url: cloud.origin } });
  if (asked.state !== 'waiting') return expect.unreachable(asked.state);
  expect(asked.page).toBe(`${cloud.origin}/device`);
  const request = `/api/account/device-requests/${asked.code}`;
  expect((await dora.ask('GET', request)).json).toMatchObject({ fingerprint: asked.fingerprint });
  expect((await dora.ask('POST', request)).status).toBe(204);
  await eventually(async () => (await box.get<CloudAsk>('/api/cloud/ask')).state === 'joined', 'it to be let in');
  // It said whose devices these are: her account has its documents, and the cloud none of its keys.
  const account = (await dora.ask<Account>('GET', '/api/account')).json;
  expect(account).toMatchObject({ userId: box.userId, hasDevices: true });
  const documents = async (): Promise<number> =>
    (await dora.ask<{ documents: unknown[] }>('GET', `/api/documents/${box.userId}`)).json.documents.length;
  await eventually(async () => (await documents()) === 1, 'the document to be there');
  const kept = await readFile(join(box.home, 'cloud.json'), 'utf8');
  expect(JSON.parse(kept)).toEqual({ url: cloud.origin, byKey: true, cloud: expect.any(String) });
  await box.kill();
  await box.start();
  const state = async (): Promise<string> => (await box.get<Cloud>('/api/cloud')).state;
  await eventually(async () => (await state()) === 'connected', 'it to be back by its key');
  expect((await dora.ask('DELETE', `/api/account/devices/${account.devices[0]?.id}`)).status).toBe(204);
  await eventually(async () => (await state()) === 'refused', 'it to be cut off');
});
