/**
 * A device's certificate: what it shows to prove quickly whose it is. The log decides, the certificate only lapses:
 * it gives nothing that the log does not give, and a device that was revoked is refused with any certificate.
 *
 * `now` is Unix milliseconds that the caller never lets go back (the latest it has seen): turning a clock back
 * revives no certificate.
 */
import * as z from 'zod/mini';
import { Failure } from '../failure.ts';
import { DeviceIdSchema, UserIdSchema, type DeviceId } from '../id.ts';
import { LIMITS } from '../limits.ts';
import { CapsSchema, DeviceKindSchema, isWithin, type DeviceKind } from './caps.ts';
import { sameBytes } from './canonical.ts';
import type { Author } from './entry.ts';
import { KeySchema, seal, unseal, type Sealed, type Signer } from './keys.ts';
import type { Member, Membership } from './membership.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const CERTIFICATE_LIFETIME_MS: Readonly<Record<DeviceKind, number>> = {
  desktop: 90 * DAY_MS,
  'server-agent': 90 * DAY_MS,
  phone: 30 * DAY_MS,
  web: 30 * DAY_MS,
  'public-web': 12 * HOUR_MS,
};

/** How far ahead an issuer's clock may be. It lengthens no certificate: the end is compared exactly. */
const CLOCK_AHEAD_MAX_MS = 10 * 60_000;

const TimeSchema = z.number().check(z.int(), z.minimum(0));
const CertificateSchema = z.strictObject({
  user: UserIdSchema,
  /** `rootHashOf` the user's root key. */
  root: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  device: DeviceIdSchema,
  key: KeySchema,
  kind: DeviceKindSchema,
  caps: CapsSchema,
  epoch: z.number().check(z.int(), z.minimum(0), z.maximum(LIMITS.logEntriesMax)),
  notBefore: TimeSchema,
  notAfter: TimeSchema,
  issuer: z.union([z.literal('root'), DeviceIdSchema]),
});
export type Certificate = z.infer<typeof CertificateSchema>;

export type CheckedCertificate =
  /** `renew`: so little is left that it should get a new one; never on a public computer. */
  | { readonly state: 'ok'; readonly member: Member; readonly renew: boolean }
  /** Still a member: whoever may `enrol` can give it a new certificate at once. */
  | { readonly state: 'lapsed'; readonly member: Member; readonly failure: Failure }
  | { readonly state: 'refused'; readonly failure: Failure };

/** For a device that is a member; `issuer` may `enrol`, or is the root. */
export function issueCertificate(
  members: Membership,
  device: DeviceId,
  issuer: Author,
  signer: Signer,
  now: number,
): Uint8Array | Failure {
  const member = members.members.get(device);
  if (member === undefined) return new Failure('forbidden', 'A certificate is for a device of the user only.');
  const failure = issuerFailure(members, issuer);
  if (failure !== undefined) return failure;
  const certificate: Certificate = {
    user: members.root.userId,
    root: members.root.hash,
    device,
    key: member.publicKey,
    kind: member.kind,
    caps: [...member.caps],
    epoch: members.epoch,
    notBefore: now,
    notAfter: now + CERTIFICATE_LIFETIME_MS[member.kind],
    issuer,
  };
  return seal('devcert', certificate, signer);
}

export function openCertificate(bytes: Uint8Array): Sealed<Certificate> | Failure {
  return unseal('devcert', CertificateSchema, bytes, LIMITS.certificateBytesMax, 'The certificate');
}

export function checkCertificate(
  { value: certificate, isSignedBy }: Sealed<Certificate>,
  members: Membership,
  now: number,
): CheckedCertificate {
  const refused = (message: string): CheckedCertificate => ({
    state: 'refused',
    failure: new Failure('forbidden', message),
  });
  const { device, issuer, notBefore, notAfter, kind } = certificate;
  if (certificate.root !== members.root.hash || certificate.user !== members.root.userId)
    return refused('The certificate is of another user.');
  const removed = members.revoked.get(device);
  if (removed !== undefined) return refused(`${removed.name} was removed from your devices: ${removed.reason}.`);
  const member = members.members.get(device);
  if (member === undefined) return refused('The certificate is of a device that is not one of yours.');
  if (!sameBytes(member.publicKey, certificate.key))
    return refused(`The certificate names another key than ${member.name} has.`);
  if (kind !== member.kind || !isWithin(certificate.caps, member.caps))
    return refused(`The certificate gives ${member.name} more than it was given when it was added.`);
  if (notAfter <= notBefore || notAfter - notBefore > CERTIFICATE_LIFETIME_MS[kind])
    return refused(`The certificate of ${member.name} was made to last longer than it may.`);

  // Only what a member's own log vouches for can be renewed; everything above is refused for good.
  const lapsed = (message: string): CheckedCertificate =>
    kind === 'public-web'
      ? refused(`${message} A public computer is added anew each time.`)
      : { state: 'lapsed', member, failure: new Failure('unauthorized', message, { retryable: true }) };
  if (issuerFailure(members, issuer) !== undefined)
    return lapsed(`The device that vouched for ${member.name} may not do so any more; it needs a new certificate.`);
  const issuerKey = issuer === 'root' ? members.root.key : members.members.get(issuer)?.publicKey;
  if (issuerKey === undefined || !isSignedBy(issuerKey))
    return refused(`The certificate of ${member.name} is not signed by the device that it says.`);
  if (notBefore > now + CLOCK_AHEAD_MAX_MS)
    return refused(`The certificate of ${member.name} is from the future: the clock of one of the devices is wrong.`);
  if (now >= notAfter)
    return lapsed(`The certificate of ${member.name} has run out; a device that may add others can renew it at once.`);
  const renew = kind !== 'public-web' && notAfter - now <= CERTIFICATE_LIFETIME_MS[kind] / 3;
  return { state: 'ok', member, renew };
}

function issuerFailure(members: Membership, issuer: Author): Failure | undefined {
  if (issuer === 'root' || members.members.get(issuer)?.caps.includes('enrol') === true) return undefined;
  return new Failure('forbidden', 'Only a device that may add others gives certificates.');
}
