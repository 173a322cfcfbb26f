/**
 * Keys and signatures (Ed25519, RFC 8032). A device's key is its PeerId: a libp2p PeerId of such a key is the key
 * itself in another spelling. The user's root key signs nothing but the user's log.
 *
 * 1. A signature is for one purpose: what is signed begins with `markco/NAME/v1`, so that no certificate is ever
 *    taken for a grant. No name is the beginning of another, and a canonical map follows it: the two cannot be
 *    divided differently.
 * 2. A signed thing is `signature[64] ‖ body`; its hash is that of the body, so that a second signature under the
 *    same body makes no second thing.
 * 3. Verification is strict: no key of small order, no second form of a signature.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import type * as z from 'zod/mini';
import { Failure } from '../failure.ts';
import { bytesSchema, decodeCanonical, encodeCanonical, sameBytes } from './canonical.ts';

const SIGNATURE_BYTES = 64;

export const KeySchema = bytesSchema(32);

/** What signatures and hashes are for. */
export type Purpose = 'userlog' | 'rootkey' | 'devcert' | 'rungrant' | 'waitgrant';

/** Something that signs and keeps its secret to itself: a key in memory, or one in the system's keystore. */
export type Signer = { readonly publicKey: Uint8Array; sign(message: Uint8Array): Uint8Array };

/** `secretKey`: 32 bytes of good randomness, or those of a recovery phrase. */
export function signerOf(secretKey: Uint8Array): Signer {
  const { publicKey } = ed25519.keygen(secretKey);
  return { publicKey, sign: (message) => ed25519.sign(message, secretKey) };
}

const prefixed = (purpose: Purpose, body: Uint8Array): Uint8Array =>
  concatBytes(utf8ToBytes(`markco/${purpose}/v1`), body);

/** `value` in its canonical form, signed: what travels and what is kept. */
export function seal(purpose: Purpose, value: unknown, signer: Signer): Uint8Array {
  const body = encodeCanonical(value);
  return concatBytes(signer.sign(prefixed(purpose, body)), body);
}

/** Signs in its own time, and shows its secret to nobody: a key of a browser. */
export type SignLater = (message: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

/** As `seal`. */
export async function sealLater(purpose: Purpose, value: unknown, sign: SignLater): Promise<Uint8Array> {
  const body = encodeCanonical(value);
  return concatBytes(await sign(new Uint8Array(prefixed(purpose, body))), body);
}

/** Whether a signature is one of a message by a key, strictly. */
export type Verify = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

export type Sealed<T> = {
  readonly value: T;
  readonly hash: string;
  /** @param verify where the system does that faster. What was found to be so once is not looked at again. */
  isSignedBy(publicKey: Uint8Array, verify?: Verify): boolean;
};

/** Reads what was sealed. Who signed it is another question: `isSignedBy`. */
export function unseal<T>(
  purpose: Purpose,
  schema: z.ZodMiniType<T>,
  bytes: Uint8Array,
  bytesMax: number,
  what: string,
): Sealed<T> | Failure {
  const signature = bytes.slice(0, SIGNATURE_BYTES);
  const body = bytes.slice(SIGNATURE_BYTES);
  const value = decodeCanonical(schema, body, bytesMax - SIGNATURE_BYTES, what);
  if (value instanceof Failure) return value;
  let signer: Uint8Array | null = null;
  let hash: string | undefined;
  return {
    value,
    get hash() {
      return (hash ??= hashOf(purpose, body));
    },
    isSignedBy(publicKey, verify = isSignature) {
      if (signer !== null && sameBytes(signer, publicKey)) return true;
      if (!verify(signature, prefixed(purpose, body), publicKey)) return false;
      signer = publicKey.slice();
      return true;
    },
  };
}

/** SHA-256 for one purpose, 64 hexadecimal digits. */
export function hashOf(purpose: Purpose, bytes: Uint8Array): string {
  return bytesToHex(sha256(prefixed(purpose, bytes)));
}

/** What certificates name a root key by: whoever does not know it already learns nothing from it. */
export function rootHashOf(rootKey: Uint8Array): string {
  return hashOf('rootkey', rootKey);
}

function isSignature(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}
