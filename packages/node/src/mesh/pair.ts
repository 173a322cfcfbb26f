/**
 * Adding a device. On the device that adds: one code at a time, shown for five minutes, and a person who says yes. On
 * the one that is added: a code or a link, and where the other one is. `identity/pairing-*.ts` decide.
 */
import { Failure, LIMITS, type DeviceId, type IdSource } from '@markco/protocol';
import {
  createJoiner,
  DEVICE_CAPS,
  newPairingCode,
  newPairingOffer,
  openPairing,
  PAIRING_LIFETIME_MS,
  pairingLinkOf,
  readPairingCode,
  readPairingLink,
  type CheckSigns,
  type DeviceCap,
  type Enroller,
  type EnrollerStep,
  type NewDevice,
  type Pairing,
  type PairingOffer,
} from '@markco/protocol/identity';
import type { Host } from './host.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { keyOfPeer, peerOfKey, type Trust } from './trust.ts';

export const PAIR = '/markco/pair/1.0.0';
/** Neighbors that a typed code is tried with, one after another: the code is good for one guess at each. */
const NEIGHBORS_MAX = 10;
/** How long devices of this network are waited for, that show a code. */
const NEIGHBORS_MS = 15_000;
const LOOK_AGAIN_MS = 200;
const CONNECT_TRIES = 3;
/** A device takes so many connections a second from one address. */
const CONNECT_AGAIN_MS = 1_100;

type By = { readonly offer: PairingOffer } | { readonly code: string };

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
  /** The person compared the words and says yes. `conflict` when nobody asks. */
  approve(caps?: readonly DeviceCap[]): Promise<DeviceId>;
  decline(): void;
  /** Becomes a device of the user whose code this is. Resolves with the device that added it, once all is on disk. */
  join(
    written: string,
    addresses: readonly string[],
    onCheck: (check: CheckSigns) => void,
    signal: AbortSignal,
  ): Promise<void>;
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
  /** Who is asked by this device to add it. */
  let asks: string | null = null;
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

  async function joinAt(
    by: By,
    peerId: string,
    addresses: readonly string[],
    onCheck: (check: CheckSigns) => void,
    signal: AbortSignal,
  ): Promise<void> {
    await connect(peerId, addresses, signal);
    asks = peerId;
    await meet(by, peerId, onCheck, signal).finally(() => (asks = null));
    onAdded(peerId, addresses);
  }

  /** One that was turned away because many came at once from its network gets in a moment later. */
  async function connect(peerId: string, addresses: readonly string[], signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await host.connect(peerId, addresses, signal);
      } catch (error) {
        if (tries >= CONNECT_TRIES || signal.aborted) throw error;
        await new Promise((resolve) => setTimeout(resolve, CONNECT_AGAIN_MS));
      }
    }
  }

  async function meet(
    by: By,
    peerId: string,
    onCheck: (check: CheckSigns) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const stream = await host.open(peerId, PAIR, signal, LIMITS.pairingBytesMax);
    const joiner = createJoiner({
      by,
      about: {
        device: trust.deviceId,
        key: trust.signer.publicKey,
        name: about.name,
        kind: about.kind ?? 'desktop',
        os: about.os,
      },
      peerKey: keyOfPeer(peerId),
      randomBytes,
    });
    await new Promise<void>((resolve, reject) => {
      let isJoined = false;
      const take = ({ send, now }: ReturnType<typeof joiner.start>): void => {
        for (const bytes of send) stream.sendBytes(bytes);
        if (now.state === 'agreed') onCheck(now.check);
        if (now.state === 'failed') reject(now.failure);
        if (now.state === 'joined') {
          isJoined = true;
          trust.join(now.log, now.certificate).then(resolve, reject);
        }
        if (now.state === 'failed' || now.state === 'joined') stream.close();
      };
      signal.addEventListener('abort', () => {
        reject(new Failure('not_ready', 'It was given up before the other device answered.'));
        stream.close();
      });
      stream.onMessage((message) => {
        if (typeof message !== 'string') take(joiner.receive(message, trust.now()));
      });
      stream.onClose((cause) => {
        const message = 'The other device shows no code now, or the connection broke. Make a new code there.';
        if (!isJoined) reject(new Failure('not_ready', message, { cause }));
      });
      take(joiner.start());
    });
  }

  return {
    get isOpen() {
      return isOpen();
    },
    get openMs() {
      return openMs();
    },
    isAsking: (peerId) => peerId === asks || (isOpen() && asking?.peerId === peerId),
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
    async approve(caps = DEVICE_CAPS) {
      const asked = asking;
      if (asked === null)
        throw new Failure('conflict', 'No device asks to be added now. Make a code and type it there.');
      asking = null;
      const step = asked.enroller.approve(trust.log, caps, trust.now());
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
    async join(written, addresses, onCheck, signal) {
      if (/#/.test(written)) {
        const offer = readPairingLink(written, trust.now());
        if (offer instanceof Failure) throw offer;
        await joinAt({ offer }, peerOfKey(offer.key), [...addresses, ...offer.addresses], onCheck, signal);
        return;
      }
      const code = readPairingCode(written);
      if (code instanceof Failure) throw code;
      const named = addresses.map((address) => ({
        peerId: /\/p2p\/([^/]+)$/.exec(address)?.[1] ?? '',
        addresses: [address],
      }));
      if (named.some(({ peerId }) => peerId === ''))
        throw new Failure(
          'bad_request',
          'An address ends in /p2p/ and the name of the device, as the other device shows it.',
        );
      const tried = new Set<string>();
      const deadline = performance.now() + (named.length > 0 ? 0 : NEIGHBORS_MS);
      let wrong: Failure | null = null;
      let last: unknown = new Failure(
        'not_found',
        'No device that shows a code was found on this network. Give the link that the other device shows instead.',
      );
      for (;;) {
        const fresh = (named.length > 0 ? named : neighbors()).filter(({ peerId }) => !tried.has(peerId));
        for (const { peerId, addresses: at } of fresh.slice(0, NEIGHBORS_MAX - tried.size)) {
          tried.add(peerId);
          try {
            await joinAt({ code }, peerId, at, onCheck, signal);
            return;
          } catch (error) {
            // Only one that shows a code can say that this one is wrong; another of the same network may show it.
            if (error instanceof Failure && error.code !== 'not_ready') wrong ??= error;
            if (named.length > 0) last = error;
          }
        }
        if (wrong !== null) throw wrong;
        if (performance.now() >= deadline || tried.size >= NEIGHBORS_MAX || signal.aborted) break;
        await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      }
      throw last;
    },
  };
}
