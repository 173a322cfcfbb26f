/**
 * This browser as a device of its user: made one by a code that another device shows, and connected to the others from
 * then on, through the server of its page first and then, where that can be, directly.
 *
 * 1. Its key is made anew for each joining and never leaves the browser. What it joined is on disk before it acts by it.
 * 2. It adds nobody and hosts nothing: it has no key that could sign an entry of the log.
 */
import { Failure, newId, type DeviceHere, type DeviceId, type IdSource } from '@markco/protocol';
import { isHost, type CheckSigns, type SignLater, type Signer } from '@markco/protocol/identity';
import type { Client } from '../../client.ts';
import { keepImproving } from '../improve.ts';
import { createJoin } from '../join.ts';
import { entriesOf, keepLog, logOf } from '../kept-log.ts';
import { relayOf } from '../path.ts';
import { createPeerClients } from '../peer-clients.ts';
import { peerOfKey } from '../peer-key.ts';
import { createPeers, type Peer, type Peers } from '../peers.ts';
import { stunServersOf } from '../stun-servers.ts';
import type { Trust } from '../trust.ts';
import { createBrowserNetwork } from './browser-network.ts';
import { libp2pKeyOf, makeDeviceKey, signWith } from './device-key.ts';
import { doorAddress } from './door-address.ts';
import { hearAddresses } from './hear-addresses.ts';
import { keepDevice, keepNews, type KeptDevice } from './kept-device.ts';

/** What the server of the page says of the way to the user's devices. */
export type Door = { readonly peerId: string | null; readonly showing: readonly string[] };

export type ThisDeviceParts = {
  readonly ids: IdSource;
  /** Of the page. */
  readonly origin: string;
  readonly door: () => Promise<Door>;
  readonly about: { readonly name: string; readonly os: string };
};

export type ThisDevice = {
  readonly deviceId: DeviceId;
  readonly trust: Trust;
  readonly sign: SignLater;
  readonly peers: Peers;
  /** Devices that keep projects and run code, as far as they are connected. */
  hosts(): readonly Peer[];
  /** All devices of the user, this one first. */
  devices(): DeviceHere[];
  client(device: DeviceId): Client;
  /** Tries at once whoever is not connected: the page is looked at again, or the network is back. */
  wake(): void;
  close(): Promise<void>;
};

/** Becomes a device. Resolves once that is on disk: `openThisDevice` then goes on from there. */
export async function joinDevices(
  parts: ThisDeviceParts,
  code: string,
  onCheck: (check: CheckSigns) => void,
  signal: AbortSignal,
): Promise<KeptDevice> {
  const { ids, about } = parts;
  const key = await makeDeviceKey();
  const { peerId, showing } = await parts.door();
  if (peerId === null) throw noDoor();
  const at = doorAddress(parts.origin);
  const through = `${at}/p2p/${peerId}/p2p-circuit`;
  if (showing.length === 0 && !code.includes('#'))
    throw new Failure(
      'not_found',
      'None of your devices that this cloud reaches shows a code now. On one of them: markco pair',
    );
  const deviceId = newId<DeviceId>(ids);
  const network = await createBrowserNetwork({ privateKey: libp2pKeyOf(key), door: at, admits: () => false });
  try {
    const joined = Promise.withResolvers<KeptDevice>();
    const { join } = createJoin({
      network,
      randomBytes: ids.randomBytes,
      now: ids.now,
      about: { device: deviceId, key: key.publicKey, name: about.name, kind: 'web', os: about.os },
      neighbors: () => showing.map((each) => ({ peerId: each, addresses: [each === peerId ? at : through] })),
      waitMs: 0,
      async onJoined(log, certificate) {
        const kept = { ...key, deviceId, name: about.name, entries: entriesOf(log), certificate, seenAt: ids.now() };
        await keepDevice(kept);
        joined.resolve(kept);
      },
      onAdded: () => undefined,
    });
    // A link says where its device is, but not in a form that a page may use.
    await join(code, code.includes('#') ? [at, through] : [], onCheck, signal);
    return await joined.promise;
  } finally {
    await network.close();
  }
}

