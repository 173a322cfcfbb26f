/** The way to this device and, through it, to others, for a server on this machine that passes connections on. */
import type { Mesh } from './mesh.ts';

export type PeerDoor = {
  readonly peerId: string;
  /** Where it listens for WebSockets. */
  readonly host: string;
  readonly port: number;
  /** Devices that show a code to pair with, this one and those that are reached through it. */
  readonly showing: readonly string[];
};

/** Null where there is no such listener. @param host at which it listens; `0.0.0.0` for all of this machine */
export function peerDoorOf({ host: peer, showing }: Pick<Mesh, 'host' | 'showing'>, host: string): PeerDoor | null {
  const port = peer
    .listening()
    .flatMap((address) => /^\/ip4\/[^/]+\/tcp\/(\d+)\/ws(\/|$)/.exec(address)?.[1] ?? [])
    .map(Number)[0];
  if (port === undefined) return null;
  return { peerId: peer.peerId, host: host === '0.0.0.0' ? '127.0.0.1' : host, port, showing: showing() };
}
