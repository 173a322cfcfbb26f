/** Who says by which address the world sees this device, so that two behind routers find a way (STUN): the user's own relays. */
import { kindOf } from './path.ts';
import type { Peer } from './peers.ts';

/** Servers that are asked; more make finding a way slower, not surer. */
const SERVERS_MAX = 2;

/** The relays that are connected. */
export function stunServersOf(
  peers: readonly Pick<Peer, 'isRelay' | 'state' | 'paths' | 'addresses'>[],
): readonly string[] {
  const servers = peers
    .filter(({ isRelay, state }) => isRelay && state === 'connected')
    .flatMap(({ paths, addresses }) => [...paths.map(({ address }) => address), ...addresses])
    .filter((address) => kindOf(address) === 'tcp')
    .flatMap((address) => {
      const found = /^\/(?:ip4|dns|dns4)\/([^/]+)\/tcp\/(\d+)/.exec(address);
      return found === null ? [] : [`stun:${found[1]}:${found[2]}`];
    });
  return [...new Set(servers)].slice(0, SERVERS_MAX);
}
