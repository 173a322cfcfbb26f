/** Sign-in with GitHub, which speaks OAuth without OpenID Connect: against a server that answers as its documents say. */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { expect, test as base } from 'vitest';
import { createProviders, type Github } from './providers.ts';

const ids = { now: Date.now, randomBytes };
const SETTING = { id: 'github', name: 'GitHub', issuer: 'github', clientId: 'the-id', clientSecret: 'the-secret' };

type Address = { readonly email: string; readonly primary: boolean; readonly verified: boolean };
type Fake = Github & {
  addresses: readonly Address[];
  /** The challenge that goes with the code that is out. */
  challenge: string;
};

const test = base.extend<{ github: Fake }>({
  github: async ({}, use) => {
    const answers: Record<string, (body: URLSearchParams, authorization: string | undefined) => unknown> = {
      '/login/oauth/access_token'(body) {
        const verifier = createHash('sha256')
          .update(body.get('code_verifier') ?? '')
          .digest('base64url');
        const isGood =
          verifier === github.challenge && body.get('code') === 'good' && body.get('client_secret') === 'the-secret';
        return isGood
          ? { access_token: 'abc', token_type: 'bearer', scope: 'user:email' }
          : { error: 'bad_verification_code' };
      },
      '/user': (_body, authorization) =>
        authorization === 'Bearer abc' ? { id: 583_231, login: 'ada', name: null } : null,
      '/user/emails': (_body, authorization) => (authorization === 'Bearer abc' ? github.addresses : null),
    };
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (bytes) => (text += String(bytes)));
      request.on('end', () => {
        const answer = answers[request.url ?? '']?.(new URLSearchParams(text), request.headers.authorization);
        response.writeHead(answer === null || answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(answer ?? {}));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const origin = `http://127.0.0.1:${address !== null && typeof address === 'object' ? address.port : 0}`;
    const github: Fake = { web: origin, api: origin, addresses: [], challenge: '' };
    await use(github);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  },
});

async function begin(github: Fake) {
  const providers = createProviders([SETTING], ids, github);
  const { url, binding } = await providers.begin('github', 'https://cloud.example.com', { publicComputer: false });
  const asked = new URL(url).searchParams;
  github.challenge = asked.get('code_challenge') ?? '';
  return { providers, binding, asked, search: (code: string) => `?code=${code}&state=${asked.get('state')}` };
}

test('whoever GitHub knows by a verified address is its number, whatever they are called there', async ({ github }) => {
  github.addresses = [
    { email: 'other@example.com', primary: false, verified: true },
    { email: 'ada@example.com', primary: true, verified: true },
  ];
  const { providers, binding, asked, search } = await begin(github);
  expect(Object.fromEntries(asked)).toMatchObject({
    ...{ client_id: 'the-id', response_type: 'code', code_challenge_method: 'S256', scope: 'read:user user:email' },
    redirect_uri: 'https://cloud.example.com/sign-in/with/github',
  });
  const { who } = await providers.finish('github', search('good'), binding);
  expect(who).toEqual({
    ...{ issuer: `${github.web}/login/oauth`, subject: '583231', provider: 'GitHub' },
    ...{ address: 'ada@example.com', name: 'ada' },
  });
  await expect(providers.finish('github', search('good'), binding)).rejects.toMatchObject({ code: 'bad_request' });
});

test('T14 a code that GitHub does not know, or an address that it has not verified, lets nobody in', async ({
  github,
}) => {
  github.addresses = [
    { email: 'ada@example.com', primary: true, verified: false },
    { email: 'other@example.com', primary: false, verified: true },
  ];
  const wrong = await begin(github);
  await expect(wrong.providers.finish('github', wrong.search('bad'), wrong.binding)).rejects.toMatchObject({
    code: 'unauthorized',
  });
  const unverified = await begin(github);
  await expect(
    unverified.providers.finish('github', unverified.search('good'), unverified.binding),
  ).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('has not verified your address') });
  const declined = await begin(github);
  const { providers, asked, binding } = declined;
  await expect(
    providers.finish('github', `?error=access_denied&state=${asked.get('state')}`, binding),
  ).rejects.toMatchObject({ code: 'unauthorized' });
  const other = await begin(github);
  await expect(other.providers.finish('github', other.search('good'), 'another browser')).rejects.toMatchObject({
    code: 'forbidden',
  });
});

test('a provider that is away is said to be, and is asked again by the next who comes', async ({ github }) => {
  const away = { ...SETTING, id: 'oidc', name: 'Example', issuer: `${github.web}/away` };
  const providers = createProviders([away], ids);
  for (const _ of [1, 2])
    await expect(providers.begin('oidc', 'http://localhost:3000', { publicComputer: false })).rejects.toMatchObject({
      ...{ code: 'not_ready', message: expect.stringContaining('Example does not answer now') },
    });
  await expect(providers.begin('none', 'http://localhost:3000', { publicComputer: false })).rejects.toMatchObject({
    code: 'not_found',
  });
});
