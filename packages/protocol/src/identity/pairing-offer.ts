/**
 * What the enrolling device shows so that a new one can find it and prove that it was seen: a QR code with its key,
 * its addresses and a secret, or eight digits to type.
 *
 * The secret is in the part of the link that no server sees. A libp2p PeerId of an Ed25519 key is that key, so the
 * key alone is in it.
 */
import * as z from 'zod/mini';
import { Failure } from '../failure.ts';
import { bytesSchema, decodeCanonical, encodeCanonical } from './canonical.ts';
import { KeySchema } from './keys.ts';

export const PAIRING_LIFETIME_MS = 5 * 60_000;
const SECRET_BYTES = 16;
const ADDRESSES_MAX = 8;
const ADDRESS_CHARS_MAX = 200;
/** All addresses at their longest, in UTF-8, and the rest. */
const OFFER_BYTES_MAX = 6 * 1024;
const LINK = 'markco:pair#';

const PairingOfferSchema = z.strictObject({
  /** The key, hence the PeerId, of the device that shows it. */
  key: KeySchema,
  addresses: z
    .array(z.string().check(z.minLength(1), z.maxLength(ADDRESS_CHARS_MAX)))
    .check(z.maxLength(ADDRESSES_MAX)),
  secret: bytesSchema(SECRET_BYTES),
  /** Unix milliseconds. */
  expiresAt: z.number().check(z.int(), z.minimum(0)),
});
export type PairingOffer = z.infer<typeof PairingOfferSchema>;

type RandomBytes = (length: number) => Uint8Array;

/** The first addresses that fit are in it. */
export function newPairingOffer(
  key: Uint8Array,
  addresses: readonly string[],
  now: number,
  randomBytes: RandomBytes,
): PairingOffer {
  const secret = new Uint8Array(randomBytes(SECRET_BYTES));
  const fitting = addresses.filter(({ length }) => length > 0 && length <= ADDRESS_CHARS_MAX).slice(0, ADDRESSES_MAX);
  return { key, addresses: fitting, secret, expiresAt: now + PAIRING_LIFETIME_MS };
}

export function pairingLinkOf(offer: PairingOffer): string {
  const text = btoa(String.fromCharCode(...encodeCanonical(offer)));
  return LINK + text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** A link as scanned or pasted. It is read also when it lies behind an https address that opens the page. */
export function readPairingLink(link: string, now: number): PairingOffer | Failure {
  const text = link.trim().split('#')[1] ?? '';
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(
      atob(
        text
          .slice(0, 2 * OFFER_BYTES_MAX)
          .replaceAll('-', '+')
          .replaceAll('_', '/'),
      ),
      (letter) => letter.charCodeAt(0),
    );
  } catch {
    bytes = new Uint8Array();
  }
  const offer = decodeCanonical(PairingOfferSchema, bytes, OFFER_BYTES_MAX, 'The link to pair');
  if (offer instanceof Failure)
    return new Failure('bad_request', 'This is no link to pair with, or only a part of one. Scan it again.', {
      cause: offer,
    });
  return now < offer.expiresAt ? offer : pairingExpired();
}

/** Eight digits, each as likely as any other. */
export function newPairingCode(randomBytes: RandomBytes): string {
  // Draws that would make the low codes likelier are thrown away: one in 44, so that 32 in a row are no chance.
  for (let draw = 0; draw < 32; draw++) {
    const drawn = randomBytes(4).reduce((value, byte) => value * 256 + byte, 0);
    if (drawn < 4_200_000_000) return String(drawn % 100_000_000).padStart(8, '0');
  }
  throw new Failure('internal', 'The source of randomness of this device is broken; nothing was made with it.');
}

/** As people type it: with spaces or dashes where they like. */
export function readPairingCode(typed: string): string | Failure {
  const digits = typed.replaceAll(/[\s-]/g, '');
  if (/^[0-9]{8}$/.test(digits)) return digits;
  return new Failure('bad_request', 'A code to pair has 8 digits. Type those that your other device shows.');
}

export function pairingExpired(): Failure {
  return new Failure('unauthorized', 'This code is older than 5 minutes. Make a new one on your other device.');
}
