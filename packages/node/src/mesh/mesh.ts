/**
 * This device among the others of its user: found, trusted, connected, kept equal, and asked to run things.
 *
 * Of two devices the one with the smaller peer id leads: it opens the streams that both need once. Streams are opened
 * again when they end while the devices stay connected.
 */
import type { Client } from '@markco/client';
import { keepImproving } from '@markco/client/mesh/improve';
import { createPeerClients } from '@markco/client/mesh/peer-clients';
import { servePeerRequest } from '@markco/client/mesh/peer-http';
import { keyOfPeer } from '@markco/client/mesh/peer-key';
import { createPeers, type Peers } from '@markco/client/mesh/peers';
import { CONTROL, HTTP, STREAM } from '@markco/client/mesh/protocol-names';
import { stunServersOf } from '@markco/client/mesh/stun-servers';
import { CONTROL_BYTES_MAX } from '@markco/client/mesh/told-devices';
import { Failure, LIMITS, type DeviceId, type Project, type ProjectId } from '@markco/protocol';
import { isHost } from '@markco/protocol/identity/caps';
import { createAssets, type Assets } from './assets/assets.ts';
import { ASSET_LISTS, LIST_MESSAGE_BYTES_MAX } from './assets/exchange.ts';
import { ASSET_MESSAGE_BYTES_MAX, ASSETS } from './assets/transfer.ts';
import { createConducts } from './conduct.ts';
import { createHeldCopies, type HeldCopies } from './copies.ts';
import type { Heartbeat } from './control.ts';
import { createControls } from './controls.ts';
import { replicate, type Replication } from '@markco/replica/replicate/replicate';
import { answerDialBack, createDialBack, DIAL_BACK, type DialBack } from './dial-back.ts';
import { createHost, type Host } from './host.ts';
import { createKeepOpen } from './keep-open.ts';
import { keepAddresses, readAddresses } from './known-addresses.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import type { MeshParts } from './mesh-parts.ts';
import { MOVE, MOVE_MESSAGE_BYTES_MAX } from './moving/messages.ts';
import { createNeighbors } from './neighbors.ts';
import { openThere } from './open-there.ts';
import { createPair, type Pair } from './pair.ts';
import { peerConnection } from './peer-connection.ts';
import { DOCUMENTS, mayUse } from './protocols.ts';
import { createRelay, HOP } from './relay.ts';
import { createSlots, type Slots } from './slots.ts';
import { serveStun } from './stun.ts';

/** Of what two need once: the stream that ends, and the one in its place. */
const ONCE = 2;

export type Mesh = {
  readonly host: Host;
  readonly peers: Peers;
  readonly pair: Pair;
  /** Places at relays, through which this device is found. */
  readonly slots: Pick<Slots, 'list' | 'ready'>;
  /** How others find this device from outside its network. */
  readonly dialBack: Pick<DialBack, 'list'>;
  /** Of each device that ever said so since this one started, newest last said. */
  heartbeats(): ReadonlyMap<DeviceId, Heartbeat & { readonly at: number }>;
  /** Devices on the same network that said where they are, this user's and others'; null when none are looked for. */
  neighbors(): number | null;
  /** Projects that other devices have open, and which. */
  elsewhere(): ReadonlyMap<ProjectId, { readonly project: Project; readonly devices: readonly DeviceId[] }>;
  /** Devices that show a code now and are reached through this one, itself among them. */
  showing(): readonly string[];
  /** On which of them a document is, as it is here. */
  readonly copies: HeldCopies;
  /** Files of projects, here and on other devices. */
  readonly assets: Pick<Assets, 'read' | 'changed'>;
  /** Asks another device, as a client of it. `not_found` for one that is none of the user's. */
  client(device: DeviceId): Client;
  /** One has come or gone, or told what it has open. */
  onDevices(listener: () => void): void;
  /** What is open here has changed. */
  tellProjects(): void;
  /** What this device can do, or how busy it is, has changed. */
  beat(): void;
  close(): Promise<void>;
};

