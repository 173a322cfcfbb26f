/**
 * The leave to run one piece of code once, on one device: signed by the device where a person pressed run. Nothing
 * else starts a run, least of all what stands in a document.
 *
 * The nonce is for the host to keep, durably, until the grant is long over: that a grant is used once cannot be seen
 * in the grant. `epoch` (of the session) and `fence` (of the attempt) are compared with the host's own.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import * as z from 'zod/mini';
import { LanguageSchema } from '../entity/language.ts';
import { CountSchema, Sha256Schema } from '../entity/scalar.ts';
import { Failure } from '../failure.ts';
import { DeviceIdSchema, ProjectIdSchema, RunIdSchema, type DeviceId } from '../id.ts';
import { LIMITS } from '../limits.ts';
import { bytesSchema } from './canonical.ts';
import { checkCertificate, type Certificate } from './certificate.ts';
import { seal, sealLater, unseal, type Sealed, type Signer, type SignLater, type Verify } from './keys.ts';
import type { Membership } from './membership.ts';

export const RUN_GRANT_LIFETIME_MS = 60_000;
/** How far the clocks of submitter and host may be apart, either way. */
const CLOCK_APART_MAX_MS = 60_000;

export const RunGrantSchema = z.strictObject({
  submitter: DeviceIdSchema,
  host: DeviceIdSchema,
  run: RunIdSchema,
  project: ProjectIdSchema,
  /** The key of the session, as its host names it. */
  session: z.string().check(z.minLength(1), z.maxLength(LIMITS.nameCharsMax)),
  /** SHA-256 of the code in UTF-8. */
  code: Sha256Schema,
  language: LanguageSchema,
  /** Unix milliseconds. */
  expiresAt: CountSchema,
  nonce: bytesSchema(16),
  epoch: CountSchema,
  fence: CountSchema,
});
export type RunGrant = z.infer<typeof RunGrantSchema>;

export function codeHashOf(code: string): string {
  return bytesToHex(sha256(utf8ToBytes(code)));
}

export function sealGrant(grant: RunGrant, submitter: Signer): Uint8Array {
  return seal('rungrant', grant, submitter);
}

/** As `sealGrant`, by a key that signs in its own time. */
export function signGrant(grant: RunGrant, sign: SignLater): Promise<Uint8Array> {
  return sealLater('rungrant', grant, sign);
}

export type AskedOfGrant = {
  readonly host: DeviceId;
  readonly code: string;
  /** What the submitter showed: without a certificate that is good now, its signature is worth nothing. */
  readonly certificate: Sealed<Certificate>;
  readonly members: Membership;
  readonly now: number;
  readonly verify?: Verify;
  /** As `codeHashOf`, where the system does that faster. */
  readonly hash?: (code: string) => string;
};

/** The grant if `host` may run `code` on it now, else why not. */
export function checkGrant(bytes: Uint8Array, asked: AskedOfGrant): RunGrant | Failure {
  const sealed = unseal('rungrant', RunGrantSchema, bytes, LIMITS.runGrantBytesMax, 'The grant to run');
  return sealed instanceof Failure ? sealed : checkSealedGrant(sealed, asked, RUN_GRANT_LIFETIME_MS);
}

/** For grants of every kind: what they say of who lets whom run what. */
export function checkSealedGrant<G extends RunGrant>(
  sealed: Sealed<G>,
  { host, code, certificate, members, now, verify, hash = codeHashOf }: AskedOfGrant,
  lifetimeMs: number,
): G | Failure {
  const grant = sealed.value;
  const checked = checkCertificate(certificate, members, now);
  if (checked.state !== 'ok') return checked.failure;
  const submitter = checked.member;
  if (submitter.deviceId !== grant.submitter || !sealed.isSignedBy(submitter.publicKey, verify))
    return new Failure('forbidden', 'The grant to run is not from the device that showed it.');
  if (!submitter.caps.includes('submit'))
    return new Failure('forbidden', `${submitter.name} may not run code on your other devices.`);
  if (grant.host !== host) return new Failure('forbidden', 'The grant to run is for another device.');
  if (members.members.get(host)?.caps.includes('host-run') !== true)
    return new Failure('forbidden', 'This device was not given the right to run code of your other devices.');
  if (now > grant.expiresAt + CLOCK_APART_MAX_MS)
    return new Failure('unauthorized', 'The grant to run came too late, or a clock is wrong. Run the cell again.');
  if (grant.expiresAt > now + lifetimeMs + CLOCK_APART_MAX_MS)
    return new Failure(
      'unauthorized',
      `The clock of ${submitter.name} is ahead of this one. Set the clocks, then run again.`,
    );
  if (grant.code !== hash(code))
    return new Failure('forbidden', 'The code is not the one that the grant to run was given for.');
  return grant;
}
