/**
 * CPace: two devices that know the same short code agree on a strong key; whoever does not know it gets one guess
 * for each run and learns nothing from listening.
 *
 * This is draft-irtf-cfrg-cpace-21, suite CPACE-RISTR255-SHA512, as it stands: the generator of §8.1 and §8.3, the
 * scalars of §8.3 (252 random bits), the exchange and ISK of §7.2 in the initiator-responder form (`transcript_ir`),
 * the abort on what does not decode and on the neutral element (§9), and the key confirmation of §10.4. A `sid` to
 * which both sides give randomness (§10.9) and the identities of both in `ci`, initiator first (§10.1), are for the
 * caller. Nothing here is kept or compared beyond one run.
 */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { Failure } from '../failure.ts';

const DSI = utf8ToBytes('CPaceRistretto255');
const DSI_ISK = utf8ToBytes('CPaceRistretto255_ISK');
const DSI_MAC = utf8ToBytes('CPaceMac');
const HASH_BLOCK_BYTES = 128;
export const SCALAR_BYTES = 32;
export const SHARE_BYTES = 32;
export const TAG_BYTES = 64;

export type CpaceRole = 'initiator' | 'responder';

export type CpaceInput = {
  /** The code or secret, as bytes. */
  readonly password: Uint8Array;
  readonly ci: Uint8Array;
  readonly sid: Uint8Array;
  /** 32 random bytes, never used again. */
  readonly randomScalar: Uint8Array;
};

export type CpaceKey = {
  /** ISK, 64 bytes. */
  readonly key: Uint8Array;
  /** What this side shows to prove that it has the key. */
  readonly tag: Uint8Array;
  isTagOfPeer(tag: Uint8Array): boolean;
};

export type Cpace = {
  readonly share: Uint8Array;
  /** `ad` is what goes with a share and is confirmed with it. */
  agree(
    role: CpaceRole,
    peerShare: Uint8Array,
    ad: { readonly own: Uint8Array; readonly peer: Uint8Array },
  ): CpaceKey | Failure;
};

export function startCpace({ password, ci, sid, randomScalar }: CpaceInput): Cpace {
  const generator = generatorOf(generatorString(password, ci, sid));
  const scalar = scalarOf(randomScalar);
  const share = generator.multiply(scalar).toBytes();
  return {
    share,
    agree(role, peerShare, ad) {
      const shared = sharedPoint(scalar, peerShare);
      if (shared === undefined)
        return new Failure('bad_request', 'The other device sent a key share that is none. Start the pairing again.');
      const own = lvCat(share, ad.own);
      const peer = lvCat(peerShare, ad.peer);
      const transcript = role === 'initiator' ? concatBytes(own, peer) : concatBytes(peer, own);
      const key = sha512(concatBytes(lvCat(DSI_ISK, sid, shared), transcript));
      const macKey = sha512(concatBytes(DSI_MAC, sid, key));
      const expected = hmac(sha512, macKey, peer);
      return { key, tag: hmac(sha512, macKey, own), isTagOfPeer: (tag) => sameSecret(tag, expected) };
    },
  };
}

/** The element derivation of RFC 9496 §4.3.4. */
function generatorOf(text: Uint8Array): ReturnType<typeof ristretto255.Point.fromBytes> {
  const point = ristretto255_hasher.deriveToCurve?.(sha512(text));
  if (point === undefined) throw new Failure('internal', 'The curve library of this device has no ristretto255.');
  return point;
}

function generatorString(password: Uint8Array, ci: Uint8Array, sid: Uint8Array): Uint8Array {
  const padding = HASH_BLOCK_BYTES - withLength(password).length - withLength(DSI).length - 1;
  return lvCat(DSI, password, new Uint8Array(Math.max(0, padding)), ci, sid);
}

/** 252 bits, little-endian; zero, which never comes, counts as one. */
function scalarOf(random: Uint8Array): bigint {
  let scalar = 0n;
  for (let i = SCALAR_BYTES - 1; i >= 0; i--) scalar = (scalar << 8n) | BigInt(random[i] ?? 0);
  return scalar & ((1n << 252n) - 1n) || 1n;
}

/** Undefined where the draft says G.I: no point, or the neutral one. */
function sharedPoint(scalar: bigint, share: Uint8Array): Uint8Array | undefined {
  try {
    const point = ristretto255.Point.fromBytes(share);
    return point.is0() ? undefined : point.multiply(scalar).toBytes();
  } catch {
    return undefined;
  }
}

/** The length (LEB128), then the bytes. */
function withLength(bytes: Uint8Array): Uint8Array {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return concatBytes(Uint8Array.from([...length, rest]), bytes);
}

export function lvCat(...parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...parts.map(withLength));
}

/** Looks at every byte, whatever the first says. */
function sameSecret(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (const [index, byte] of b.entries()) difference |= byte ^ (a[index] ?? 0);
  return difference === 0;
}
