/** Every address that is known of a device, tried for itself: what answers, how quickly, and why not. */
import { Failure, type DeviceId, type Trace } from '@markco/protocol';
import type { Mesh } from './mesh.ts';
import type { Networks } from './networks.ts';
import { relayOf, withoutPeer } from '@markco/client/mesh/path';
import { ANSWER_MS, reach } from './reach.ts';

export type Traced = {
  readonly host: Pick<Mesh['host'], 'ping' | 'addresses' | 'probe' | 'paths'>;
  readonly peers: Pick<Mesh['peers'], 'list' | 'reach' | 'waysTo'>;
};

/** Answered within ANSWER_MS. `not_found` for what is none of the user's other devices. */
export async function trace(
  { host, peers }: Traced,
  device: DeviceId,
  networks: Networks,
  now: () => number,
  signal: AbortSignal = AbortSignal.timeout((ANSWER_MS * 3) / 4),
): Promise<Trace> {
  const all = peers.list();
  const peer = all.find(({ deviceId }) => deviceId === device);
  if (peer === undefined) throw new Failure('not_found', 'This is none of your other devices.');
  const ways = peers.waysTo(peer.peerId);
  const tries = await host.probe(peer.peerId, ways, signal);
  const open = host.paths(peer.peerId).map(({ address }) => withoutPeer(address));
  const nameOf = (peerId: string | undefined): string | undefined =>
    all.find((each) => each.peerId === peerId)?.name ?? peerId;
  return {
    reach: await reach({ host, peers }, device, networks, now, AbortSignal.timeout(ANSWER_MS / 4)),
    tries: tries.map(({ address, kind, ms, why }) => {
      const relayedBy = nameOf(relayOf(address));
      return {
        ...{ address: withoutPeer(address), how: kind, ms: Math.round(ms), answered: why === null },
        ...(relayedBy === undefined ? {} : { relayedBy }),
        ...(why === null ? {} : { why }),
        inUse: open.includes(withoutPeer(address)),
      };
    }),
  };
}
