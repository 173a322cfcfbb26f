/**
 * The part of the route table that is about who may come in to a cloud: sign-in, sessions, passkeys, invites, and
 * devices that ask by a code. A device has none of it but the token.
 */
import * as z from 'zod/mini';
import { CountSchema, NameSchema, TimeSchema } from '../entity/scalar.ts';
import { UserIdSchema } from '../id.ts';
import { AGENT_ROUTES } from './agent-routes.ts';

const secret = z.string().check(z.minLength(1), z.maxLength(200));
/** 32 bytes, base64url. */
const key = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes in base64url'));
const signature = z.string().check(z.regex(/^[A-Za-z0-9_-]{86}$/, 'must be 64 bytes in base64url'));
const CEREMONY_CHARS_MAX = 32_768;
/** What the browser's part of a passkey ceremony says or is told: looked into by the library that made it. */
const ceremony = z
  .record(z.string(), z.unknown())
  .check(z.refine((value) => JSON.stringify(value).length <= CEREMONY_CHARS_MAX, 'is too large'));

const begun = z.strictObject({ ceremonyId: secret, options: ceremony });
const finished = { ceremonyId: secret, response: ceremony };
/** No copy is kept in this browser, and the session ends by itself after 12 hours. */
const onPublicComputer = { publicComputer: z.optional(z.boolean()) };

export const SignInWaysSchema = z.strictObject({
  /** Not without a name: browsers have passkeys for names with TLS, and for localhost, only. */
  passkey: z.boolean(),
  providers: z.array(z.strictObject({ id: secret, name: NameSchema })),
  /** Who may make an account: whoever comes, or whoever was invited. */
  registration: z.enum(['open', 'invite']),
});
export type SignInWays = z.infer<typeof SignInWaysSchema>;

export const SessionRowSchema = z.strictObject({
  id: z.string(),
  /** How it was begun: `passkey`, `token`, or the name of a provider. */
  with: z.string(),
  /** `Firefox on Linux`, as far as the browser says so. */
  browser: z.string(),
  publicComputer: z.boolean(),
  createdAt: TimeSchema,
  seenAt: TimeSchema,
  endsAt: TimeSchema,
  /** It is the one that asks. */
  current: z.boolean(),
});
export type SessionRow = z.infer<typeof SessionRowSchema>;

export const AccountSchema = z.strictObject({
  id: z.string(),
  name: NameSchema,
  userId: UserIdSchema,
  /** Whether a device has said whose devices they are. */
  hasDevices: z.boolean(),
  /** May invite. */
  operates: z.boolean(),
  publicComputer: z.boolean(),
  passkeys: z.array(
    z.strictObject({ id: z.string(), name: NameSchema, createdAt: TimeSchema, usedAt: z.optional(TimeSchema) }),
  ),
  /** Accounts elsewhere that this one is signed in with. */
  identities: z.array(z.strictObject({ id: z.string(), provider: z.string(), address: z.string() })),
  /** Devices that were let in by a code. */
  devices: z.array(z.strictObject({ id: z.string(), name: NameSchema, createdAt: TimeSchema })),
});
export type Account = z.infer<typeof AccountSchema>;

/** What an account has at this cloud, counted. */
export const AccountContentsSchema = z.strictObject({
  projects: CountSchema,
  documents: CountSchema,
  /** Projects that are public. */
  published: CountSchema,
  shares: CountSchema,
  /** Devices that a code let in. */
  devices: CountSchema,
  agents: CountSchema,
  sessions: CountSchema,
});
export type AccountContents = z.infer<typeof AccountContentsSchema>;

export const DeviceRequestSchema = z.strictObject({
  name: NameSchema,
  /** The address that it asks from. */
  from: z.string(),
  /** Of its key; it shows the same. */
  fingerprint: z.string(),
  askedAt: TimeSchema,
  endsAt: TimeSchema,
});
export type DeviceRequest = z.infer<typeof DeviceRequestSchema>;

export const DeviceTokenSchema = z.strictObject({ token: secret, endsAt: TimeSchema });

/** An account of a cloud, as whoever runs that sees it. */
export const ListedAccountSchema = z.strictObject({
  id: z.string(),
  name: NameSchema,
  createdAt: TimeSchema,
  /** It runs the cloud. */
  operates: z.boolean(),
});
export type ListedAccount = z.infer<typeof ListedAccountSchema>;

