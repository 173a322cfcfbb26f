/** Who may come in, put together: accounts, what they come with, and the routes and connections that ask. */
import {
  Failure,
  isGuest,
  type AGENT_ROUTES,
  type DeviceId,
  type DocumentId,
  type IdSource,
  type RouteName,
  type Subject,
  type UserId,
} from '@markco/protocol';
import type { Log } from '@markco/replica/documents/log';
import type { WebSocketConnection } from '@markco/replica/listen/connection';
import type { GuardParts } from '@markco/replica/listen/guard';
import type { CloudOnly, SomeHandlers } from '@markco/replica/listen/handlers';
import type { TicketsParts } from '@markco/replica/listen/tickets';
import { createDeletion } from '../deletion/deletion.ts';
import { openGone } from '../deletion/gone.ts';
import { deletionRoutes } from '../deletion/routes.ts';
import type { UserData } from '../deletion/user-data.ts';
import { shareRoutes, type ProjectsToShare } from '../shares/routes.ts';
import { openShares } from '../shares/shares.ts';
import type { SharedStore } from '@markco/replica/store/shared-store';
import type { Store } from '@markco/replica/store/store';
import { accountRoutes, letInRoutes } from '../routes/account.ts';
import { confirmRoutes } from '../routes/confirm.ts';
import { ownerRoutes } from '../routes/owner.ts';
import { signInRoutes } from '../routes/sign-in.ts';
import { openAccounts } from './accounts.ts';
import { createAgentTokens, type AgentTokens } from './agent-tokens.ts';
import { createDeviceRequests } from './device-requests.ts';
import { createDeviceTokens, type Proof } from './device-tokens.ts';
import { openInvites } from './invites.ts';
import { createLive } from './live.ts';
import { loadOwnerToken, makeOwnerToken } from './owner-token.ts';
import { createPasskeys } from './passkeys.ts';
import { createProviders, type ProviderSetting } from './providers.ts';
import { createRate } from './rate.ts';
import { openRows } from './rows.ts';
import { hashOf, openSessions } from './sessions.ts';
import { createStepUp } from './step-up.ts';
import { createAgain, createWho } from './who.ts';

/** Who came in and who was let in, for the log: ids and ways, no names, no secrets. */
export type Note = (event: string, fields: Readonly<Record<string, string | number>>) => void;

export type AdmissionSettings = {
  /** Who may make an account. */
  readonly registration: 'open' | 'invite';
  readonly providers: readonly ProviderSetting[];
};

export type AdmissionParts = AdmissionSettings & {
  /** For its owner alone. */
  readonly home: string;
  readonly store: Pick<Store, 'read' | 'range'>;
  /** Null where this process alone writes. */
  readonly shared: Pick<SharedStore, 'forget' | 'versions'> | null;
  readonly log: Pick<Log, 'writeIf'>;
  readonly ids: IdSource;
  /** What each person has here. */
  readonly projects: (userId: UserId) => ProjectsToShare;
  readonly textOf: (id: DocumentId) => Promise<string>;
  readonly textAt: (id: DocumentId, seq: number) => Promise<string>;
  /** What there is of a person beside their account. */
  readonly data: UserData;
  /** Who this cloud is, as a device and by name. */
  readonly self: DeviceId;
  readonly name: string;
  readonly version: string;
  /** By which it is reached. */
  readonly hosts: () => readonly string[];
  readonly onTrouble: (doing: string, cause: unknown) => void;
  readonly note: Note;
};

export type Admission = {
  /** Of whoever runs this cloud. */
  readonly token: string;
  readonly whose: GuardParts['whose'];
  readonly again: TicketsParts['again'];
  readonly limit: (name: RouteName, from: string) => void;
  readonly handlers: SomeHandlers<
    | Exclude<CloudOnly, keyof typeof AGENT_ROUTES | 'operator'>
    | 'signIn'
    | 'device'
    | 'shares'
    | 'share'
    | 'revokeShare'
    | 'suggestions'
  >;
  readonly agents: AgentTokens;
  /** The connection ends when what it was opened with does. */
  hold(connection: Pick<WebSocketConnection, 'onClose' | 'refuse'>, subject: Subject): void;
  /**
   * A device that says whose it is. One that came with a token of its own shows that it has the key.
   * @throws Failure `forbidden`, `unauthorized`
   */
  admitDevice(subject: Subject, userId: UserId, proof: Proof | undefined): Promise<void>;
  /** Another process has changed who may come in. */
  reload(): Promise<void>;
  close(): void;
};

const SWEEP_MS = 30_000;
/** How long a link may go on after its time is over, and how often it is looked what was deleted and is not gone. */
const OVER_MS = 2_000;
/** What somebody who guesses asks again and again, from one address. */
const TRIES_PER_MINUTE = 10;
const TRIES: ReadonlySet<RouteName> = new Set<RouteName>([
  'signIn',
  'passkeySignIn',
  'register',
  'providerSignIn',
  'confirm',
]);
/** What is remembered for whoever began it. */
const BEGINNINGS_PER_MINUTE = 30;
const BEGINNINGS: ReadonlySet<RouteName> = new Set<RouteName>([
  'beginPasskeySignIn',
  'beginRegistration',
  'beginProviderSignIn',
  'beginConfirm',
  'requestDevice',
]);
/** By one link, and from one address. */
const JOINS_PER_MINUTE = 20;
const TOO_OFTEN = 'Somebody at your address has tried to sign in too often. Wait a minute, then try again.';
const JOINED_TOO_OFTEN = 'This link was opened too often just now. Wait a minute, then try again.';

