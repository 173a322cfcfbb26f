/** Becoming a device of somebody whose other device shows a code: a code or a link, and where that one is. */
import { Failure, LIMITS } from '@markco/protocol';
import {
  createJoiner,
  readPairingCode,
  readPairingLink,
  type CheckSigns,
  type NewDevice,
  type PairingOffer,
  type UserLog,
} from '@markco/protocol/identity';
import type { Network } from './network.ts';
import { keyOfPeer, peerOfKey } from './peer-key.ts';
import { PAIR } from './protocol-names.ts';

/** Devices that a typed code is tried with, one after another: the code is good for one guess at each. */
const NEIGHBORS_MAX = 10;
const LOOK_AGAIN_MS = 200;
const CONNECT_TRIES = 3;
/** A device takes so many connections a second from one address. */
const CONNECT_AGAIN_MS = 1_100;

type By = { readonly offer: PairingOffer } | { readonly code: string };

export type JoinParts = {
  readonly network: Pick<Network, 'connect' | 'open'>;
  readonly about: NewDevice;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly now: () => number;
  /** Devices that may show a code: one without an address is tried with them. */
  readonly neighbors: () => readonly { readonly peerId: string; readonly addresses: readonly string[] }[];
  /** How long they are waited for. */
  readonly waitMs: number;
  /** Resolves once it is kept whose device this is now. */
  readonly onJoined: (log: UserLog, certificate: Uint8Array) => Promise<void>;
  readonly onAdded: (peerId: string, addresses: readonly string[]) => void;
};

export type Join = {
  /** Becomes a device of the user whose code this is. Resolves with the device that added it, once all is kept. */
  join(
    written: string,
    addresses: readonly string[],
    onCheck: (check: CheckSigns) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** It is asked now to add this device. */
  isAsked(peerId: string): boolean;
};

export function createJoin({ network, about, randomBytes, now, neighbors, waitMs, ...parts }: JoinParts): Join {
  let asked: string | null = null;

  async function joinAt(
    by: By,
    peerId: string,
    addresses: readonly string[],
    onCheck: (check: CheckSigns) => void,
    signal: AbortSignal,
  ): Promise<void> {
    await connect(peerId, addresses, signal);
    asked = peerId;
    await meet(by, peerId, onCheck, signal).finally(() => (asked = null));
    parts.onAdded(peerId, addresses);
  }

  /** One that was turned away because many came at once from its network gets in a moment later. */
  async function connect(peerId: string, addresses: readonly string[], signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await network.connect(peerId, addresses, signal);
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
    const stream = await network.open(peerId, PAIR, signal, LIMITS.pairingBytesMax);
    const joiner = createJoiner({ by, about, peerKey: keyOfPeer(peerId), randomBytes });
    await new Promise<void>((resolve, reject) => {
      let isJoined = false;
      const take = ({ send, now: state }: ReturnType<typeof joiner.start>): void => {
        for (const bytes of send) stream.sendBytes(bytes);
        if (state.state === 'agreed') onCheck(state.check);
        if (state.state === 'failed') reject(state.failure);
        if (state.state === 'joined') {
          isJoined = true;
          parts.onJoined(state.log, state.certificate).then(resolve, reject);
        }
        if (state.state === 'failed' || state.state === 'joined') stream.close();
      };
      signal.addEventListener('abort', () => {
        reject(new Failure('not_ready', 'It was given up before the other device answered.'));
        stream.close();
      });
      stream.onMessage((message) => {
        if (typeof message !== 'string') take(joiner.receive(message, now()));
      });
      stream.onClose((cause) => {
        const message = 'The other device shows no code now, or the connection broke. Make a new code there.';
        if (!isJoined) reject(new Failure('not_ready', message, { cause }));
      });
      take(joiner.start());
    });
  }

  return {
    isAsked: (peerId) => peerId === asked,
    async join(written, addresses, onCheck, signal) {
      if (/#/.test(written)) {
        const offer = readPairingLink(written, now());
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
      const deadline = performance.now() + (named.length > 0 ? 0 : waitMs);
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
