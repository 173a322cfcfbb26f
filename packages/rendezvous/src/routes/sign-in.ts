/** How somebody comes in: by the token of the cloud, a passkey, or an account elsewhere. */
import { Failure, newId, type IdSource, type Person } from '@markco/protocol';
import { SESSION_COOKIE } from '@markco/replica/listen/guard';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { AccountRow } from '../accounts/account-row.ts';
import type { Note } from '../accounts/admission.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Invites } from '../accounts/invites.ts';
import type { Passkeys, Site } from '../accounts/passkeys.ts';
import type { Identified, Providers } from '../accounts/providers.ts';
import type { Session, Sessions } from '../accounts/sessions.ts';
import { cookieOf, setCookie, signedIn, signIn } from '../accounts/signed-in.ts';
import type { RequireFresh } from '../accounts/step-up.ts';
import type { createWho } from '../accounts/who.ts';

export type SignInRoutesParts = {
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly invites: Invites;
  readonly passkeys: Passkeys;
  readonly providers: Providers;
  readonly registration: 'open' | 'invite';
  readonly who: ReturnType<typeof createWho>;
  readonly ids: IdSource;
  readonly note: Note;
  readonly requireFresh: RequireFresh;
};

/** Of the browser that began a sign-in elsewhere, for as long as that may take. */
const BINDING_COOKIE = 'sign_in_binding';
const BINDING_SECONDS = 600;

export function signInRoutes({
  accounts,
  sessions,
  invites,
  passkeys,
  providers,
  registration,
  who,
  ids,
  note,
  requireFresh,
}: SignInRoutesParts): SomeHandlers<
  | 'signIn'
  | 'signOut'
  | 'signInWays'
  | 'beginPasskeySignIn'
  | 'passkeySignIn'
  | 'beginRegistration'
  | 'register'
  | 'beginProviderSignIn'
  | 'providerSignIn'
