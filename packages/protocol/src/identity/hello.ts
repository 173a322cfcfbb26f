/**
 * What two devices say before anything else: who they are, and what each knows of the user's log. Sans-IO: bytes in,
 * bytes out; it ends in a member or in a refusal.
 *
 *   initiator                                  responder
 *   hello {certificate, heads, entries}   →
 *                                          ←   hello {certificate, heads, entries} or refused
 *   renewal, when the other's has lapsed  →
 *                                          ←   renewal, when the other's has lapsed
 *
 * 1. The transport (Noise) has proven `peerKey`. A certificate is good only from the device whose key it names, so a
 *    hello that was overheard or kept is worth nothing to anybody else; said again by the same device it adds nothing.
 * 2. The initiator speaks only to a key that its log has as a member's. The responder answers only after it has
 *    checked a certificate of its own user's root, and says nothing but "refused" to all others, whatever was wrong.
 *    Before that it checks no signature for somebody who cannot even name the root.
 * 3. Entries are merged, and kept, only from a peer that turns out to be a member.
 * 4. The page of entries is the newest of what the other may lack. What does not fit is asked for afterwards, as
 *    members: `headsOf`, `lackedBy`, `mergeEntries`.
 */
import * as z from 'zod/mini';
import { Failure } from '../failure.ts';
import type { DeviceId } from '../id.ts';
import { LIMITS } from '../limits.ts';
import { decodeCanonical, encodeCanonical, opaqueSchema, sameBytes } from './canonical.ts';
import { checkCertificate, issueCertificate, openCertificate, type Certificate } from './certificate.ts';
import { EntryIdSchema, type EntryId } from './entry.ts';
import type { Sealed, Signer } from './keys.ts';
import type { Member } from './membership.ts';
import { headsOf, lackedBy, membersOfLog, mergeEntries, type UserLog } from './user-log.ts';

export const HELLO_VERSION = 1;
const HEADS_MAX = 64;
/** What an entry adds to its own bytes in the frame, and the frame to everything. */
const ENTRY_OVERHEAD_BYTES = 4;
const FRAME_OVERHEAD_BYTES = 64;

const MessageSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('hello'),
    version: z.literal(HELLO_VERSION),
    certificate: opaqueSchema(LIMITS.certificateBytesMax),
    heads: z.array(EntryIdSchema).check(z.maxLength(HEADS_MAX)),
    entries: z.array(opaqueSchema(LIMITS.entryBytesMax)).check(z.maxLength(LIMITS.helloBytesMax / 64)),
  }),
  z.strictObject({ type: z.literal('refused') }),
  z.strictObject({ type: z.literal('renewal'), certificate: opaqueSchema(LIMITS.certificateBytesMax) }),
]);
type Message = z.infer<typeof MessageSchema>;

export type HelloParts = {
  readonly log: UserLog;
  readonly deviceId: DeviceId;
  readonly certificate: Uint8Array;
  /** Signs renewals, if this device may. */
  readonly signer: Signer;
  /** The key that the transport has proven the other side to have. */
  readonly peerKey: Uint8Array;
  /** Heads that this peer had last time. */
  readonly peerHeads?: readonly EntryId[];
};

export type HelloState =
  | { readonly state: 'waiting' }
  /** `log` has what the peer told; keep it. `renewed` is this device's new certificate, if the peer made one. */
  | {
      readonly state: 'member';
      readonly member: Member;
      /** What it showed, or the new one that this device made for it. */
      readonly certificate: Sealed<Certificate>;
      readonly peerHeads: readonly EntryId[];
      readonly log: UserLog;
      readonly renewed?: Uint8Array;
    }
  /** For this device's own log and screen; the peer is told nothing of it. */
  | { readonly state: 'refused'; readonly failure: Failure };

export type HelloStep = { readonly send: readonly Uint8Array[]; readonly now: HelloState };

export type Hello = {
  /** What to send first; the responder has nothing to say before it is spoken to. */
  start(): HelloStep;
  receive(bytes: Uint8Array, now: number): HelloStep;
};

export const createHelloInitiator = (parts: HelloParts): Hello => createHello(parts, 'initiator');
export const createHelloResponder = (parts: HelloParts): Hello => createHello(parts, 'responder');