export async function createMesh(parts: MeshParts): Promise<Mesh> {
  const { trust, ids, store, log } = parts;
  const controls = createControls();
  const replications = new Map<string, Replication>();
  const heartbeats = new Map<DeviceId, Heartbeat & { at: number }>();
  const theirs = new Map<DeviceId, readonly Project[]>();
  const neighbors = parts.findsNeighbors ? createNeighbors(() => performance.now()) : null;
  const addresses = readAddresses(store);
  const { digests, links } = parts;
  const deviceListeners: (() => void)[] = [];
  const devicesChanged = (): void => {
    for (const listener of deviceListeners) listener();
  };
  const late: { peers?: Peers; pair?: Pair } = {};
  const onTrouble = (doing: string, cause: unknown): void => log.warn('mesh.trouble', { doing }, cause);
  const isGreeted = (peerId: string): boolean =>
    late.peers?.isGreeted(peerId) === true && trust.memberAt(peerId) !== undefined;
  const relay = parts.isRelay
    ? createRelay({ isGreeted, now: trust.now, elapsed: () => performance.now() })
    : undefined;

  const conducts = createConducts({
    now: () => performance.now(),
    onCut(peerId, why) {
      log.warn('mesh.cut-off', { peer: late.peers?.deviceAt(peerId) ?? peerId }, why);
      setImmediate(() => void host.disconnect(peerId));
    },
  });
  const stopNews = parts.rooms.onChange(({ count }) => conducts.news(count));
  const host = await createHost({
    key: trust.key,
    conducts,
    listen: parts.listen,
    ...(parts.announce.length === 0 ? {} : { announce: parts.announce }),
    ...(neighbors === null ? {} : { neighbors }),
    admits(peerId, protocol) {
      const member = trust.memberAt(peerId);
      if (protocol === null) return member !== undefined;
      const greeted = isGreeted(peerId) ? member : undefined;
      if (protocol === HOP && relay?.hasGuests() === true) return true;
      if (Object.hasOwn(parts.channels ?? {}, protocol)) return greeted?.caps.includes('sync') === true;
      return mayUse(protocol, greeted, late.pair?.isOpen === true);
    },
    pagesOf: (peerId) => (isHost(trust.memberAt(peerId)?.kind ?? 'desktop') ? 1 : LIMITS.pagesMax),
    keeps: (peerId) => late.pair?.isAsking(peerId) === true || relay?.isGuest(peerId) === true,
    admitsThrough: (through, peerId) =>
      isGreeted(through) && (trust.memberAt(peerId) !== undefined || late.pair?.isOpen === true),
    ...(relay === undefined ? {} : { relay }),
    stunServers: () => stunServersOf(late.peers?.list() ?? []),
    now: ids.now,
    onTraffic: parts.onTraffic,
    onTrouble,
  });
  log.info('mesh.listening', { addresses: host.addresses().length });
  const peers = await createPeers({
    host,
    trust,
    chance: () => (ids.randomBytes(1)[0] ?? 0) / 256,
    addresses,
    calledNow: parts.calledNow ?? (() => undefined),
    keep(device, at) {
      addresses.set(device, at);
      keepAddresses(store, addresses).catch((error: unknown) => onTrouble('keeping addresses', error));
    },
    onTrouble,
  });
  late.peers = peers;
  neighbors?.onFound(({ peerId, addresses: at }) => void peers.heard(peerId, at));
  const clients = createPeerClients({ host, peers, ids });
  const copies = createHeldCopies({
    rooms: parts.rooms,
    now: ids.now,
    self: parts.about,
    peers: peers.list,
    projectOf: (id) => parts.catalog.get(id)?.projectId,
    shares: (device, project) => theirs.get(device)?.some(({ id }) => id === project) === true,
  });
  const pair = await createPair({
    host,
    trust,
    ids,
    about: parts.about,
    neighbors: () => neighbors?.list() ?? [],
    onAdded(peerId, at) {
      peers.refresh();
      peers.heard(peerId, at);
    },
    onOpen: controls.tellGuests,
  });
  late.pair = pair;

  host.onPeer((peerId, isConnected) => {
    if (!isConnected) relay?.left(peerId);
  });
  host.onAddresses(controls.tellDevices);
  const slots = createSlots({ host, peers });
  const dialBack = createDialBack({
    ...{ host, peers, isNear: parts.isNear },
    onFound: ({ by, address, why }) => log.info('mesh.outside', { peer: by, address, why }),
  });
  const stun = parts.isRelay ? await serveStun(host, onTrouble) : null;

  const nameOf = (peerId: string): DeviceId => {
    const device = peers.deviceAt(peerId);
    if (device === undefined) throw new Failure('forbidden', 'refused');
    return device;
  };
  const leads = (peerId: string): boolean => Buffer.compare(keyOfPeer(trust.peerId), keyOfPeer(peerId)) < 0;

  function onControl(stream: MessageStream, peerId: string): void {
    const device = nameOf(peerId);
    controls.open(stream, {
      trust,
      peer: device,
      addresses: () => [
        { deviceId: trust.deviceId, addresses: host.addresses(), ...(parts.isRelay ? { isRelay: true } : {}) },
        ...peers.list().map(({ deviceId, addresses: at, isRelay }) => ({
          ...{ deviceId, addresses: at },
          ...(isRelay ? { isRelay } : {}),
        })),
      ],
      guestsMs: () => pair.openMs,
      heartbeat: parts.heartbeat,
      onAddresses(about, at, said) {
        const found = peers.peerAt(about);
        // Only what a device says of itself is passed on, so that no rumor goes in circles.
        return found !== undefined && peers.heard(found, at, said) && said.bySelf;
      },
      onGuests: (forMs) => relay?.expectsGuests(peerId, trust.now() + forMs),
      onHeartbeat(heartbeat) {
        heartbeats.set(device, { ...heartbeat, at: trust.now() });
        parts.onHeartbeat?.(device);
      },
      wasted: (cost) => conducts.of(peerId).wasted(cost),
    });
  }

  function onDocuments(stream: MessageStream, peerId: string): void {
    const device = nameOf(peerId);
    const member = trust.memberAt(peerId);
    replications.get(peerId)?.close();
    const replication = replicate(stream, leads(peerId), {
      rooms: parts.rooms,
      catalog: parts.catalog,
      ...{ digests, links },
      ...(parts.testimony === undefined ? {} : { testimony: parts.testimony }),
      device,
      isAuthor: member?.caps.includes('author') === true,
      now: ids.now,
      projects: parts.projects.shared,
      refusal: parts.projects.refusal,
      take: parts.projects.takeRows,
      onProjects(all) {
        theirs.set(device, all);
        devicesChanged();
      },
      onHeld: (id, seq) => copies.hold(id, device, seq),
      onTrouble,
      wasted: (cost) => conducts.of(peerId).wasted(cost),
    });
    replications.set(peerId, replication);
    stream.onClose(() => {
      if (replications.get(peerId) === replication) replications.delete(peerId);
    });
  }

  const assets = createAssets({
    ...{ store, device: trust.deviceId, now: ids.now, projects: parts.projects, info: log.info, onTrouble },
    open(device, signal) {
      const peer = peers.list().find(({ deviceId, peerId }) => deviceId === device && peers.isGreeted(peerId));
      if (peer === undefined) throw new Failure('not_ready', 'This device is not connected.');
      return host.open(peer.peerId, ASSETS, signal, ASSET_MESSAGE_BYTES_MAX, true);
    },
  });
  const onLists = (stream: MessageStream, peerId: string): void =>
    assets.onLists(stream, nameOf(peerId), leads(peerId));

  await host.handle(ASSET_LISTS, onLists, LIST_MESSAGE_BYTES_MAX);
  await host.handle(ASSETS, assets.onAsk, ASSET_MESSAGE_BYTES_MAX);
  await host.handle(MOVE, (stream, id) => parts.onMove?.(stream, nameOf(id)), MOVE_MESSAGE_BYTES_MAX);
  await host.handle(
    DIAL_BACK,
    answerDialBack(host, () => performance.now()),
  );
  await host.handle(CONTROL, onControl, CONTROL_BYTES_MAX, ONCE);
  await host.handle(DOCUMENTS, onDocuments, LIMITS.messageBytesMax, ONCE);
  const channels = Object.entries(parts.channels ?? {}).map(
    ([protocol, use]) => [protocol, (stream: MessageStream, peerId: string) => use(stream, nameOf(peerId))] as const,
  );
  for (const [protocol, use] of channels) await host.handle(protocol, use);
  await host.handle(
    STREAM,
    (stream, peerId) => parts.serve(peerConnection(stream, conducts.of(peerId)), nameOf(peerId)),
    LIMITS.jsonBytesMax,
    LIMITS.pagesMax,
  );
  await host.handle(
    HTTP,
    (stream, peerId) => {
      const from = nameOf(peerId);
      servePeerRequest(stream, (request) => parts.handle(request, from));
    },
    LIMITS.jsonBytesMax,
  );

  const { keepOpen, stop: stopKeeping } = createKeepOpen({
    ...{ host, isGreeted: peers.isGreeted, onTrouble },
    onOpen: (peerId, protocol) => log.info('mesh.stream', { peer: peers.deviceAt(peerId), protocol }),
  });

  peers.onPeer(({ deviceId, peerId }, isConnected) => {
    devicesChanged();
    log.info(isConnected ? 'mesh.connected' : 'mesh.disconnected', { peer: deviceId });
    if (!isConnected) {
      replications.get(peerId)?.close();
      return;
    }
    clients.reconnect(deviceId);
    const other = trust.memberAt(peerId);
    // A browser asks; there is nothing to ask of it.
    if (!leads(peerId) || other === undefined || !isHost(other.kind)) return;
    void keepOpen(peerId, CONTROL, onControl, CONTROL_BYTES_MAX);
    for (const [protocol, use] of channels) void keepOpen(peerId, protocol, use);
    if (![trust.memberAt(trust.peerId), other].every((member) => mayUse(DOCUMENTS, member, false))) return;
    void keepOpen(peerId, DOCUMENTS, onDocuments);
    void keepOpen(peerId, ASSET_LISTS, onLists, LIST_MESSAGE_BYTES_MAX);
  });
  // A browser cannot be called: it looks for better ways itself.
  const punches = (peerId: string): boolean => leads(peerId) && isHost(trust.memberAt(peerId)?.kind ?? 'web');
  const stopImproving = keepImproving({ host, peers, leads: punches });

  return {
    host,
    peers,
    pair,
    assets,
    slots,
    dialBack,
    heartbeats: () => heartbeats,
    neighbors: () => neighbors?.list().length ?? null,
    elsewhere: () => openThere(theirs, (device) => trust.members.members.has(device)),
    showing: () => [...(pair.isOpen ? [trust.peerId] : []), ...(relay?.expecting() ?? [])],
    copies,
    client: clients.client,
    onDevices: (listener) => void deviceListeners.push(listener),
    tellProjects() {
      for (const replication of replications.values()) replication.tellProjects();
      assets.tellProjects();
    },
    beat: controls.beat,
    async close() {
      stopKeeping();
      stopNews();
      peers.close();
      stopImproving();
      slots.close();
      dialBack.close();
      stun?.close();
      await assets.close();
      await clients.close();
      for (const replication of replications.values()) replication.close();
      await host.close();
    },
  };
}
