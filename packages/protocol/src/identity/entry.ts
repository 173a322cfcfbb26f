/**
 * One entry of a user's log: who says what, after having seen what.
 *
 * 1. `author` is the root key or a device; its entries are a chain (`seq`, `prev`).
 * 2. `deps` are the heads of the log that the author knew. What an entry saw (its past) is everything reached by
 *    `deps` and `prev`, so it is signed with the entry and can never be told otherwise.
 * 3. An entry is named by the hash of its body: to know a hash is to know everything below it.
 */
import * as z from 'zod/mini';
import { Failure } from '../failure.ts';
import { NameSchema } from '../entity/scalar.ts';
import { DeviceIdSchema, UserIdSchema, type DeviceId } from '../id.ts';
import { LIMITS } from '../limits.ts';
import { CapsSchema, DeviceKindSchema } from './caps.ts';
import { KeySchema, seal, unseal, type Signer } from './keys.ts';

declare const brand: unique symbol;
export type EntryId = string & { readonly [brand]: 'EntryId' };

export const EntryIdSchema = z.string().check(z.regex(/^[0-9a-f]{64}$/)) as unknown as z.ZodMiniType<EntryId, string>;

const EntryBodySchema = z.discriminatedUnion('type', [
  /** The first entry of every log, and of no other place in it. */
  z.strictObject({ type: z.literal('root'), user: UserIdSchema, key: KeySchema }),
  z.strictObject({
    type: z.literal('addDevice'),
    device: DeviceIdSchema,
    key: KeySchema,
    name: NameSchema,
    kind: DeviceKindSchema,
    caps: CapsSchema,
  }),
  z.strictObject({
    type: z.literal('revokeDevice'),
    device: DeviceIdSchema,
    /**
     * The last entry of that device that still counts, null for none. By its hash, not only its number: a thief can
     * write another entry with an old number, but none with an old hash.
     */
    cut: z.nullable(EntryIdSchema),
    reason: z.string().check(z.maxLength(LIMITS.nameCharsMax)),
  }),
  /** Known, so that a log with them can be read; nothing is in them yet. */
  z.strictObject({ type: z.literal('setPolicy') }),
  z.strictObject({ type: z.literal('addRecovery') }),
  z.strictObject({ type: z.literal('rotateEpoch') }),
]);
export type EntryBody = z.infer<typeof EntryBodySchema>;

const AuthorSchema = z.union([z.literal('root'), DeviceIdSchema]);
export type Author = 'root' | DeviceId;

const EntryContentSchema = z.strictObject({
  author: AuthorSchema,
  seq: z.number().check(z.int(), z.minimum(0), z.maximum(LIMITS.logEntriesMax)),
  prev: z.nullable(EntryIdSchema),
  /** Sorted, each once. */
  deps: z.array(EntryIdSchema).check(
    z.maxLength(LIMITS.entryDepsMax),
    z.refine((deps) => deps.every((dep, index) => index === 0 || (deps[index - 1] ?? '') < dep)),
  ),
  body: EntryBodySchema,
});
export type EntryContent = z.infer<typeof EntryContentSchema>;

export type Entry = EntryContent & {
  readonly id: EntryId;
  /** As it travels and is kept. */
  readonly bytes: Uint8Array;
  isSignedBy(publicKey: Uint8Array): boolean;
};

/** An entry in a log: the additions in its past that made its author a device of the user. Empty for the root's. */
export type LogEntry = Entry & { readonly authority: readonly EntryId[] };

export function sealEntry(content: EntryContent, signer: Signer): Uint8Array {
  return seal('userlog', content, signer);
}

export function openEntry(bytes: Uint8Array): Entry | Failure {
  const sealed = unseal('userlog', EntryContentSchema, bytes, LIMITS.entryBytesMax, 'An entry of the log');
  if (sealed instanceof Failure) return sealed;
  return { ...sealed.value, id: sealed.hash as EntryId, bytes: bytes.slice(), isSignedBy: sealed.isSignedBy };
}
