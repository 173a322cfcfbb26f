/**
 * Sign-in by passkey (WebAuthn): what the browser is asked, and whether what it answers is true. One ceremony is good
 * once, for five minutes, and for the origin it began at.
 */
import { Failure, newId, type IdSource } from '@markco/protocol';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import type { AccountRow, Passkey } from './account-row.ts';
import type { Accounts } from './accounts.ts';
import { createPending } from './pending.ts';

const CEREMONY_MS = 300_000;
const CEREMONIES_MAX = 10_000;

/** Loaded with the first passkey: it is as much as all the rest of a cloud. */
const webauthn = () => import('@simplewebauthn/server');

/** The name and the origin of this cloud as the browser has them. */
export type Site = { readonly rpId: string; readonly origin: string };
export type Begun = { readonly ceremonyId: string; readonly options: Record<string, unknown> };
export type Finished = { readonly ceremonyId: string; readonly response: Record<string, unknown> };

type Ceremony = { readonly site: Site; readonly challenge: string } & (
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'register'; readonly name: string; readonly invite: string | undefined }
  | { readonly kind: 'add'; readonly account: string }
  | { readonly kind: 'confirm'; readonly account: string }
);

export type Passkeys = {
  beginSignIn(site: Site): Promise<Begun>;
  /** @throws Failure `unauthorized` */
  signIn(finished: Finished): Promise<AccountRow>;
  beginRegistration(site: Site, name: string, invite: string | undefined): Promise<Begun>;
  /** The passkey of an account to be made. @throws Failure `bad_request` */
  register(
    finished: Finished,
  ): Promise<{ readonly name: string; readonly invite: string | undefined; passkey: Passkey }>;
  /** That it is still whoever has this account. */
  beginConfirm(site: Site, account: AccountRow): Promise<Begun>;
  /** @throws Failure `unauthorized` for a passkey that is none of this account */
  confirm(account: AccountRow, finished: Finished): Promise<void>;
  beginAdd(site: Site, account: AccountRow): Promise<Begun>;
  add(account: AccountRow, finished: Finished, name: string): Promise<AccountRow>;
};

