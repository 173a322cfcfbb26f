/**
 * The side of a pairing that adds: it shows the code, asks the person, and signs. Sans-IO: bytes in, bytes out.
 *
 * 1. A code is for one guess. The first answer that comes, on whatever connection, spends it.
 * 2. Nothing changes before `approve`: a wrong code, an old one, a lost connection leave the log as it was.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { Failure } from '../failure.ts';
import type { DeviceId } from '../id.ts';
import { LIMITS } from '../limits.ts';
import { encodeCanonical, sameBytes } from './canonical.ts';
import { capsOf, type DeviceCap } from './caps.ts';
import { issueCertificate } from './certificate.ts';
import { checkSignsOf, type CheckSigns } from './check-words.ts';
import { SCALAR_BYTES, startCpace, type Cpace, type CpaceKey } from './cpace.ts';
import type { Signer } from './keys.ts';
import {
  channelOf,
  decodePairing,
  NONCE_BYTES,
  sidOf,
  type NewDevice,
  type PairingMessage,
  type PairingWay,
} from './pairing-message.ts';
import { PAIRING_LIFETIME_MS, pairingExpired } from './pairing-offer.ts';
import { appendEntry, membersOfLog, type UserLog } from './user-log.ts';

/** Connections that one code answers: each costs a little arithmetic and is no guess yet. */
const STARTS_MAX = 50;
/** What a message of the log has beside its entries. */
const FRAME_BYTES = 2 * 1024;

export type EnrollerState =
  | { readonly state: 'waiting' }
  /** The other device knows the code. The person compares `check`, and approves or declines. */
  | { readonly state: 'asked'; readonly device: NewDevice; readonly check: CheckSigns }
  /** `log` has the new device: keep it, then send. */
  | { readonly state: 'enrolled'; readonly device: NewDevice; readonly log: UserLog }
  | { readonly state: 'refused'; readonly failure: Failure };

export type EnrollerStep = { readonly send: readonly Uint8Array[]; readonly now: EnrollerState };

/** One connection of a device that wants to be added. */
export type Enroller = {
  receive(bytes: Uint8Array, now: number): EnrollerStep;
  /** The person said yes. `log` as it is now. */
  approve(log: UserLog, caps: readonly DeviceCap[], now: number): EnrollerStep;
  decline(): EnrollerStep;
};

export type PairingParts = {
  readonly deviceId: DeviceId;
  readonly signer: Signer;
  /** What is on the screen. */
  readonly secret?: Uint8Array;
  readonly code?: string;
  readonly expiresAt: number;
  readonly randomBytes: (length: number) => Uint8Array;
};

/** A code on the screen. `peerKey`: what the channel has proven of each device that comes. */
export type Pairing = { meet(peerKey: Uint8Array): Enroller; readonly spent: boolean };

export function openPairing(parts: PairingParts): Pairing {
  let spent = false;
  let starts = 0;
  return {
    get spent() {
      return spent;
    },
    meet: (peerKey) =>
      createEnroller(parts, peerKey, {
        mayStart: () => !spent && ++starts <= STARTS_MAX,
        spend: () => {
          const first = !spent;
          spent = true;
          return first;
        },
      }),
  };
}

type Guesses = {
  mayStart(): boolean;
  /** False if it was spent already. */
  spend(): boolean;
};

