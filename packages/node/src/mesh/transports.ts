/**
 * What carries bytes between devices: TCP first, WebSocket where only the web is let through, WebRTC where only UDP is or
 * a hole has to be punched, a relay where nothing else is. A transport that cannot be had on a machine is left out, and
 * why is told.
 */
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { TimeoutError, type Transport, type TypedEventTarget } from '@libp2p/interface';
import { kindOf } from '@markco/client/mesh/path';
import { peerIdFromString } from '@libp2p/peer-id';
import { tcp } from '@libp2p/tcp';
import { webSockets } from '@libp2p/websockets';
import { Failure } from '@markco/protocol';
import { guarded, type Guard } from './guarded.ts';
import { webRtc, type Factory } from './webrtc.ts';

/** The largest WebSocket message; a stranger may send one before it says who it is. libp2p's are some 64 KB. */
const WEBSOCKET_BYTES_MAX = 1024 * 1024;
/** How long the kernel of the other machine may take to answer; the program there is given longer. */
const REACHED_MS = 1_500;
/** Circuits that come in through one relay, at once. */
const CIRCUITS_MAX = 200;

/** A place at a relay, where others then find this device. */
export type Slots = {
  /** Kept and renewed from then on, while the two stay connected. */
  reserve(relay: string): Promise<void>;
  onLost(listener: (relay: string) => void): void;
};

export type TransportParts = {
  readonly listen: readonly string[];
  readonly guard: Guard;
  /** Where WebRTC asks by which address the world sees this device: `stun:203.0.113.7:7718`. */
  readonly stunServers: () => readonly string[];
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

const isWebRtc = (address: string): boolean => kindOf(address) === 'webrtc';

/** The part of the relay's transport that libp2p has no public name for. */
type RelayTransport = {
  readonly reservationStore: TypedEventTarget<{ 'relay:removed': CustomEvent<{ relay: { toString(): string } }> }> & {
    addRelay(relay: ReturnType<typeof peerIdFromString>, type: 'configured'): Promise<unknown>;
  };
};

export async function createTransports({ listen, guard, stunServers, onTrouble }: TransportParts): Promise<{
  readonly factories: Factory[];
  readonly slots: Slots;
  /** Those of the addresses that there is a transport for. */
  readonly listen: readonly string[];
}> {
  const late: { relay?: RelayTransport } = {};
  const listeners: ((relay: string) => void)[] = [];

  const relayed: Factory = (components) => {
    const made = circuitRelayTransport({
      maxInboundStopStreams: CIRCUITS_MAX,
      // Looks for no relays by itself: only the user's own are asked, once they have said hello.
      discoveryFilter: { has: () => true, add: () => undefined, remove: () => undefined },
      reservationCompletionTimeout: 5_000,
    })(guarded(components, guard));
    late.relay = made as unknown as RelayTransport;
    late.relay.reservationStore.addEventListener('relay:removed', ({ detail }) => {
      for (const listener of listeners) listener(detail.relay.toString());
    });
    return made;
  };

  const overUdp = await webRtc({
    ...{ guard, stunServers, onTrouble },
    listens: listen.some(isWebRtc),
    load: () => import('@libp2p/webrtc'),
  });
  return {
    factories: [insistentTcp, boundedWebSockets, relayed, ...overUdp.factories],
    listen: overUdp.isLost ? listen.filter((address) => !isWebRtc(address)) : listen,
    slots: {
      async reserve(relay) {
        if (late.relay === undefined) throw new Failure('internal', 'The network is not there yet.');
        await late.relay.reservationStore.addRelay(peerIdFromString(relay), 'configured');
      },
      onLost: (listener) => void listeners.push(listener),
    },
  };
}

type Opened = {
  on(event: 'error', listener: () => void): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
};
/** The part of its listener that libp2p has no public name for. */
type WebSocketListener = {
  readonly wsServer: {
    readonly options: { maxPayload: number };
    handleUpgrade: (
      request: unknown,
      socket: unknown,
      head: unknown,
      use: (opened: Opened, from: unknown) => void,
    ) => void;
  };
};

/** libp2p heeds the time until the socket is connected, and gives it another one then. */
const insistentTcp: Factory = (components) =>
  insistent(tcp({ dialOpts: Object.assign({ noDelay: true }, { timeout: REACHED_MS }) })(components));

/**
 * The first packet of a connection, lost, would be sent again after 1, 3 and 7 s. Begun anew instead, for as long as its
 * address is tried, it is there at most a second after a network is.
 */
export function insistent(transport: Transport): Transport {
  const dial = transport.dial.bind(transport);
  transport.dial = async (address, options) => {
    for (;;) {
      try {
        return await dial(address, options);
      } catch (error) {
        if (!(error instanceof TimeoutError) || options.signal.aborted) throw error;
      }
    }
  };
  return transport;
}

/** What a stranger sends is bounded; and what is wrong with it ends its connection, where it would end the program. */
const boundedWebSockets: Factory = (components) => {
  const transport: Transport = webSockets()(components);
  const createListener = transport.createListener.bind(transport);
  transport.createListener = (options) => {
    const listener = createListener(options);
    const { wsServer } = listener as unknown as WebSocketListener;
    wsServer.options.maxPayload = WEBSOCKET_BYTES_MAX;
    const upgrade = wsServer.handleUpgrade.bind(wsServer);
    wsServer.handleUpgrade = (request, socket, head, use) =>
      upgrade(request, socket, head, (opened, from) => {
        opened.on('error', () => undefined);
        const close = opened.close.bind(opened);
        // libp2p breaks a connection off with a code that is not allowed to be sent, which would leave it open.
        opened.close = (code, reason) => (code === 1006 ? opened.terminate() : close(code, reason));
        use(opened, from);
      });
    return listener;
  };
  return transport;
};
