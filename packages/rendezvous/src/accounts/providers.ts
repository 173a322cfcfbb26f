/**
 * Sign-in with an account elsewhere: any OpenID Connect issuer, and GitHub, which speaks OAuth alone.
 *
 * 1. What comes back is good once, within ten minutes, in the browser that began (`binding` is in a cookie of it), with
 *    the `state`, the PKCE verifier and, of an issuer, the `nonce` of that beginning.
 * 2. A person is the pair of issuer and subject. An address is only shown; one that its provider has not verified is
 *    refused, so that nobody is shown as who they are not.
 */
import { Failure, type IdSource } from '@markco/protocol';
import type * as oauth from 'openid-client';
import { createHash, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import { createPending } from './pending.ts';

const LASTS_MS = 600_000;
const BEGUN_MAX = 10_000;
const PROVIDER_MS = 10_000;

/** Loaded with the first who signs in so. */
const library = () => import('openid-client');

export type ProviderSetting = {
  readonly id: string;
  readonly name: string;
  /** `github`, or the address of an issuer. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
};

/** Somebody, as a provider knows them. */
export type Identified = {
  readonly issuer: string;
  readonly subject: string;
  readonly provider: string;
  readonly address: string;
  readonly name: string;
};

/** Why the sign-in was begun; whoever comes back goes on with it. */
export type Purpose = {
  readonly invite?: string;
  readonly publicComputer: boolean;
  /** The account that this is to be added to, and its session. */
  readonly addTo?: string;
  /** The session of whoever only shows that it is them. */
  readonly confirms?: string;
};

type BegunAt = {
  readonly provider: string;
  readonly redirect: string;
  readonly verifier: string;
  readonly nonce: string;
  readonly binding: Buffer;
  readonly purpose: Purpose;
};

export type Providers = {
  list(): readonly { readonly id: string; readonly name: string }[];
  /** `binding`: for a cookie of the browser that begins. */
  begin(id: string, origin: string, purpose: Purpose): Promise<{ readonly url: string; readonly binding: string }>;
  /** @param search what the provider sent back: `?code=…&state=…` */
  finish(
    id: string,
    search: string,
    binding: string | undefined,
  ): Promise<{ readonly who: Identified; readonly purpose: Purpose }>;
};

/** Where GitHub is. */
export type Github = { readonly web: string; readonly api: string };
const GITHUB: Github = { web: 'https://github.com', api: 'https://api.github.com' };

export function createProviders(
  settings: readonly ProviderSetting[],
  ids: IdSource,
  github: Github = GITHUB,
): Providers {
  const begun = createPending<BegunAt>({ ...ids, max: BEGUN_MAX, lastsMs: LASTS_MS });
  const configurations = new Map<string, Promise<oauth.Configuration>>();

  function settingOf(id: string): ProviderSetting {
    const setting = settings.find((each) => each.id === id);
    if (setting === undefined) throw new Failure('not_found', 'There is no such way to sign in here.');
    return setting;
  }

  function configurationOf(setting: ProviderSetting): Promise<oauth.Configuration> {
    const known = configurations.get(setting.id);
    if (known !== undefined) return known;
    const made = configure(setting, github).catch((cause: unknown) => {
      // It may only be away; the next who asks looks again.
      configurations.delete(setting.id);
      throw new Failure('not_ready', `${setting.name} does not answer now. Try again, or choose another way.`, {
        cause,
      });
    });
    configurations.set(setting.id, made);
    return made;
  }

  return {
    list: () => settings.map(({ id, name }) => ({ id, name })),
    async begin(id, origin, purpose) {
      const setting = settingOf(id);
      const [oauth, configuration] = await Promise.all([library(), configurationOf(setting)]);
      const verifier = oauth.randomPKCECodeVerifier();
      const nonce = oauth.randomNonce();
      const binding = Buffer.from(ids.randomBytes(32)).toString('base64url');
      const redirect = `${origin}/sign-in/with/${id}`;
      const state = begun.put({ provider: id, redirect, verifier, nonce, binding: digest(binding), purpose });
      const url = oauth.buildAuthorizationUrl(configuration, {
        ...{ redirect_uri: redirect, state, code_challenge_method: 'S256' },
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        ...(isGithub(setting) ? { scope: 'read:user user:email' } : { scope: 'openid email profile', nonce }),
        // Not whoever is signed in there anyway (OpenID Connect Core §3.1.2.1); others pass it over.
        ...(purpose.confirms === undefined ? {} : { prompt: 'login' }),
      });
      return { url: url.href, binding };
    },
    async finish(id, search, binding) {
      const setting = settingOf(id);
      const answer = new URLSearchParams(search);
      const state = answer.get('state') ?? '';
      const at = begun.take(state);
      if (at === undefined || at.provider !== id)
        throw new Failure('bad_request', 'This sign-in took too long, or was finished before. Try again.');
      if (binding === undefined || !timingSafeEqual(digest(binding), at.binding))
        throw new Failure('forbidden', 'This sign-in was begun in another browser. Begin it again in this one.');
      if (answer.has('error'))
        throw new Failure('unauthorized', `${setting.name} did not sign you in. Try again, or choose another way.`);
      const [oauth, configuration] = await Promise.all([library(), configurationOf(setting)]);
      const tokens = await oauth
        .authorizationCodeGrant(configuration, new URL(`${at.redirect}?${answer}`), {
          ...{ expectedState: state, pkceCodeVerifier: at.verifier },
          ...(isGithub(setting) ? {} : { expectedNonce: at.nonce, idTokenExpected: true }),
        })
        .catch((cause: unknown) => {
          throw new Failure('unauthorized', `What ${setting.name} said could not be checked. Sign in again.`, {
            cause,
          });
        });
      const who = isGithub(setting)
        ? await askGithub(configuration, tokens.access_token, setting, github)
        : fromClaims(tokens.claims(), await userInfo(configuration, tokens), setting);
      return { who, purpose: at.purpose };
    },
  };
}

const isGithub = ({ issuer }: ProviderSetting): boolean => issuer === 'github';

/** On the machine itself nobody is in between. */
function isLocal(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

async function configure(setting: ProviderSetting, { web }: Github): Promise<oauth.Configuration> {
  const oauth = await library();
  const { issuer, clientId, clientSecret } = setting;
  if (isGithub(setting)) {
    const metadata = {
      issuer: `${web}/login/oauth`,
      authorization_endpoint: `${web}/login/oauth/authorize`,
      token_endpoint: `${web}/login/oauth/access_token`,
      code_challenge_methods_supported: ['S256'],
    };
    const made = new oauth.Configuration(metadata, clientId, clientSecret);
    made.timeout = PROVIDER_MS / 1_000;
    if (isLocal(web)) oauth.allowInsecureRequests(made);
    return made;
  }
  return oauth.discovery(new URL(issuer), clientId, clientSecret, undefined, {
    timeout: PROVIDER_MS / 1_000,
    ...(isLocal(issuer) ? { execute: [oauth.allowInsecureRequests] } : {}),
  });
}

type Tokens = Awaited<ReturnType<typeof oauth.authorizationCodeGrant>>;

const ClaimsSchema = z.object({
  sub: z.string().check(z.minLength(1), z.maxLength(255)),
  email: z.optional(z.string().check(z.maxLength(320))),
  email_verified: z.optional(z.boolean()),
  name: z.optional(z.string()),
});
type Claims = z.infer<typeof ClaimsSchema>;

/** Some issuers say the address only there. */
async function userInfo(configuration: oauth.Configuration, tokens: Tokens): Promise<unknown> {
  const claims = tokens.claims();
  if (claims === undefined || claims['email'] !== undefined) return {};
  if (configuration.serverMetadata().userinfo_endpoint === undefined) return {};
  return (await library()).fetchUserInfo(configuration, tokens.access_token, claims.sub);
}

function fromClaims(claims: unknown, more: unknown, setting: ProviderSetting): Identified {
  const parsed = ClaimsSchema.safeParse({ ...(claims as object), ...(more as object) });
  if (!parsed.success) throw new Failure('unauthorized', `${setting.name} did not say who you are. Sign in again.`);
  return identified(setting, setting.issuer, parsed.data);
}

function identified(setting: ProviderSetting, issuer: string, claims: Claims): Identified {
  const { sub, email, email_verified: isVerified, name } = claims;
  if (email === undefined || isVerified !== true)
    throw new Failure(
      'forbidden',
      `${setting.name} has not verified your address. Verify it there, then sign in again; nothing was changed.`,
    );
  return { issuer, subject: sub, provider: setting.name, address: email, name: (name ?? email).slice(0, 200) || email };
}

const GithubUserSchema = z.object({ id: z.number(), login: z.string(), name: z.optional(z.nullable(z.string())) });
const GithubAddressesSchema = z.array(z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }));

async function askGithub(
  configuration: oauth.Configuration,
  accessToken: string,
  setting: ProviderSetting,
  { web, api }: Github,
): Promise<Identified> {
  const oauth = await library();
  const ask = async (path: string): Promise<unknown> => {
    const answer = await oauth.fetchProtectedResource(configuration, accessToken, new URL(path, api), 'GET');
    if (!answer.ok) throw new Failure('not_ready', 'GitHub does not say who you are now. Try again.');
    return answer.json();
  };
  const user = GithubUserSchema.parse(await ask('/user'));
  const addresses = GithubAddressesSchema.parse(await ask('/user/emails'));
  const primary = addresses.find((each) => each.primary && each.verified);
  return identified(setting, `${web}/login/oauth`, {
    ...{ sub: String(user.id), name: user.name ?? user.login },
    ...(primary === undefined ? {} : { email: primary.email, email_verified: true }),
  });
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