function createHello(parts: HelloParts, role: 'initiator' | 'responder'): Hello {
  const { log, deviceId, peerKey } = parts;
  let current: HelloState = { state: 'waiting' };
  const move = (next: HelloState, ...messages: Message[]): HelloStep => {
    current = next;
    return { send: messages.map(encodeCanonical), now: next };
  };
  const refuse = (failure: Failure): HelloStep =>
    move({ state: 'refused', failure }, ...(role === 'responder' ? [REFUSED] : []));

  const hello = (from: UserLog, heads: readonly EntryId[]): Message => {
    const own = headsOf(from).slice(0, HEADS_MAX);
    const room = LIMITS.helloBytesMax - parts.certificate.length - own.length * 66 - FRAME_OVERHEAD_BYTES - 64;
    return {
      type: 'hello',
      version: HELLO_VERSION,
      certificate: parts.certificate,
      heads: own,
      entries: newestThatFit(lackedBy(from, heads), room),
    };
  };

  const meet = (message: Extract<Message, { type: 'hello' }>, now: number): HelloStep => {
    const opened = openCertificate(message.certificate);
    if (opened instanceof Failure) return refuse(opened);
    if (opened.value.root !== log.root.hash || !sameBytes(opened.value.key, peerKey))
      return refuse(
        new Failure('forbidden', 'The other device showed a certificate that is not its own, or not of this user.'),
      );
    const merged = mergeEntries(log, message.entries).log;
    const members = membersOfLog(merged);
    const checked = checkCertificate(opened, members, now);
    if (checked.state === 'refused') return refuse(checked.failure);
    const renewal = checked.state === 'ok' && !checked.renew ? undefined : renewalFor(checked.member, members, now);
    if (checked.state === 'lapsed' && renewal === undefined) return refuse(checked.failure);
    const renewedThere = renewal?.type === 'renewal' ? openCertificate(renewal.certificate) : opened;
    const certificate = renewedThere instanceof Failure ? opened : renewedThere;
    return move(
      { state: 'member', member: checked.member, certificate, peerHeads: message.heads, log: merged },
      ...(role === 'responder' ? [hello(merged, message.heads)] : []),
      ...(renewal === undefined ? [] : [renewal]),
    );
  };

  const renewalFor = (member: Member, members: ReturnType<typeof membersOfLog>, now: number): Message | undefined => {
    const certificate = issueCertificate(members, member.deviceId, deviceId, parts.signer, now);
    return certificate instanceof Failure ? undefined : { type: 'renewal', certificate };
  };

  const renewed = (bytes: Uint8Array, known: Extract<HelloState, { state: 'member' }>, now: number): HelloStep => {
    const opened = openCertificate(bytes);
    const good =
      !(opened instanceof Failure) &&
      opened.value.device === deviceId &&
      checkCertificate(opened, membersOfLog(known.log), now).state === 'ok';
    // A bad one changes nothing: this device keeps the certificate that it has.
    return move(good ? { ...known, renewed: bytes } : known);
  };

  return {
    start() {
      if (role === 'responder') return move(current);
      const known = [...membersOfLog(log).members.values()].some(({ publicKey }) => sameBytes(publicKey, peerKey));
      if (!known) return refuse(new Failure('forbidden', 'This device knows no device of yours with that key.'));
      return move(current, hello(log, parts.peerHeads ?? []));
    },
    receive(bytes, now) {
      if (current.state === 'refused') return move(current);
      const message = decodeCanonical(MessageSchema, bytes, LIMITS.helloBytesMax, 'What the other device said');
      if (message instanceof Failure) return refuse(message);
      if (message.type === 'hello' && current.state === 'waiting') return meet(message, now);
      if (message.type === 'renewal' && current.state === 'member') return renewed(message.certificate, current, now);
      if (message.type === 'refused' && current.state === 'waiting')
        return move({
          state: 'refused',
          failure: new Failure(
            'forbidden',
            'The other device refused this one. It may have been removed, or they have not heard of each other yet.',
          ),
        });
      return refuse(new Failure('bad_request', 'The other device said something out of turn.'));
    },
  };
}

const REFUSED: Message = { type: 'refused' };

/** The last of them, still in order, so that each comes after those it names. */
function newestThatFit(entries: readonly Uint8Array[], bytesMax: number): Uint8Array[] {
  let room = bytesMax;
  let from = entries.length;
  while (from > 0 && (room -= (entries[from - 1]?.length ?? 0) + ENTRY_OVERHEAD_BYTES) >= 0) from -= 1;
  return entries.slice(from);
}
