/**
 * The side of a pairing that is added: it scanned or was told the code, says who it is once the other has proven that
 * it knows the code too, and takes the user's log and its own certificate. Sans-IO: bytes in, bytes out.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { Failure } from '../failure.ts';
import { encodeCanonical, sameBytes } from './canonical.ts';
import { checkCertificate, openCertificate } from './certificate.ts';
import { checkSignsOf, type CheckSigns } from './check-words.ts';
import { SCALAR_BYTES, startCpace, type CpaceKey } from './cpace.ts';
import {
  channelOf,
  decodePairing,
  NONCE_BYTES,
  PAIRING_VERSION,
  sidOf,
  type NewDevice,
  type PairingMessage,
} from './pairing-message.ts';
import { pairingExpired, type PairingOffer } from './pairing-offer.ts';
import { membersOfLog, mergeEntries, openUserLog, type UserLog } from './user-log.ts';

export type JoinerState =
  | { readonly state: 'waiting' }
  /** The other side knows the code: show `check` until the person there has answered. */
  | { readonly state: 'agreed'; readonly check: CheckSigns }
  | { readonly state: 'joined'; readonly log: UserLog; readonly certificate: Uint8Array }
  | { readonly state: 'failed'; readonly failure: Failure };

export type JoinerStep = { readonly send: readonly Uint8Array[]; readonly now: JoinerState };

export type Joiner = { start(): JoinerStep; receive(bytes: Uint8Array, now: number): JoinerStep };

export type JoinerParts = {
  /** Scanned, or eight digits as `readPairingCode` gives them. */
  readonly by: { readonly offer: PairingOffer } | { readonly code: string };
  readonly about: NewDevice;
  /** The key that the channel has proven the other side to have. */
  readonly peerKey: Uint8Array;
  readonly randomBytes: (length: number) => Uint8Array;
};

export function createJoiner({ by, about, peerKey, randomBytes }: JoinerParts): Joiner {
  const way = 'offer' in by ? 'link' : 'code';
  const password = 'offer' in by ? by.offer.secret : utf8ToBytes(by.code);
  const nonce = new Uint8Array(randomBytes(NONCE_BYTES));
  let current: JoinerState = { state: 'waiting' };
  let key: CpaceKey | undefined;
  let log: UserLog | undefined;

  const move = (next: JoinerState, ...messages: PairingMessage[]): JoinerStep => {
    current = next;
    return { send: messages.map(encodeCanonical), now: next };
  };
  const fail = (failure: Failure): JoinerStep => move({ state: 'failed', failure });

  const answer = (peerNonce: Uint8Array, share: Uint8Array): JoinerStep => {
    const cpace = startCpace({
      password,
      ci: channelOf(way, peerKey, about.key),
      sid: sidOf(nonce, peerNonce),
      randomScalar: randomBytes(SCALAR_BYTES),
    });
    const agreed = cpace.agree('responder', share, NOTHING_MORE);
    if (agreed instanceof Failure) return fail(agreed);
    key = agreed;
    return move(current, { type: 'answer', share: cpace.share, tag: agreed.tag });
  };

  const take = (entries: readonly Uint8Array[], certificate: Uint8Array | null, now: number): JoinerStep => {
    const beginning = log === undefined;
    const opened = log ?? (entries[0] === undefined ? damaged() : openUserLog(entries[0]));
    if (opened instanceof Failure) return fail(opened);
    const merged = mergeEntries(opened, entries);
    if (merged.refused[0] !== undefined) return fail(merged.refused[0].failure);
    // Each message adds something, so that the bound of the log bounds the messages too.
    if (!beginning && merged.added.length === 0) return fail(damaged());
    if (certificate === null) {
      log = merged.log;
      return move(current);
    }
    return finish(merged.log, certificate, now);
  };

  const finish = (whole: UserLog, bytes: Uint8Array, now: number): JoinerStep => {
    const members = membersOfLog(whole);
    const enroller = [...members.members.values()].find(({ publicKey }) => sameBytes(publicKey, peerKey));
    const certificate = openCertificate(bytes);
    if (certificate instanceof Failure) return fail(certificate);
    const checked = checkCertificate(certificate, members, now);
    if (checked.state !== 'ok') return fail(checked.failure);
    const { deviceId, publicKey } = checked.member;
    const isOwn = deviceId === about.device && sameBytes(publicKey, about.key);
    if (enroller?.caps.includes('enrol') !== true || !isOwn) return fail(damaged());
    return move({ state: 'joined', log: whole, certificate: bytes });
  };

  return {
    start() {
      if ('offer' in by && !sameBytes(by.offer.key, peerKey))
        return fail(
          new Failure('forbidden', 'Another device answered than the one whose code was scanned. Scan it again.'),
        );
      return move(current, { type: 'start', version: PAIRING_VERSION, by: way, nonce });
    },
    receive(bytes, now) {
      if (current.state === 'failed' || current.state === 'joined') return move(current);
      const message = decodePairing(bytes);
      if (message instanceof Failure) return fail(message);
      if (message.type === 'refused') return fail(REFUSALS[message.why]());
      if (message.type === 'share' && key === undefined) return answer(message.nonce, message.share);
      if (message.type === 'confirm' && key !== undefined && current.state === 'waiting') {
        if (!key.isTagOfPeer(message.tag)) return fail(wrong());
        return move({ state: 'agreed', check: checkSignsOf(key.key) }, { type: 'device', about });
      }
      if (message.type === 'log' && current.state === 'agreed') return take(message.entries, message.certificate, now);
      return fail(damaged());
    },
  };
}

const NOTHING_MORE = { own: new Uint8Array(), peer: new Uint8Array() };

const wrong = (): Failure =>
  new Failure(
    'unauthorized',
    'The code is wrong, or somebody is between the two devices. Nothing was changed. Make a new code on your other device.',
  );

const damaged = (): Failure =>
  new Failure('bad_request', 'The other device sent something that does not fit together. Start the pairing again.');

const REFUSALS = {
  wrong,
  used: () => new Failure('unauthorized', 'This code was used already. Make a new one on your other device.'),
  expired: pairingExpired,
  declined: () => new Failure('forbidden', 'The other device declined. Nothing was changed.'),
  failed: () =>
    new Failure('conflict', 'The other device could not add this one; its screen says why. Nothing was changed.'),
} as const;
