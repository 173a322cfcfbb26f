/**
 * Adding a device. On the device that adds: one code at a time, shown for five minutes, and a person who says yes. On
 * the one that is added: a code or a link, and where the other one is. `identity/pairing-*.ts` decide.
 */
import { createJoin, type Join } from '@markco/client/mesh/join';
import { keyOfPeer } from '@markco/client/mesh/peer-key';
import { PAIR } from '@markco/client/mesh/protocol-names';
import { Failure, LIMITS, type DeviceId, type IdSource } from '@markco/protocol';
import {
  capsFor,
  newPairingCode,
  newPairingOffer,
  openPairing,
  PAIRING_LIFETIME_MS,
  pairingLinkOf,
  type CheckSigns,
  type DeviceCap,
  type Enroller,
  type EnrollerStep,
  type NewDevice,
  type Pairing,
} from '@markco/protocol/identity';
import type { Host } from './host.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import type { Trust } from './trust.ts';

/** How long devices of this network are waited for, that show a code. */
const NEIGHBORS_MS = 15_000;

/** What the screen of the device that adds shows. */
export type Offered = {
  readonly code: string;
  readonly link: string;
  /** Unix milliseconds. */ readonly expiresAt: number;
  readonly state: 'waiting' | 'asked' | 'added' | 'failed';
  readonly device?: { readonly name: string; readonly kind: NewDevice['kind']; readonly os: string };
  readonly check?: CheckSigns;
  /** What went wrong, for people. */
  readonly why?: string;
};

export type Pair = {
  /** A new code; an earlier one is good for nothing from now on. */
  open(): Offered;
  /** Null when none was made, or it is over. */
  offered(): Offered | null;
  /** The person compared the words and says yes. What it may do is what its kind may. `conflict` when nobody asks. */
  approve(caps?: readonly DeviceCap[]): Promise<DeviceId>;
  decline(): void;
  readonly join: Join['join'];
  /** Whether a stranger may ask now. */
  readonly isOpen: boolean;
  /** For how long still, in milliseconds. */
  readonly openMs: number;
  /** It proved the code, or is asked to add this device, and a person is to compare the words: it may stay meanwhile. */
  isAsking(peerId: string): boolean;
};

export type PairParts = {
  readonly host: Host;
  readonly trust: Trust;
  readonly ids: IdSource;
  /** What a person sees who is asked to add this device. Its kind, which then stays, is a desktop unless said otherwise. */
  readonly about: { readonly name: string; readonly os: string; readonly kind?: NewDevice['kind'] };
  /** Devices on the same network that were heard of: a code without an address is tried with them. */
  readonly neighbors: () => readonly { readonly peerId: string; readonly addresses: readonly string[] }[];
  readonly onAdded: (peerId: string, addresses: readonly string[]) => void;
  /** A code is on the screen, or is no more. */
  readonly onOpen: () => void;
};

export async function createPair({ host, trust, ids, about, neighbors, onAdded, onOpen }: PairParts): Promise<Pair> {
  const randomBytes = (length: number): Uint8Array => new Uint8Array(ids.randomBytes(length));
  let current: { pairing: Pairing; offered: Offered } | null = null;
  let asking: {
    enroller: Enroller;
    peerId: string;
    stream: MessageStream;
    take: (step: EnrollerStep) => Promise<void>;
  } | null = null;

  const openMs = (): number => {
    const isAsked = current?.offered.state === 'waiting' || current?.offered.state === 'asked';
    return isAsked ? Math.max(0, (current?.offered.expiresAt ?? 0) - trust.now()) : 0;
  };
  const isOpen = (): boolean => openMs() > 0;
  const show = (change: Partial<Offered>): void => {
    if (current !== null) current = { ...current, offered: { ...current.offered, ...change } };
    onOpen();
  };

  await host.handle(
    PAIR,
    (stream, peerId) => {
      const mine = current;
      if (mine === null) return stream.abort(new Failure('forbidden', 'refused'));
      const enroller = mine.pairing.meet(keyOfPeer(peerId));
      const take = async ({ send, now }: EnrollerStep): Promise<void> => {
        // What the new device is told is kept here first.
        if (now.state === 'enrolled') await trust.take(now.log);
        for (const bytes of send) stream.sendBytes(bytes);
        if (current?.pairing !== mine.pairing) return;
        if (now.state === 'asked') {
          asking = { enroller, peerId, stream, take };
          const { name, kind, os } = now.device;
          show({ state: 'asked', device: { name, kind, os }, check: now.check });
        } else if (now.state === 'enrolled') {
          show({ state: 'added' });
          onAdded(peerId, []);
        } else if (now.state === 'refused') {
          if (mine.pairing.spent || current.offered.state === 'asked')
            show({ state: 'failed', why: now.failure.message });
          stream.close();
        }
      };
      stream.onMessage((message) => {
        if (typeof message !== 'string') void take(enroller.receive(message, trust.now()));
      });
      stream.onClose(() => {
        if (asking?.enroller !== enroller) return;
        asking = null;
        if (current?.offered.state === 'asked')
          show({ state: 'failed', why: 'The new device went away. Make a new code.' });
      });
    },
    LIMITS.pairingBytesMax,
  );

  const joining = createJoin({
    ...{ network: host, randomBytes, neighbors, now: trust.now, waitMs: NEIGHBORS_MS },
    about: { device: trust.deviceId, key: trust.signer.publicKey, kind: 'desktop', ...about },
    onJoined: trust.join,
    onAdded,
  });

  return {
    get isOpen() {
      return isOpen();
    },
    get openMs() {
      return openMs();
    },
    isAsking: (peerId) => joining.isAsked(peerId) || (isOpen() && asking?.peerId === peerId),
    open() {
      const now = trust.now();
      const offer = newPairingOffer(trust.signer.publicKey, host.addresses(), now, randomBytes);
      const code = newPairingCode(randomBytes);
      const expiresAt = now + PAIRING_LIFETIME_MS;
      const pairing = openPairing({
        deviceId: trust.deviceId,
        signer: trust.signer,
        secret: offer.secret,
        code,
        expiresAt,
        randomBytes,
      });
      asking?.stream.close();
      asking = null;
      current = { pairing, offered: { code, link: pairingLinkOf(offer), expiresAt, state: 'waiting' } };
      onOpen();
      return current.offered;
    },
    offered() {
      if (current !== null && current.offered.state === 'waiting' && !isOpen()) current = null;
      return current?.offered ?? null;
    },
    async approve(caps) {
      const asked = asking;
      if (asked === null)
        throw new Failure('conflict', 'No device asks to be added now. Make a code and type it there.');
      asking = null;
      const given = caps ?? capsFor(current?.offered.device?.kind ?? 'public-web');
      const step = asked.enroller.approve(trust.log, given, trust.now());
      await asked.take(step);
      if (step.now.state === 'refused') throw step.now.failure;
      if (step.now.state !== 'enrolled') throw new Failure('conflict', 'No device asks to be added now.');
      return step.now.device.device;
    },
    decline() {
      const asked = asking;
      asking = null;
      if (asked !== null) void asked.take(asked.enroller.decline());
      current = null;
      onOpen();
    },
    join: joining.join,
  };
}
