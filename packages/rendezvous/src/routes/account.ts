/** A person's own account: what they sign in with, where they are signed in, and the devices that a code let in. */
import { Failure, type Account, type DeviceId } from '@markco/protocol';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { AccountRow } from '../accounts/account-row.ts';
import type { Note } from '../accounts/admission.ts';
import type { Accounts } from '../accounts/accounts.ts';
import { browserName } from '../accounts/browser-name.ts';
import type { DeviceRequests } from '../accounts/device-requests.ts';
import type { DeviceTokens } from '../accounts/device-tokens.ts';
import type { Invites } from '../accounts/invites.ts';
import type { Live } from '../accounts/live.ts';
import type { Passkeys } from '../accounts/passkeys.ts';
import { endOf, type Sessions } from '../accounts/sessions.ts';
import { signedIn, type SignedIn } from '../accounts/signed-in.ts';
import type { RequireFresh } from '../accounts/step-up.ts';
import { siteOf } from './sign-in.ts';

export type AccountRoutesParts = {
  readonly self: DeviceId;
  readonly name: string;
  readonly version: string;
  readonly now: () => number;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly invites: Invites;
  readonly passkeys: Passkeys;
  readonly deviceRequests: DeviceRequests;
  readonly deviceTokens: DeviceTokens;
  readonly live: Pick<Live, 'end'>;
  readonly note: Note;
  readonly requireFresh: RequireFresh;
};

const time = (at: number): string => new Date(at).toISOString();

export function accountRoutes(
  parts: AccountRoutesParts,
): SomeHandlers<
  | 'device'
  | 'account'
  | 'accountSessions'
  | 'endSessions'
  | 'endSession'
  | 'beginPasskey'
  | 'addPasskey'
  | 'removePasskey'
  | 'removeIdentity'
> {
  const { self, name, version, now, accounts, sessions, passkeys } = parts;
  const startedAt = time(now());
  const mine = (subject: Parameters<typeof signedIn>[1]): SignedIn => signedIn(accounts, subject);
  /** For what takes that they have shown just now that it is them. */
  function fresh(subject: Parameters<typeof signedIn>[1]): SignedIn {
    const found = mine(subject);
    parts.requireFresh(found.person);
    return found;
  }

  const shown = ({ account, person }: SignedIn): Account => ({
    ...{ id: account.id, name: account.name, userId: account.userId, hasDevices: account.isClaimed },
    operates: person.operates,
    publicComputer: !person.enrols,
    passkeys: account.passkeys.map(({ id, name: passkey, createdAt, usedAt }) => ({
      ...{ id, name: passkey, createdAt: time(createdAt) },
      ...(usedAt === undefined ? {} : { usedAt: time(usedAt) }),
    })),
    identities: account.identities.map(({ id, provider, address }) => ({ id, provider, address })),
    devices: account.devices.map(({ id, name: device, createdAt }) => ({
      ...{ id, name: device, createdAt: time(createdAt) },
    })),
  });

  /** @throws Failure `not_found` when nothing is left out, `conflict` when nobody could sign in any more */
  async function leaveOut(account: AccountRow, change: (account: AccountRow) => AccountRow): Promise<void> {
    const count = ({ passkeys: keys, identities }: AccountRow): number => keys.length + identities.length;
    await accounts.change(account.id, (before) => {
      const after = change(before);
      if (count(after) === count(before)) throw new Failure('not_found', 'There is no such way to sign in here.');
      if (count(after) === 0 && !before.operates)
        throw new Failure('conflict', 'This is your only way to sign in. Add another one first.');
      return after;
    });
  }

  return {
    device({ subject }) {
      const { account } = mine(subject);
      const { userId } = account;
      return {
        device: {
          ...{ id: self, userId, kind: 'server-agent', name, appVersion: version, status: 'online' },
          ...{ lastSeenAt: time(now()), createdAt: startedAt },
        },
        user: { id: userId, email: 'user@localhost', plan: 'free', createdAt: startedAt },
        ...{ version, runtimes: [], home: '' },
      };
    },
    account: ({ subject }) => shown(mine(subject)),
    accountSessions({ subject }) {
      const { account, person } = mine(subject);
      return {
        sessions: sessions.list(account.id).map((session) => ({
          ...{ id: session.id, with: session.with, browser: session.browser, publicComputer: session.isPublic },
          ...{ createdAt: time(session.createdAt), seenAt: time(session.seenAt), endsAt: time(endOf(session)) },
          current: session.id === person.session,
        })),
      };
    },
    async endSessions({ subject }) {
      const { account, person } = mine(subject);
      for (const { id } of sessions.list(account.id)) if (id !== person.session) await sessions.end(id);
      return undefined;
    },
    async endSession({ subject, params }) {
      const session = sessions.list(mine(subject).account.id).find(({ id }) => id === params['session']);
      if (session === undefined) throw new Failure('not_found', 'There is no such session here.');
      await sessions.end(session.id);
      parts.note('account.session-ended', { account: session.account, session: session.id });
      return undefined;
    },
    beginPasskey: ({ subject, request }) => passkeys.beginAdd(siteOf(request), fresh(subject).account),
    async addPasskey({ subject, request, body }) {
      const { account, person } = mine(subject);
      const made = browserName(request.headers.get('user-agent'));
      const after = await passkeys.add(account, body, made);
      parts.note('account.passkey-added', { account: account.id });
      return shown({ person, account: after });
    },
    async removePasskey({ subject, params }) {
      await leaveOut(fresh(subject).account, (account) => ({
        ...account,
        passkeys: account.passkeys.filter(({ id }) => id !== params['passkey']),
      }));
      parts.note('account.passkey-removed', { account: mine(subject).account.id });
      return undefined;
    },
    async removeIdentity({ subject, params }) {
      await leaveOut(fresh(subject).account, (account) => ({
        ...account,
        identities: account.identities.filter(({ id }) => id !== params['identity']),
      }));
      parts.note('account.identity-removed', { account: mine(subject).account.id });
      return undefined;
    },
  };
}

