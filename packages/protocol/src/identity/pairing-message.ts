/**
 * What is said while a new device is added, over a channel (Noise) that has proven both keys:
 *
 *   new device                               enrolling device
 *   start {by, nonce}                    →
 *                                        ←   share {nonce, share}
 *   answer {share, tag}                  →                            the one guess; right or wrong, the code is spent
 *                                        ←   confirm {tag}            both screens show words and symbols
 *   device {id, key, name, kind, os}     →                            the person is asked
 *                                        ←   log {entries}…           the last one with the certificate
 *
 * What protects what:
 *
 * 1. Noise hides everything from who carries it (a relay) and proves the two keys of this one channel.
 * 2. CPace proves that the two ends of this very channel know the code, because both proven keys are in it: somebody
 *    in between has two channels with two other keys, and no tag of one is good in the other. He has the one guess,
 *    and neither side has said anything about itself before its check of the other's tag.
 * 3. So the log and the certificate need no second encryption. They are signed anyway.
 * 4. The words on both screens are for the eyes: that the two devices on the table are the two that talk.
 */
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import * as z from 'zod/mini';
import { NameSchema } from '../entity/scalar.ts';
import type { Failure } from '../failure.ts';
import { DeviceIdSchema } from '../id.ts';
import { LIMITS } from '../limits.ts';
import { bytesSchema, decodeCanonical, opaqueSchema } from './canonical.ts';
import { DeviceKindSchema } from './caps.ts';
import { lvCat, SHARE_BYTES, TAG_BYTES } from './cpace.ts';
import { KeySchema } from './keys.ts';

export const PAIRING_VERSION = 1;
export const NONCE_BYTES = 16;

/** Which of the two secrets that are on the screen: that of the QR code, or the digits. */
const WaySchema = z.enum(['link', 'code']);
export type PairingWay = z.infer<typeof WaySchema>;

const NewDeviceSchema = z.strictObject({
  device: DeviceIdSchema,
  key: KeySchema,
  name: NameSchema,
  kind: DeviceKindSchema,
  os: z.string().check(z.maxLength(100)),
});
/** What a new device says of itself. The key is proven, the rest is for the person to judge. */
export type NewDevice = z.infer<typeof NewDeviceSchema>;

const PairingMessageSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('start'),
    version: z.literal(PAIRING_VERSION),
    by: WaySchema,
    nonce: bytesSchema(NONCE_BYTES),
  }),
  z.strictObject({ type: z.literal('share'), nonce: bytesSchema(NONCE_BYTES), share: bytesSchema(SHARE_BYTES) }),
  z.strictObject({ type: z.literal('answer'), share: bytesSchema(SHARE_BYTES), tag: bytesSchema(TAG_BYTES) }),
  z.strictObject({ type: z.literal('confirm'), tag: bytesSchema(TAG_BYTES) }),
  z.strictObject({ type: z.literal('device'), about: NewDeviceSchema }),
  z.strictObject({
    type: z.literal('log'),
    entries: z.array(opaqueSchema(LIMITS.entryBytesMax)).check(z.maxLength(LIMITS.logEntriesMax)),
    certificate: z.nullable(opaqueSchema(LIMITS.certificateBytesMax)),
  }),
  z.strictObject({ type: z.literal('refused'), why: z.enum(['wrong', 'used', 'expired', 'declined', 'failed']) }),
]);
export type PairingMessage = z.infer<typeof PairingMessageSchema>;

export function decodePairing(bytes: Uint8Array): PairingMessage | Failure {
  return decodeCanonical(PairingMessageSchema, bytes, LIMITS.pairingBytesMax, 'What the other device said');
}

/** Both keys, the enrolling device's first, and by which secret: what CPace binds the code to. */
export function channelOf(by: PairingWay, enrollerKey: Uint8Array, newKey: Uint8Array): Uint8Array {
  return lvCat(utf8ToBytes('markco/pair/v1'), utf8ToBytes(by), enrollerKey, newKey);
}

export function sidOf(newNonce: Uint8Array, enrollerNonce: Uint8Array): Uint8Array {
  return concatBytes(newNonce, enrollerNonce);
}
