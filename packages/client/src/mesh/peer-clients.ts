/** This device as a client of the others: one client each, which moves to the best way there is. */
import { Failure, LIMITS, type DeviceId, type IdSource } from '@markco/protocol';
import type { MessageStream } from '@markco/protocol/message-stream';
import type { Client } from '../client.ts';
import { openClient } from '../open.ts';
import type { Network } from './network.ts';
import { peerFetch } from './peer-http.ts';
import { peerSocket } from './peer-socket.ts';
import type { Peers } from './peers.ts';
import { HTTP, STREAM } from './protocol-names.ts';

const OPEN_MS = 10_000;

export type PeerClients = ReturnType<typeof createPeerClients>;

export function createPeerClients({
  host,
  peers,
  ids,
}: {
  readonly host: Pick<Network, 'open' | 'onBetterPath'>;
  readonly peers: Pick<Peers, 'list' | 'deviceAt' | 'isGreeted'>;
  readonly ids: IdSource;
}) {
  const clients = new Map<DeviceId, { readonly client: Client; readonly move: () => void }>();

  host.onBetterPath((peerId) => {
    const device = peers.deviceAt(peerId);
    if (device !== undefined) clients.get(device)?.move();
  });

  return {
    /** `not_found` for one that is none of the user's. */
    client(device: DeviceId): Client {
      const peer = peers.list().find(({ deviceId }) => deviceId === device);
      if (peer === undefined) throw new Failure('not_found', 'This is none of your devices.');
      const open = (protocol: string, signal: AbortSignal): Promise<MessageStream> => {
        if (!peers.isGreeted(peer.peerId))
          throw new Failure('not_ready', `${peer.name} is not connected: ${peer.why ?? 'it does not answer'}`);
        return host.open(peer.peerId, protocol, signal, LIMITS.messageBytesMax, true);
      };
      const known = clients.get(device);
      if (known !== undefined) return known.client;
      let current: MessageStream | null = null;
      let moves = 0;
      const openStream = async (): Promise<MessageStream> => {
        const before = moves;
        current = await open(STREAM, AbortSignal.timeout(OPEN_MS));
        // A better way came up while it was being opened by the old one.
        if (moves !== before) move();
        return current;
      };
      const client = openClient({
        origin: 'http://device',
        webSocket: () => peerSocket(openStream),
        fetch: peerFetch(async (signal) => open(HTTP, signal)),
        now: ids.now,
        randomBytes: (length) => ids.randomBytes(length),
      });
      // The client opens another, on the better way, and asks for what it has not had.
      const move = (): void => {
        moves++;
        current?.onClose(() => client.reconnect());
        current?.close();
      };
      clients.set(device, { client, move });
      return client;
    },

    reconnect: (device: DeviceId): void => clients.get(device)?.client.reconnect(),

    async close(): Promise<void> {
      await Promise.all([...clients.values()].map(({ client }) => client.close()));
    },
  };
}