export async function openAdmission(parts: AdmissionParts): Promise<Admission> {
  const { store, log, ids, onTrouble } = parts;
  const live = createLive();
  const rows = await openRows({ log, shared: parts.shared });
  const accounts = await openAccounts({
    ...{ store, rows, ids },
    onGone: (name) => live.end(name, new Failure('unauthorized', 'This was changed elsewhere. Come in again.')),
    onDeleted: (account) => deletion.heard(account),
    requireFree(userId) {
      if (gone.isGoing(userId))
        throw new Failure(
          'not_ready',
          'What was here of you is just being deleted. This device tries again by itself.',
        );
    },
  });
  let token = await loadOwnerToken(parts.home, ids.randomBytes, (known) =>
    accounts.operator().revokedTokens.includes(hashOf(known)),
  );
  // Before sessions: whoever came by a link that is gone is told that it is.
  const shares = await openShares({ store, rows, ids, live });
  const sessions = await openSessions({ store, rows, ids, live, onTrouble });
  const gone = await openGone({ store, rows, now: ids.now });
  const invites = await openInvites({ store, rows, ids });
  const passkeys = createPasskeys({ accounts, ids });
  const providers = createProviders(parts.providers, ids);
  const deviceTokens = createDeviceTokens({ accounts, ids, names: parts.hosts, hadDevice: gone.hadDevice });
  const deviceRequests = createDeviceRequests({ accounts, ids });
  const who = createWho({ token: () => token, accounts, sessions, shares, deviceTokens });
  const requireFresh = createStepUp(sessions);
  const deletion = createDeletion({
    ...{ accounts, sessions, shares, gone, live, log, data: parts.data, now: ids.now, note: parts.note },
    shared: parts.shared,
  });
  const tries = createRate(TRIES_PER_MINUTE, ids.now, TOO_OFTEN);
  const beginnings = createRate(BEGINNINGS_PER_MINUTE, ids.now, TOO_OFTEN);
  const joins = createRate(JOINS_PER_MINUTE, ids.now, JOINED_TOO_OFTEN);
  const sweep = async (): Promise<void> => {
    await shares.sweep();
    await sessions.sweep();
  };
  await deletion.sweep().catch((cause: unknown) => onTrouble('taking out what accounts had that were deleted', cause));
  const timers = [
    setInterval(() => {
      sweep().catch((cause: unknown) => onTrouble('ending sessions that are over', cause));
    }, SWEEP_MS),
    setInterval(shares.endOver, OVER_MS),
    setInterval(() => {
      deletion.sweep().catch((cause: unknown) => onTrouble('taking out what accounts had that were deleted', cause));
    }, OVER_MS),
  ];
  for (const timer of timers) timer.unref();
  const shared = {
    ...parts,
    now: ids.now,
    accounts,
    sessions,
    invites,
    passkeys,
    deviceRequests,
    deviceTokens,
    live,
    shares,
    requireFresh,
    deletion,
    who,
  };

  return {
    token,
    whose: who,
    again: createAgain({ accounts, sessions }),
    agents: createAgentTokens(shared),
    limit(name, from) {
      if (TRIES.has(name)) tries.take(from);
      if (BEGINNINGS.has(name)) beginnings.take(from);
      if (name === 'join') joins.take(`from ${from}`);
    },
    handlers: {
      ...signInRoutes({ ...shared, providers }),
      ...confirmRoutes(shared),
      ...deletionRoutes(shared),
      ...accountRoutes(shared),
      ...letInRoutes(shared),
      ...shareRoutes({ ...shared, joins }),
      ...ownerRoutes({
        ...shared,
        tokenHash: () => hashOf(token),
        async replaceToken() {
          token = await makeOwnerToken(parts.home, ids.randomBytes);
          return token;
        },
      }),
    },
    hold(connection, subject) {
      if (subject.role === 'device') return;
      const names = isGuest(subject) ? [`share ${subject.share}`] : [`account ${subject.account}`];
      if (subject.role === 'agent') names.push(`agent ${subject.agent}`);
      else if (subject.session !== undefined) names.push(`session ${subject.session}`);
      if (subject.role === 'owner' && subject.device !== undefined) names.push(`device ${subject.device}`);
      connection.onClose(live.hold(names, connection));
    },
    async admitDevice(subject, userId, proof) {
      if (subject.role !== 'owner' || subject.session !== undefined || subject.account === undefined)
        throw new Failure('forbidden', 'A device comes with a token of its own: markco login URL');
      if (subject.device !== undefined) {
        if (proof === undefined) throw new Failure('unauthorized', 'This device has not shown that it has its key.');
        deviceTokens.requireProof(subject.device, proof);
      }
      const isOther = await accounts.claim(subject.account, userId);
      parts.note('account.device-came', { account: subject.account, userId });
      // Whoever is there still has nobody's documents; they come again and have these.
      if (isOther) live.end(`account ${subject.account}`, new Failure('not_ready', 'Your documents are here now.'));
    },
    reload: rows.reload,
    close() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}