export const ACCOUNT_ROUTES = {
  signInWays: { method: 'GET', path: '/api/sign-in', status: 200, open: true, answer: SignInWaysSchema },
  signOut: { method: 'DELETE', path: '/api/session', status: 204 },
  beginPasskeySignIn: { method: 'POST', path: '/api/sign-in/passkey/begin', status: 200, open: true, answer: begun },
  passkeySignIn: {
    method: 'POST',
    path: '/api/sign-in/passkey',
    body: z.strictObject({ ...finished, ...onPublicComputer }),
    status: 204,
    open: true,
  },
  beginRegistration: {
    method: 'POST',
    path: '/api/register/begin',
    body: z.strictObject({ name: NameSchema, invite: z.optional(secret) }),
    status: 200,
    open: true,
    answer: begun,
  },
  /** A new account with its first passkey; signed in with it. */
  register: { method: 'POST', path: '/api/register', body: z.strictObject(finished), status: 204, open: true },
  /** Where to go to sign in elsewhere; what comes back from there is for `providerSignIn`. */
  beginProviderSignIn: {
    method: 'POST',
    path: '/api/sign-in/with/:provider/begin',
    body: z.strictObject({
      invite: z.optional(secret),
      addToAccount: z.optional(z.boolean()),
      /** Only shows that it is still whoever is signed in. */
      confirm: z.optional(z.boolean()),
      ...onPublicComputer,
    }),
    status: 200,
    open: true,
    answer: z.strictObject({ url: z.url() }),
  },
  providerSignIn: {
    method: 'POST',
    path: '/api/sign-in/with/:provider',
    body: z.strictObject({ search: z.string().check(z.maxLength(8_192)) }),
    status: 200,
    open: true,
    answer: z.strictObject({ added: z.boolean() }),
  },

  account: { method: 'GET', path: '/api/account', status: 200, answer: AccountSchema },
  accountSessions: {
    method: 'GET',
    path: '/api/account/sessions',
    status: 200,
    answer: z.strictObject({ sessions: z.array(SessionRowSchema) }),
  },
  /** That it is still whoever is signed in, for what takes that (`confirm_first`): good for five minutes. */
  beginConfirm: { method: 'POST', path: '/api/account/confirm/begin', status: 200, answer: begun },
  /** By a passkey of the account, or the token of the cloud. */
  confirm: {
    method: 'POST',
    path: '/api/account/confirm',
    body: z.union([z.strictObject(finished), z.strictObject({ token: secret })]),
    status: 204,
  },
  /** What goes with the account. */
  accountContents: { method: 'GET', path: '/api/account/contents', status: 200, answer: AccountContentsSchema },
  /** For ever. `name`: that of the account, as somebody has typed it. */
  deleteAccount: {
    method: 'POST',
    path: '/api/account/delete',
    body: z.strictObject({ name: z.string().check(z.maxLength(1_000)) }),
    status: 204,
  },
  /** All but the one that asks. */
  endSessions: { method: 'DELETE', path: '/api/account/sessions', status: 204 },
  endSession: { method: 'DELETE', path: '/api/account/sessions/:session', status: 204 },
  beginPasskey: { method: 'POST', path: '/api/account/passkeys/begin', status: 200, answer: begun },
  addPasskey: {
    method: 'POST',
    path: '/api/account/passkeys',
    body: z.strictObject(finished),
    status: 201,
    answer: AccountSchema,
  },
  removePasskey: { method: 'DELETE', path: '/api/account/passkeys/:passkey', status: 204 },
  removeIdentity: { method: 'DELETE', path: '/api/account/identities/:identity', status: 204 },

  /** What a device asks by the code that it shows. */
  deviceRequest: {
    method: 'GET',
    path: '/api/account/device-requests/:code',
    status: 200,
    answer: DeviceRequestSchema,
  },
  approveDeviceRequest: { method: 'POST', path: '/api/account/device-requests/:code', status: 204 },
  declineDeviceRequest: { method: 'DELETE', path: '/api/account/device-requests/:code', status: 204 },
  removeAccountDevice: { method: 'DELETE', path: '/api/account/devices/:device', status: 204 },

  /** A device without a token: somebody who is signed in lets it in by the code. */
  requestDevice: {
    method: 'POST',
    path: '/api/device-requests',
    body: z.strictObject({ name: NameSchema, key }),
    status: 201,
    open: true,
    answer: z.strictObject({
      requestId: secret,
      /** `BCDF-GHJK`. */
      code: z.string(),
      fingerprint: z.string(),
      endsAt: TimeSchema,
    }),
  },
  /** Answers once somebody has decided, or after some seconds that nobody has yet. */
  deviceRequestState: {
    method: 'GET',
    path: '/api/device-requests/:request',
    status: 200,
    open: true,
    answer: z.strictObject({ state: z.enum(['waiting', 'approved', 'declined']) }),
  },
  deviceChallenge: {
    method: 'POST',
    path: '/api/device-token/challenge',
    status: 200,
    open: true,
    answer: z.strictObject({ challenge: secret }),
  },
  /** A token of ten minutes for whoever has the key of a device that was let in. */
  deviceToken: {
    method: 'POST',
    path: '/api/device-token',
    body: z.strictObject({ key, challenge: secret, signature }),
    status: 200,
    open: true,
    answer: DeviceTokenSchema,
  },

  invites: {
    method: 'GET',
    path: '/api/invites',
    status: 200,
    answer: z.strictObject({
      invites: z.array(z.strictObject({ id: z.string(), createdAt: TimeSchema, endsAt: TimeSchema })),
      accounts: CountSchema,
    }),
  },
  /** For one account, within a week. */
  invite: {
    method: 'POST',
    path: '/api/invites',
    status: 201,
    answer: z.strictObject({ id: z.string(), code: secret, endsAt: TimeSchema }),
  },
  /** For the machine that the cloud runs on, as the next one: they take its token, and no session. */
  cloudAccounts: {
    method: 'GET',
    path: '/api/cloud-owner',
    status: 200,
    answer: z.strictObject({ accounts: z.array(ListedAccountSchema) }),
  },
  /** Another account runs the cloud from now on. The token of the cloud is another one, which is told this once. */
  handOverCloud: {
    method: 'POST',
    path: '/api/cloud-owner',
    body: z.strictObject({
      account: secret,
      /** The account that has run it until now goes, with all that it has here. */
      deletesOwn: z.optional(z.boolean()),
    }),
    status: 200,
    answer: z.strictObject({ token: secret }),
  },
  withdrawInvite: { method: 'DELETE', path: '/api/invites/:invite', status: 204 },
  ...AGENT_ROUTES,
} as const;
