/**
 * Whether other devices answer right now, by which way, and what to do about one that does not.
 *
 * All of it is answered within ANSWER_MS, however many devices there are: they are asked at once.
 */
import { Failure, type DeviceHere, type DeviceId, type Netcheck, type Reach } from '@markco/protocol';
import type { Path } from '@markco/client/mesh/network';
import type { Mesh } from './mesh.ts';
import type { Networks } from './networks.ts';
import { relayOf } from '@markco/client/mesh/path';
import type { Peer } from '@markco/client/mesh/peers';

/** Less than the five seconds that a person is promised, for a machine that is busy. */
export const ANSWER_MS = 4_000;

type PathHere = NonNullable<DeviceHere['connection']>['paths'][number];
export type Reached = Pick<Mesh, 'neighbors'> & {
  readonly slots: Pick<Mesh['slots'], 'list'>;
  readonly dialBack: Mesh['dialBack'];
  readonly host: Pick<Mesh['host'], 'ping' | 'addresses'>;
  readonly peers: Pick<Mesh['peers'], 'list' | 'reach'>;
};

/** A way as others are told of it. */
export function pathHere(
  { address, isRelayed, roundTripMs }: Path,
  peers: readonly Pick<Peer, 'peerId' | 'name'>[],
  networks: Networks,
): PathHere {
  const relay = relayOf(address);
  const relayedBy = peers.find(({ peerId }) => peerId === relay)?.name ?? relay;
  return {
    address,
    relayed: isRelayed,
    ...(isRelayed && relayedBy !== undefined ? { relayedBy } : {}),
    sameNetwork: !isRelayed && networks.includes(address),
    ...(roundTripMs === null ? {} : { roundTripMs }),
  };
}

/** One round trip. `not_found` for what is none of the user's other devices. */
export async function reach(
  { host, peers }: Pick<Reached, 'host' | 'peers'>,
  device: DeviceId,
  networks: Networks,
  now: () => number,
  signal: AbortSignal = AbortSignal.timeout(ANSWER_MS),
): Promise<Reach> {
  await peers.reach(device, signal);
  const peer = peers.list().find(({ deviceId }) => deviceId === device);
  if (peer === undefined) throw new Failure('not_found', 'This is none of your other devices.');
  if (peer.state !== 'connected') return { answered: false, since: iso(peer.since), ...whyNot(peer, networks) };
  try {
    const roundTripMs = await host.ping(peer.peerId, signal);
    // The first of them is the one that was asked.
    const [path] = peer.paths;
    if (path !== undefined)
      return { answered: true, roundTripMs, path: pathHere({ ...path, roundTripMs }, peers.list(), networks) };
  } catch {
    // Told below: what a ping fails with says no more than that nothing came.
  }
  return {
    answered: false,
    since: iso(now()),
    why: 'It was connected just now and does not answer: its machine is asleep or very busy, or its network is gone.',
    fix: `Look at ${peer.name}: is it awake, and on a network?`,
  };
}

/** What a person can do, decided by what is known of the device and of this one. */
function whyNot(peer: Peer, networks: Networks): { readonly why: string; readonly fix: string } {
  if (!networks.ipv4 && !networks.ipv6)
    return { why: 'This device is on no network.', fix: 'Connect it to a network, then try again.' };
  if (peer.paths.length > 0)
    return {
      why: `It answers, but does not take this device for one of yours. ${peer.why ?? ''}`.trim(),
      // A device that was removed never comes back as the same one.
      fix: 'If this device was removed, it comes back as a new one: MARKCO_HOME=NEW_FOLDER markco up, then markco pair',
    };
  if (peer.addresses.length === 0)
    return {
      why: 'It is not known where it is.',
      fix: `Bring it to this network and start MarkCo there. On ${peer.name}: markco up`,
    };
  return {
    why: peer.why ?? 'It did not answer in time.',
    fix: `Wake it and start MarkCo there. On ${peer.name}: markco up`,
  };
}

/** What this device can do on the network. @param mesh null while it has no other devices */
export async function netcheck(mesh: Reached | null, networks: Networks, now: () => number): Promise<Netcheck> {
  const addresses = mesh?.host.addresses() ?? [];
  const neighbors = mesh?.neighbors() ?? null;
  const signal = AbortSignal.timeout(ANSWER_MS);
  const devices = (mesh?.peers.list() ?? []).map(async ({ deviceId, name }) => ({
    deviceId,
    name,
    reach: await reach(mesh as Reached, deviceId, networks, now, signal),
  }));
  const listens = (family: string): boolean => addresses.some((address) => address.startsWith(`/${family}/`));
  return {
    addresses: [...addresses],
    neighbors: { lookedFor: neighbors !== null, answered: neighbors ?? 0 },
    ipv4: { usable: networks.ipv4, listening: listens('ip4') },
    ipv6: { usable: networks.ipv6, listening: listens('ip6') },
    outside: mesh === null ? [] : outsideOf(mesh),
    relays: mesh === null ? [] : relaysOf(mesh),
    devices: await Promise.all(devices),
  };
}

function outsideOf({ peers, dialBack }: Reached): NonNullable<Netcheck['outside']> {
  const names = new Map(peers.list().map(({ deviceId, name }) => [deviceId, name]));
  return dialBack.list().flatMap(({ by, address, why }) => {
    const name = names.get(by);
    if (name === undefined) return [];
    return [{ deviceId: by, name, address, answered: why === null, ...(why === null ? {} : { why }) }];
  });
}

function relaysOf({ peers, slots }: Reached): Netcheck['relays'] {
  const places = new Map(slots.list().map((slot) => [slot.relay, slot]));
  return peers
    .list()
    .filter(({ isRelay }) => isRelay)
    .map(({ deviceId, peerId, name, state, why, paths: [path] }) => {
      const place = places.get(peerId);
      const whyNot = state === 'connected' ? (place?.why ?? 'it has not answered yet') : (why ?? 'it does not answer');
      return {
        ...{ deviceId, name, reserved: place?.isReserved === true },
        ...(path === undefined ? {} : { address: path.address }),
        ...(path === undefined || path.roundTripMs === null ? {} : { roundTripMs: path.roundTripMs }),
        ...(place?.isReserved === true ? {} : { why: whyNot }),
      };
    });
}

const iso = (ms: number): string => new Date(ms).toISOString();