export async function openThisDevice(parts: ThisDeviceParts, kept: KeptDevice): Promise<ThisDevice> {
  const { ids } = parts;
  const { deviceId } = kept;
  const log = logOf(kept.entries);
  if (log instanceof Failure) throw log;
  const state = keepLog({
    first: { log, certificate: kept.certificate, seenAt: kept.seenAt },
    isKept: true,
    clock: ids.now,
    write: (now) => keepNews({ ...kept, ...now, entries: entriesOf(now.log) }),
  });
  const trust: Trust = {
    deviceId,
    peerId: peerOfKey(kept.publicKey),
    signer: signsNothing(kept.publicKey),
    get userId() {
      return state.userId;
    },
    get log() {
      return state.log;
    },
    get members() {
      return state.members;
    },
    get certificate() {
      return state.certificate;
    },
    now: state.now,
    memberAt: state.memberAt,
    take: state.take,
    renew: state.renew,
    onChange: state.onChange,
  };
  const at = doorAddress(parts.origin);
  const late: { peers?: Peers } = {};
  const network = await createBrowserNetwork({
    privateKey: libp2pKeyOf(kept),
    door: at,
    admits: (peerId) => trust.memberAt(peerId) !== undefined,
    stunServers: () => stunServersOf(late.peers?.list() ?? []),
  });
  const peers = await createPeers({
    host: network,
    trust,
    chance: () => (ids.randomBytes(1)[0] ?? 0) / 256,
    addresses: new Map(),
    keep: () => undefined,
    calledNow: () => undefined,
    onTrouble: () => undefined,
  });
  late.peers = peers;
  const clients = createPeerClients({ host: network, peers, ids });
  peers.onPeer(({ deviceId: there }, isConnected) => {
    if (isConnected) clients.reconnect(there);
  });
  let door: string | null = null;

  /** All of them are behind the one door. */
  const wayTo = (peerId: string): readonly string[] =>
    door === null ? [] : [peerId === door ? at : `${at}/p2p/${door}/p2p-circuit`];
  /** To be told where a device is makes it be tried. */
  function tellWays(): void {
    if (door !== null) for (const { peerId } of peers.list()) peers.heard(peerId, wayTo(peerId));
  }
  const stopImproving = keepImproving({ host: network, peers, leads: () => true });
  const stopHearing = hearAddresses({
    ...{ network, peers },
    onAddresses: (peerId, addresses, isRelay) =>
      void peers.heard(peerId, [...wayTo(peerId), ...addresses], { bySelf: true, isRelay }),
  });
  function wake(): void {
    parts.door().then(
      ({ peerId }) => {
        door = peerId;
        tellWays();
      },
      // The page says itself when its server does not answer; where the door is does not change.
      tellWays,
    );
  }
  const stop = trust.onChange(tellWays);
  wake();

  return {
    ...{ deviceId, trust, peers, wake },
    sign: signWith(kept),
    hosts: () => peers.list().filter(({ state: now, kind }) => now === 'connected' && isHost(kind)),
    devices: () => [
      hereOf({ ...kept, userId: trust.userId, now: trust.now() }),
      ...peers.list().map((peer, _, all) => thereOf(peer, all, trust.userId, trust.now())),
    ],
    client: clients.client,
    async close() {
      stop();
      stopImproving();
      stopHearing();
      peers.close();
      await clients.close();
      await network.close();
    },
  };
}

const noDoor = (): Failure =>
  new Failure(
    'not_ready',
    'The machine of this cloud is none of your devices yet, so nothing leads from here to the others. Add it first: markco pair on one of your devices, then markco pair LINK on the server.',
  );

function signsNothing(publicKey: Uint8Array): Signer {
  return {
    publicKey,
    sign() {
      throw new Failure('forbidden', 'A browser signs nothing but runs.');
    },
  };
}

const iso = (ms: number): string => new Date(ms).toISOString();
/** What this browser knows of what a device can do: a device says that with where a run would go. */
const NOTHING_KNOWN = {
  runtimes: [],
  resources: { network: 'offline' as const },
  policy: { allowRemoteExecution: true, allowHeavyJobs: false, allowWhenOnBattery: false, maxConcurrentRuns: 0 },
};

type Here = Pick<KeptDevice, 'deviceId' | 'name'> & { readonly userId: DeviceHere['userId']; readonly now: number };

function hereOf({ deviceId: id, name, userId, now }: Here): DeviceHere {
  const at = iso(now);
  return {
    ...{ id, userId, kind: 'web', name, lastSeenAt: at, status: 'online', createdAt: at },
    capability: { deviceId: id, online: true, heartbeatAt: at, ...NOTHING_KNOWN },
  };
}

/** Through whom a way leads. */
function relayNameOf(address: string, all: readonly Peer[]): { readonly relayedBy?: string } {
  const relay = all.find(({ peerId }) => peerId === relayOf(address));
  return relay === undefined ? {} : { relayedBy: relay.name };
}

function thereOf(peer: Peer, all: readonly Peer[], userId: DeviceHere['userId'], now: number): DeviceHere {
  const { deviceId: id, name, kind, state, since, why, paths } = peer;
  const online = state === 'connected';
  const seenAt = iso(online ? now : since);
  return {
    ...{ id, userId, name, kind: kind === 'public-web' ? 'web' : kind, lastSeenAt: seenAt, createdAt: iso(since) },
    status: online ? 'online' : 'offline',
    capability: { deviceId: id, online, heartbeatAt: seenAt, ...NOTHING_KNOWN },
    connection: {
      ...{ state, since: iso(since) },
      ...(why === null ? {} : { why }),
      paths: paths.map(({ address, isRelayed, roundTripMs }) => ({
        ...{ address, relayed: isRelayed, sameNetwork: false },
        ...relayNameOf(isRelayed ? address : '', all),
        ...(roundTripMs === null ? {} : { roundTripMs }),
      })),
    },
  };
}