export function createPasskeys({ accounts, ids }: { readonly accounts: Accounts; readonly ids: IdSource }): Passkeys {
  const ceremonies = createPending<Ceremony>({ ...ids, max: CEREMONIES_MAX, lastsMs: CEREMONY_MS });

  async function beginMaking(
    site: Site,
    name: string,
    about:
      | { readonly kind: 'register'; readonly invite: string | undefined; readonly name: string }
      | { readonly kind: 'add'; readonly account: string },
    known: readonly Passkey[],
  ): Promise<Begun> {
    const { generateRegistrationOptions } = await webauthn();
    const options = await generateRegistrationOptions({
      rpName: 'MarkCo',
      rpID: site.rpId,
      userName: name,
      userDisplayName: name,
      timeout: CEREMONY_MS,
      excludeCredentials: known.map(({ id, transports }) => ({ id, transports })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    const ceremonyId = ceremonies.put({ ...about, site, challenge: options.challenge });
    return { ceremonyId, options: { ...options } };
  }

  function taken<K extends Ceremony['kind']>(kind: K, id: string): Extract<Ceremony, { kind: K }> {
    const ceremony = ceremonies.take(id);
    if (ceremony?.kind !== kind)
      throw new Failure('bad_request', 'This took too long, or was answered before. Try again.');
    return ceremony as Extract<Ceremony, { kind: K }>;
  }

  async function made(
    { site, challenge }: Ceremony,
    response: Record<string, unknown>,
    name: string,
  ): Promise<Passkey> {
    const { verifyRegistrationResponse } = await webauthn();
    const checked = await verifyRegistrationResponse({
      response: response as unknown as RegistrationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.rpId,
      requireUserVerification: true,
    }).catch((cause: unknown) => {
      throw new Failure('bad_request', 'This passkey could not be checked. Nothing was changed; try again.', {
        cause,
      });
    });
    if (!checked.verified)
      throw new Failure('bad_request', 'This passkey is not good. Nothing was changed; try again.');
    const { id, publicKey, counter, transports } = checked.registrationInfo.credential;
    return {
      ...{ id, counter, name, rpId: site.rpId, createdAt: ids.now() },
      publicKey: Buffer.from(publicKey).toString('base64url'),
      transports: transports ?? [],
    };
  }

  /** Whose passkey has answered. @throws Failure `unauthorized` */
  async function used({ site, challenge }: Ceremony, response: Record<string, unknown>): Promise<AccountRow> {
    const unknown = (cause?: unknown): Failure =>
      new Failure('unauthorized', 'This passkey is not one of this cloud. Choose another, or another way to sign in.', {
        cause,
      });
    const id = String(response['id']);
    const account = accounts.withPasskey(id);
    const passkey = account?.passkeys.find((each) => each.id === id);
    if (account === undefined || passkey === undefined) throw unknown();
    const { verifyAuthenticationResponse } = await webauthn();
    const checked = await verifyAuthenticationResponse({
      response: response as unknown as AuthenticationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.rpId,
      credential: {
        ...{ id, counter: passkey.counter, transports: passkey.transports },
        publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
      },
      requireUserVerification: true,
    }).catch((cause: unknown) => {
      throw unknown(cause);
    });
    if (!checked.verified) throw unknown();
    const { newCounter: counter } = checked.authenticationInfo;
    return accounts.change(account.id, (now) => ({
      ...now,
      passkeys: now.passkeys.map((each) => (each.id === id ? { ...each, counter, usedAt: ids.now() } : each)),
    }));
  }

  return {
    async beginSignIn(site) {
      const { generateAuthenticationOptions } = await webauthn();
      const options = await generateAuthenticationOptions({
        rpID: site.rpId,
        timeout: CEREMONY_MS,
        userVerification: 'required',
      });
      const ceremonyId = ceremonies.put({ kind: 'sign-in', site, challenge: options.challenge });
      return { ceremonyId, options: { ...options } };
    },
    async beginConfirm(site, account) {
      const { generateAuthenticationOptions } = await webauthn();
      const options = await generateAuthenticationOptions({
        ...{ rpID: site.rpId, timeout: CEREMONY_MS, userVerification: 'required' },
        allowCredentials: account.passkeys.map(({ id, transports }) => ({ id, transports })),
      });
      const ceremonyId = ceremonies.put({ kind: 'confirm', account: account.id, site, challenge: options.challenge });
      return { ceremonyId, options: { ...options } };
    },
    async confirm({ id }, { ceremonyId, response }) {
      const ceremony = taken('confirm', ceremonyId);
      if (ceremony.account !== id || accounts.withPasskey(String(response['id']))?.id !== id)
        throw new Failure('unauthorized', 'This passkey is not one of this account. Choose another one.');
      await used(ceremony, response);
    },
    signIn: async ({ ceremonyId, response }) => used(taken('sign-in', ceremonyId), response),
    beginRegistration: (site, name, invite) => beginMaking(site, name, { kind: 'register', name, invite }, []),
    async register({ ceremonyId, response }) {
      const ceremony = taken('register', ceremonyId);
      return {
        ...{ name: ceremony.name, invite: ceremony.invite },
        passkey: await made(ceremony, response, `Passkey ${newId(ids).slice(-4)}`),
      };
    },
    beginAdd: (site, account) =>
      beginMaking(site, account.name, { kind: 'add', account: account.id }, account.passkeys),
    async add(account, { ceremonyId, response }, name) {
      const ceremony = taken('add', ceremonyId);
      if (ceremony.account !== account.id)
        throw new Failure('bad_request', 'This was begun by somebody else. Try again.');
      const passkey = await made(ceremony, response, name);
      return accounts.change(account.id, (now) => ({ ...now, passkeys: [...now.passkeys, passkey] }));
    },
  };
}