/** Devices that come in by a code, and invites for people. */
export function letInRoutes({
  accounts,
  invites,
  deviceRequests,
  deviceTokens,
  live,
  note,
  requireFresh,
}: AccountRoutesParts): SomeHandlers<
  | 'requestDevice'
  | 'deviceRequestState'
  | 'deviceChallenge'
  | 'deviceToken'
  | 'deviceRequest'
  | 'approveDeviceRequest'
  | 'declineDeviceRequest'
  | 'removeAccountDevice'
  | 'invites'
  | 'invite'
  | 'withdrawInvite'
> {
  const idOf = (subject: Parameters<typeof signedIn>[1]): string => signedIn(accounts, subject).account.id;
  return {
    requestDevice({ body, from }) {
      const asked = deviceRequests.ask(body.name, body.key, from);
      return { ...asked, endsAt: time(asked.endsAt) };
    },
    deviceRequestState: async ({ params, signal }) => ({
      state: await deviceRequests.state(params['request'] ?? '', signal),
    }),
    deviceChallenge: () => ({ challenge: deviceTokens.challenge() }),
    deviceToken({ body }) {
      const { token, endsAt } = deviceTokens.issue(body);
      return { token, endsAt: time(endsAt) };
    },
    deviceRequest({ subject, params, from }) {
      const asked = deviceRequests.look(params['code'] ?? '', idOf(subject), from);
      return { ...asked, askedAt: time(asked.askedAt), endsAt: time(asked.endsAt) };
    },
    async approveDeviceRequest({ subject, params, from }) {
      requireFresh(signedIn(accounts, subject).person);
      const account = idOf(subject);
      const { devices } = await deviceRequests.approve(params['code'] ?? '', account, from);
      note('account.device-let-in', { account, device: devices.at(-1)?.id ?? '' });
      return undefined;
    },
    declineDeviceRequest({ subject, params, from }) {
      deviceRequests.decline(params['code'] ?? '', idOf(subject), from);
      note('account.device-declined', { account: idOf(subject) });
      return undefined;
    },
    async removeAccountDevice({ subject, params }) {
      const id = params['device'];
      await accounts.change(idOf(subject), (account) => {
        if (!account.devices.some((device) => device.id === id))
          throw new Failure('not_found', 'There is no such device here.');
        return { ...account, devices: account.devices.filter((device) => device.id !== id) };
      });
      note('account.device-taken-out', { account: idOf(subject), device: id ?? '' });
      live.end(`device ${id}`, new Failure('unauthorized', 'This cloud does not let this device in any more.'));
      return undefined;
    },
    invites: () => ({
      invites: invites
        .list()
        .map(({ id, createdAt, endsAt }) => ({ id, createdAt: time(createdAt), endsAt: time(endsAt) })),
      accounts: accounts.count,
    }),
    async invite() {
      const made = await invites.make();
      note('account.invite-made', { invite: made.id });
      return { ...made, endsAt: time(made.endsAt) };
    },
    async withdrawInvite({ params }) {
      await invites.withdraw(params['invite'] ?? '');
      return undefined;
    },
  };
}
