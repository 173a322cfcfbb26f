/**
 * An account as it is kept: a person who may come in, with what they come with. One row each.
 *
 * No row has a secret in it: of a passkey and of a device there is the public key, and a session and a plain agent are
 * known by the hash of their token.
 */
import { DeviceIdSchema, UserIdSchema } from '@markco/protocol';
import * as z from 'zod/mini';

const text = z.string().check(z.maxLength(2_048));

export const AccountRowSchema = z.object({
  id: text,
  /** Whose documents it has: the user of its devices, or a fresh one while it has none. */
  userId: UserIdSchema,
  /** A device has said whose devices they are; no other user's come in from then on. */
  isClaimed: z.boolean(),
  name: text,
  /** May say who else has an account. */
  operates: z.boolean(),
  /** Of one that operates: hashes of tokens that the cloud has had, which are worth nothing any more. */
  revokedTokens: z._default(z.array(text), []),
  createdAt: z.number(),
  passkeys: z.array(
    z.object({
      id: text,
      publicKey: text,
      counter: z.number(),
      transports: z.array(text),
      /** The name of this cloud under which the browser made it. */
      rpId: text,
      name: text,
      createdAt: z.number(),
      usedAt: z.optional(z.number()),
    }),
  ),
  identities: z.array(
    z.object({ id: text, issuer: text, subject: text, provider: text, address: text, createdAt: z.number() }),
  ),
  /** Let in by a code; `key`: base64url. */
  devices: z.array(z.object({ id: text, key: text, name: text, createdAt: z.number() })),
  /** Plain agents; of the token of each there is the hash. */
  agents: z._default(z.array(z.object({ id: DeviceIdSchema, hash: text, name: text, createdAt: z.number() })), []),
});
export type AccountRow = z.infer<typeof AccountRowSchema>;
export type Passkey = AccountRow['passkeys'][number];

export const ACCOUNTS_MAX = 10_000;
const PASSKEYS_MAX = 20;
const IDENTITIES_MAX = 10;
const DEVICES_MAX = 200;
const AGENTS_MAX = 20;

/** Why such an account cannot be kept, or undefined. */
export function tooMany({ passkeys, identities, devices, agents }: AccountRow): string | undefined {
  if (passkeys.length > PASSKEYS_MAX) return `An account has at most ${PASSKEYS_MAX} passkeys. Remove one first.`;
  if (identities.length > IDENTITIES_MAX)
    return `An account is signed in with at most ${IDENTITIES_MAX} others. Remove one first.`;
  if (devices.length > DEVICES_MAX) return `An account lets in at most ${DEVICES_MAX} devices. Remove one first.`;
  if (agents.length > AGENTS_MAX) return `An account has at most ${AGENTS_MAX} plain agents. Remove one first.`;
  return undefined;
}