function createEnroller(parts: PairingParts, peerKey: Uint8Array, guesses: Guesses): Enroller {
  const { signer, randomBytes } = parts;
  let current: EnrollerState = { state: 'waiting' };
  let cpace: Cpace | undefined;
  let agreed: CpaceKey | undefined;

  const move = (next: EnrollerState, ...messages: PairingMessage[]): EnrollerStep => {
    current = next;
    return { send: messages.map(encodeCanonical), now: next };
  };
  const refuse = (why: Extract<PairingMessage, { type: 'refused' }>['why'], failure: Failure): EnrollerStep =>
    move({ state: 'refused', failure }, { type: 'refused', why });

  const start = (by: PairingWay, peerNonce: Uint8Array): EnrollerStep => {
    const password = by === 'link' ? parts.secret : parts.code === undefined ? undefined : utf8ToBytes(parts.code);
    if (password === undefined || cpace !== undefined) return outOfTurn();
    if (!guesses.mayStart()) return refuse('used', used());
    const nonce = randomBytes(NONCE_BYTES);
    cpace = startCpace({
      password,
      ci: channelOf(by, signer.publicKey, peerKey),
      sid: sidOf(peerNonce, nonce),
      randomScalar: randomBytes(SCALAR_BYTES),
    });
    return move(current, { type: 'share', nonce: new Uint8Array(nonce), share: cpace.share });
  };

  const judge = (share: Uint8Array, tag: Uint8Array): EnrollerStep => {
    if (cpace === undefined || agreed !== undefined) return outOfTurn();
    if (!guesses.spend()) return refuse('used', used());
    const key = cpace.agree('initiator', share, NOTHING_MORE);
    if (key instanceof Failure || !key.isTagOfPeer(tag)) {
      const message =
        'A device gave a wrong code, so the code is spent and nothing was added. Make a new one and try again.';
      return refuse('wrong', new Failure('unauthorized', message));
    }
    agreed = key;
    return move(current, { type: 'confirm', tag: key.tag });
  };

  const outOfTurn = (): EnrollerStep =>
    refuse(
      'failed',
      new Failure('bad_request', 'The other device said something out of turn. Start the pairing again.'),
    );

  return {
    receive(bytes, now) {
      if (current.state !== 'waiting') return move(current);
      const message = decodePairing(bytes);
      if (message instanceof Failure) return refuse('failed', message);
      if (now >= parts.expiresAt && agreed === undefined) return refuse('expired', pairingExpired());
      if (message.type === 'start') return start(message.by, message.nonce);
      if (message.type === 'answer') return judge(message.share, message.tag);
      if (message.type !== 'device' || agreed === undefined || !sameBytes(message.about.key, peerKey))
        return outOfTurn();
      return move({ state: 'asked', device: message.about, check: checkSignsOf(agreed.key) });
    },
    approve(log, caps, now) {
      if (current.state !== 'asked') return move(current);
      const { device: about } = current;
      if (now >= parts.expiresAt + PAIRING_LIFETIME_MS) return refuse('expired', pairingExpired());
      const { device, key, name, kind } = about;
      const body = { type: 'addDevice', device, key, name, kind, caps: capsOf(...caps) } as const;
      const added = appendEntry(log, parts.deviceId, signer, body);
      if (added instanceof Failure) return refuse('failed', added);
      const certificate = issueCertificate(membersOfLog(added.log), device, parts.deviceId, signer, now);
      if (certificate instanceof Failure) return refuse('failed', certificate);
      const pages = pagesOf([...added.log.entries.values()].map((entry) => entry.bytes));
      const messages = pages.map((entries, index) => ({
        type: 'log' as const,
        entries,
        certificate: index === pages.length - 1 ? certificate : null,
      }));
      return move({ state: 'enrolled', device: about, log: added.log }, ...messages);
    },
    decline() {
      if (current.state === 'enrolled') return move(current);
      return refuse('declined', new Failure('forbidden', 'You declined to add the device. Nothing was changed.'));
    },
  };
}

const NOTHING_MORE = { own: new Uint8Array(), peer: new Uint8Array() };

const used = (): Failure => new Failure('unauthorized', 'This code was used already. Make a new one.');

/** In messages that fit. */
function pagesOf(entries: readonly Uint8Array[]): Uint8Array[][] {
  const pages: Uint8Array[][] = [[]];
  let room = LIMITS.pairingBytesMax - FRAME_BYTES;
  for (const entry of entries) {
    if (entry.length + 4 > room) {
      pages.push([]);
      room = LIMITS.pairingBytesMax - FRAME_BYTES;
    }
    pages.at(-1)?.push(entry);
    room -= entry.length + 4;
  }
  return pages;
}
