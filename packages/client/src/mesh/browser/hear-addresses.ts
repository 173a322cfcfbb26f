/**
 * Hears from each device that is connected where it is: what a direct way to it begins with. That is the stream by which
 * devices keep each other up to date; a browser has nothing to say on it, and passes over all else that is said.
 */
import type { MessageStream } from '@markco/protocol/message-stream';
import { isHost } from '@markco/protocol/identity';
import type { Network } from '../network.ts';
import { kindOf, relayOf } from '../path.ts';
import type { Peers } from '../peers.ts';
import { CONTROL } from '../protocol-names.ts';
import { CONTROL_BYTES_MAX, ToldDevicesSchema } from '../told-devices.ts';

const OPEN_MS = 10_000;
const AGAIN_MS = 1_000;
const DOUBLINGS_MAX = 6;
/** Kept of one device. */
const KEPT_MAX = 8;

export type HearAddressesParts = {
  readonly network: Pick<Network, 'open' | 'onBetterPath'>;
  readonly peers: Pick<Peers, 'list' | 'onPeer'>;
  /** What a device says of itself: ports for WebRTC, and, of a relay, where it tells who asks by which address it is seen. */
  readonly onAddresses: (peerId: string, addresses: readonly string[], isRelay: boolean) => void;
};

/** Answers how to stop. */
export function hearAddresses({ network, peers, onAddresses }: HearAddressesParts): () => void {
  /** By peer, the stream that is heard now; undefined while it is being opened. */
  const listening = new Map<string, { stream?: MessageStream }>();
  let isOver = false;

  function hear(peerId: string, text: string): void {
    const told = ToldDevicesSchema.safeParse(parseJson(text));
    if (!told.success) return;
    const self = peers.list().find((peer) => peer.peerId === peerId)?.deviceId;
    for (const device of told.data.devices) {
      // Of others it says what it heard.
      if (device.deviceId !== self) continue;
      const isRelay = device.isRelay === true;
      const useful = device.addresses.filter(
        (address) =>
          relayOf(address) === undefined &&
          (/\/webrtc-direct\/certhash\//.test(address) || (isRelay && kindOf(address) === 'tcp')),
      );
      onAddresses(peerId, useful.slice(0, KEPT_MAX), isRelay);
    }
  }

  async function listen(peerId: string, tries: number): Promise<void> {
    const mine: { stream?: MessageStream } = {};
    const before = listening.get(peerId);
    listening.set(peerId, mine);
    const isCurrent = (): boolean => !isOver && listening.get(peerId) === mine && isAsked(peerId);
    // It may not have heard yet that this browser said hello.
    const again = (): void => {
      const next = (): void => void (isCurrent() && listen(peerId, tries + 1));
      if (isCurrent()) setTimeout(next, AGAIN_MS * 2 ** Math.min(tries, DOUBLINGS_MAX));
    };
    try {
      const stream = await network.open(peerId, CONTROL, AbortSignal.timeout(OPEN_MS), CONTROL_BYTES_MAX);
      before?.stream?.close();
      if (!isCurrent()) return stream.close();
      mine.stream = stream;
      stream.onMessage((message) => {
        if (typeof message === 'string') hear(peerId, message);
      });
      stream.onClose(again);
    } catch {
      again();
    }
  }

  const isAsked = (peerId: string): boolean =>
    peers.list().some((peer) => peer.peerId === peerId && peer.state === 'connected' && isHost(peer.kind));
  const begin = (peerId: string): void => {
    if (!isOver && isAsked(peerId)) void listen(peerId, 0);
  };
  const stop = peers.onPeer(({ peerId }, isConnected) => {
    if (isConnected) begin(peerId);
    else listening.delete(peerId);
  });
  network.onBetterPath(begin);

  return () => {
    isOver = true;
    stop();
    for (const { stream } of listening.values()) stream?.close();
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
