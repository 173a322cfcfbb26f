/**
 * Listening for WebRTC on a UDP port of one's own. For each new name that a packet from anywhere carries libp2p makes a
 * connection, before anybody has shown who it is; so few are in the making at once, and further ones hear nothing until
 * one of those is over, which libp2p sees to within seconds.
 */
import type { Transport } from '@libp2p/interface';
import type { Libp2pOptions } from 'libp2p';

/** Connections that nobody has proven to be behind yet. */
export const UNPROVEN_MAX = 10;

type Factory = NonNullable<Libp2pOptions['transports']>[number];
/** The part of its listener that libp2p has no public name for. */
type WebRtcListener = {
  readonly connections: ReadonlyMap<string, unknown>;
  incomingConnection(name: string, host: string, port: number, signal: AbortSignal): Promise<void>;
};

export function boundedWebRtc(make: Factory): Factory {
  return (components) => {
    const transport: Transport = make(components);
    const createListener = transport.createListener.bind(transport);
    transport.createListener = (options) => {
      const listener = createListener(options);
      bound(listener as unknown as WebRtcListener);
      return listener;
    };
    return transport;
  };
}

export function bound(listener: WebRtcListener): void {
  const come = listener.incomingConnection.bind(listener);
  let unproven = 0;
  listener.incomingConnection = async (name, host, port, signal) => {
    // The same packet again, from who is waiting for an answer to it.
    if (listener.connections.has(`${host}:${port}:${name}`)) return;
    if (unproven >= UNPROVEN_MAX) return;
    unproven++;
    try {
      await come(name, host, port, signal);
    } finally {
      unproven--;
    }
  };
}