> {
  const begin = async (
    request: Request,
    account: AccountRow,
    how: Session['with'],
    isPublic = false,
  ): Promise<Response> => {
    const about = { account: account.id, isPublic, with: how };
    const headers = [await signIn(sessions, request, about)];
    note('account.signed-in', { account: account.id, with: how });
    return new Response(null, { status: 204, headers });
  };

  function personHere(request: Request): Person | undefined {
    const found = who(cookieOf(request, SESSION_COOKIE) ?? '', 'cookie');
    return found?.role === 'owner' ? found : undefined;
  }

  function requireInvite(invite: string | undefined): void {
    if (registration === 'invite') invites.require(invite);
  }

  function create(
    name: string,
    invite: string | undefined,
    has: Partial<Pick<AccountRow, 'passkeys' | 'identities'>>,
  ): Promise<AccountRow> {
    const make = async (): Promise<AccountRow> => {
      const made = await accounts.create(name, has);
      note('account.made', { account: made.id });
      return made;
    };
    if (registration === 'open') return make();
    requireInvite(invite);
    return invites.use(invite ?? '', make);
  }

  const identityOf = (found: Identified): AccountRow['identities'][number] => {
    const { issuer, subject, provider, address } = found;
    return { id: newId(ids), issuer, subject, provider, address, createdAt: ids.now() };
  };

  async function accountOf(found: Identified, invite: string | undefined): Promise<AccountRow> {
    const known = accounts.withIdentity(found.issuer, found.subject);
    return known ?? create(found.name, invite, { identities: [identityOf(found)] });
  }

  return {
    async signIn({ subject, request, query }) {
      const { person, account } = signedIn(accounts, subject);
      if (person.device !== undefined) throw new Failure('forbidden', 'A device signs nobody in.');
      if (person.session !== undefined) return new Response(null, { status: 204 });
      return begin(request, account, 'token', query.publicComputer === '1');
    },
    async signOut({ subject, request }) {
      const { person } = signedIn(accounts, subject);
      if (person.session !== undefined) await sessions.end(person.session);
      return new Response(null, {
        status: 204,
        headers: { 'set-cookie': setCookie(request, SESSION_COOKIE, '', 0) },
      });
    },
    signInWays: ({ request }) => ({
      passkey: mayHavePasskeys(request),
      providers: [...providers.list()],
      registration,
    }),
    beginPasskeySignIn: ({ request }) => passkeys.beginSignIn(siteOf(request)),
    async passkeySignIn({ request, body }) {
      return begin(request, await passkeys.signIn(body), 'passkey', body.publicComputer);
    },
    beginRegistration({ request, body }) {
      requireInvite(body.invite);
      return passkeys.beginRegistration(siteOf(request), body.name, body.invite);
    },
    async register({ request, body }) {
      const { name, invite, passkey } = await passkeys.register(body);
      return begin(request, await create(name, invite, { passkeys: [passkey] }), 'passkey');
    },
    async beginProviderSignIn({ request, params, body }) {
      const mine = body.addToAccount === true || body.confirm === true ? personHere(request) : undefined;
      if (body.confirm === true && mine?.session === undefined) throw new Failure('unauthorized', 'Sign in first.');
      if (body.addToAccount === true) {
        if (mine?.enrols !== true) throw new Failure('unauthorized', 'Sign in first, on a computer of your own.');
        requireFresh(mine);
      }
      const { url, binding } = await providers.begin(params['provider'] ?? '', siteOf(request).origin, {
        publicComputer: body.publicComputer === true,
        ...(body.invite === undefined ? {} : { invite: body.invite }),
        ...(mine?.account === undefined || body.addToAccount !== true ? {} : { addTo: mine.account }),
        ...(mine?.session === undefined || body.confirm !== true ? {} : { confirms: mine.session }),
      });
      const cookie = setCookie(request, BINDING_COOKIE, binding, BINDING_SECONDS, '/api/sign-in');
      return Response.json({ url }, { headers: { 'set-cookie': cookie, 'cache-control': 'no-store' } });
    },
    async providerSignIn({ request, params, body }) {
      const binding = cookieOf(request, BINDING_COOKIE);
      const { who: found, purpose } = await providers.finish(params['provider'] ?? '', body.search, binding);
      const headers = new Headers({ 'cache-control': 'no-store' });
      headers.append('set-cookie', setCookie(request, BINDING_COOKIE, '', 0, '/api/sign-in'));
      if (purpose.confirms !== undefined) {
        const here = personHere(request);
        const its = accounts.withIdentity(found.issuer, found.subject);
        if (here?.session !== purpose.confirms || its === undefined || its.id !== here.account)
          throw new Failure('unauthorized', 'That is not who is signed in here. Nothing was changed.');
        await sessions.confirm(purpose.confirms);
        note('account.confirmed', { account: its.id, with: found.provider });
      } else if (purpose.addTo === undefined) {
        const account = await accountOf(found, purpose.invite);
        const about = { account: account.id, isPublic: purpose.publicComputer, with: found.provider };
        headers.append(...(await signIn(sessions, request, about)));
        note('account.signed-in', { account: account.id, with: found.provider });
      } else {
        // Whoever began it has to be signed in still.
        if (personHere(request)?.account !== purpose.addTo)
          throw new Failure('unauthorized', 'Sign in first, then add it again.');
        await accounts.change(purpose.addTo, (account) => ({
          ...account,
          identities: [...account.identities, identityOf(found)],
        }));
        note('account.identity-added', { account: purpose.addTo, with: found.provider });
      }
      return Response.json({ added: purpose.addTo !== undefined }, { headers });
    },
  };
}

/** The cloud as this browser has it: the guard has let its `Host` and its `Origin` through. */
export function siteOf(request: Request): Site {
  const host = request.headers.get('host') ?? '';
  const scheme = request.headers.get('x-forwarded-proto') === 'https' ? 'https' : 'http';
  const origin = request.headers.get('origin') ?? `${scheme}://${host}`;
  return { origin, rpId: new URL(`http://${host}`).hostname };
}

/** Browsers make none for a bare address. */
function mayHavePasskeys(request: Request): boolean {
  const { rpId } = siteOf(request);
  return rpId === 'localhost' || (!/^[\d.]+$/.test(rpId) && !rpId.startsWith('['));
}
