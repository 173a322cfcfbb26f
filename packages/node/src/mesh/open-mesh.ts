/** Puts this device among the others, with what it lets them do: their documents, and runs by their grants. */
import { systemKeychain } from '../device/keychain.ts';
import {
  Failure,
  sessionName,
  type Device,
  type DeviceId,
  type DevicePolicy,
  type IdSource,
  type NodeCapability,
  type ProjectId,
  type Run,
  type RunRequest,
  type UserId,
} from '@markco/protocol';
import type { DecisionRecord, HostState } from '@markco/scheduler';
import { Hono } from 'hono';
import type { Config } from '../config.ts';
import type { DocumentCatalog } from '@markco/replica/documents/catalog';
import type { Audit } from '@markco/replica/observe/audit';
import type { Rooms } from '@markco/replica/documents/rooms';
import type { Connection } from '@markco/replica/listen/connection';
import type { Handlers } from '@markco/replica/listen/handlers';
import { mountRoutes } from '@markco/replica/listen/http';
import { decisionsForDevices } from '../listen/routes/placement.ts';
import type { Projects } from '../projects/projects.ts';
import type { Runs } from '../runs/runs.ts';
import type { LocalStore } from '@markco/replica/store/store';
import type { SessionFor } from '../submit.ts';
import type { Heartbeat } from './control.ts';
import { interfacesHere } from '../device/capability/hardware.ts';
import { networksOf } from './networks.ts';
import { createMesh, type Mesh } from './mesh.ts';
import type { MeshParts } from './mesh-parts.ts';
import { createMoving, type Moving } from './moving/moving.ts';
import { createArrive } from './placing/arrive.ts';
import { createPlacing, type Placing } from './placing/placing.ts';
import { openDeviceRecord, type DeviceRecordParts } from './record/device-record.ts';
import { createRecordHere, type RecordHere } from './record/record-here.ts';
import {
  authorizeRoute,
  requireSubmitter,
  sessionsForDevices,
  type ServeSessionsParts,
} from './sessions/serve-sessions.ts';
import { createServeSubmit } from './runs/serve-submit.ts';
import { openTrust, type Trust } from './trust.ts';

const BEAT_MS = 1_000;
const RUNS = '/markco/runs/1.0.0';

export type OpenMeshParts = {
  readonly config: Pick<
    Config,
    | 'peerPort'
    | 'peerHost'
    | 'peerWebPort'
    | 'peerAddresses'
    | 'isRelay'
    | 'findsNeighbors'
    | 'usesKeychain'
    | 'projectsFolder'
    | 'placesElsewhere'
    | 'fallsBack'
  >;
  readonly home: string;
  readonly userId: UserId;
  /** This device joined those of another user. */
  readonly onUser: (id: UserId) => Promise<void>;
  readonly ids: IdSource;
  readonly store: LocalStore;
  readonly device: Device;
  readonly rooms: Rooms;
  readonly catalog: DocumentCatalog;
  readonly digests: MeshParts['digests'];
  readonly links: MeshParts['links'];
  readonly testimony: NonNullable<MeshParts['testimony']>;
  readonly projects: Projects;
  readonly runs: Runs;
  readonly submitHere: (request: RunRequest) => Promise<Run>;
  readonly sessionFor: SessionFor;
  /** A run that this device places has changed. */
  readonly onRun: (run: Run) => void;
  /** A run that this device places may start there from now on. */
  readonly onGranted: (run: Run, host: DeviceId) => void;
  /** Where a run goes; `isAsked`: by a device that hosts nothing and places it itself. */
  readonly onDecided: (record: DecisionRecord, isAsked: boolean) => void;
  readonly capability: () => Promise<NodeCapability>;
  readonly policy: () => Promise<{ readonly policy: DevicePolicy }>;
  readonly preferences: DeviceRecordParts['preferences'];
  readonly queuedRuns: () => number;
  readonly onTraffic: NonNullable<MeshParts['onTraffic']>;
  readonly log: MeshParts['log'];
  /** What matters later. */
  readonly note: Audit['note'];
  /** Serves another device as a client, with runs that it asks for by grants. */
  readonly serve: (
    connection: Connection,
    submit: (request: RunRequest) => Promise<Run>,
    /** Throws for a device that may not ask for runs: it may not answer, end or interrupt any either. */
    requireSubmitter: () => void,
  ) => void;
  /** What another device may ask of this one over HTTP: of this device alone. */
  readonly routes: () => Partial<Handlers>;
  /** Those of the sessions of this device, as a person may ask them. */
  readonly sessionRoutes: ServeSessionsParts['here'];
  readonly onError: (route: string, error: unknown) => void;
};

export type OpenMesh = {
  readonly mesh: Mesh;
  readonly trust: Trust;
  readonly placing: Placing;
  readonly moving: Moving;
  readonly record: RecordHere;
  /** What the owner lets others do here is another. */
  readonly rulesChanged: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export async function openMesh(parts: OpenMeshParts): Promise<OpenMesh> {
  const { config, ids, device, catalog, projects, runs, submitHere } = parts;
  const trust = await openTrust({
    ...{ home: parts.home, deviceId: device.id, userId: parts.userId, name: device.name, ids },
    keychain: config.usesKeychain ? systemKeychain() : null,
  });
  trust.onChange(() => {
    if (trust.userId !== parts.userId) void parts.onUser(trust.userId);
  });
  /** Others may be connected before there is anything to hear them: what they say waits for it. */
  const { promise: placingIsThere, resolve: setPlacing } = Promise.withResolvers<Placing>();
  const app = new Hono<{ Bindings: { readonly from: DeviceId } }>();
  const decisions = decisionsForDevices({
    placing: placingIsThere,
    hasDocument: (id) => catalog.get(id) !== undefined,
    onAsked: (record) => parts.onDecided(record, true),
  });
  const sessions = sessionsForDevices({
    here: parts.sessionRoutes,
    policy: async () => (await parts.policy()).policy,
    deviceName: device.name,
  });
  mountRoutes(app, { ...parts.routes(), ...sessions, ...decisions }, parts.onError, ({ env }, name) =>
    authorizeRoute(name, () => requireSubmitter({ trust, peers: mesh.peers }, env.from)),
  );
  app.all('*', (context) =>
    context.json(new Failure('not_found', 'There is nothing here for other devices.').toBody(), 404),
  );

  const onTrouble = (doing: string, cause: unknown): void => parts.log.warn('mesh.trouble', { doing }, cause);
  const shared = await openDeviceRecord({
    ...{ trust, ids, device, catalog, projects, onTrouble },
    ...{ store: parts.store, sessions: runs.sessions, policy: parts.policy, preferences: parts.preferences },
  });
  const { promise: movingIsThere, resolve: setMoving } = Promise.withResolvers<Moving>();
  const late: { placing?: Placing } = {};
  const state = async (): Promise<HostState> => ({
    capability: await parts.capability(),
    runningRuns: runs.sessions.list().filter(({ id }) => runs.sessions.load(id).currentRun !== null).length,
    queuedRuns: parts.queuedRuns(),
  });
  const sessionsHere = (): NonNullable<Heartbeat['sessions']> =>
    runs.sessions
      .list()
      .filter(({ id, state }) => state === 'running' || runs.sessions.isMoved(id))
      .map((session) => ({
        projectId: session.projectId,
        language: session.language,
        name: sessionName(session),
        ...(runs.sessions.isMoved(session.id) ? { moved: true as const } : {}),
      }));
  const about = { name: device.name, kind: device.kind, os: device.os ?? '' };
  const open = (peerPort: number, peerWebPort: number | null): Promise<Mesh> =>
    createMesh({
      ...{ trust, ids, about, catalog, projects },
      store: parts.store,
      ...{ rooms: parts.rooms, digests: parts.digests, links: parts.links, testimony: parts.testimony },
      listen: [
        `/ip4/${config.peerHost}/tcp/${peerPort}`,
        ...(peerWebPort === null
          ? []
          : [
              `/ip4/${config.peerHost}/tcp/${peerWebPort}/ws`,
              `/ip4/${config.peerHost}/udp/${peerWebPort}/webrtc-direct`,
            ]),
      ],
      isRelay: config.isRelay,
      announce: config.peerAddresses,
      findsNeighbors: config.findsNeighbors,
      isNear: (address) => networksOf(interfacesHere()).includes(address),
      serve: (connection, from) =>
        parts.serve(
          connection,
          async (request) =>
            request.certificate === undefined ? serveSubmit(from, request) : (await placingIsThere).keep(from, request),
          () => requireSubmitter({ trust, peers: mesh.peers }, from),
        ),
      handle: (request, from) => app.fetch(request, { from }),
      async heartbeat() {
        const now = await state();
        shared.saw(now.capability.policy);
        return { ...now, sessions: sessionsHere() };
      },
      calledNow: (id) => shared.record.view().devices.get(id)?.name,
      onHeartbeat: (from) => late.placing?.onHeartbeat(from),
      channels: {
        [RUNS]: (stream, from) => void placingIsThere.then((made) => made.onStream(stream, from)),
        ...shared.channels,
      },
      onMove: (stream, from) => void movingIsThere.then((made) => made.serve(stream, from)),
      onTraffic: parts.onTraffic,
      log: parts.log,
    });
  // A port that another program has is no reason not to start: others hear of the one that is taken instead.
  const mesh = await open(config.peerPort, config.peerWebPort).catch((error: unknown) => {
    if (config.peerPort === 0 && config.peerWebPort === null) throw error;
    return open(0, config.peerWebPort === null ? null : 0);
  });
  const record = createRecordHere({
    ...{ shared, mesh, catalog, projects, onTrouble },
    ...{ folder: config.projectsFolder, preferences: parts.preferences },
  });
  const isOpen = (id: ProjectId): boolean => projects.list().some((project) => project.id === id);
  const arrive = createArrive({
    ...{ device, catalog, isOpen },
    isKnown: (id) => record.elsewhere().some(({ project }) => project.id === id),
    onNews: shared.record.onChange,
    attach: (id) =>
      record.open(id).catch((cause: unknown) => {
        if (!(cause instanceof Failure && cause.code === 'not_found')) throw cause;
        throw new Failure('not_found', `${device.name} has not heard of this project yet. Run the cell again.`);
      }),
  });
  const serveSubmit = createServeSubmit({
    ...{ trust, device, runs, submitHere, arrive, peers: mesh.peers },
    policy: async () => (await parts.policy()).policy,
  });
  const placing = await createPlacing({
    ...{ trust, device, ids, store: parts.store, runs, submitHere, state },
    userId: () => trust.userId,
    sessionFor: parts.sessionFor,
    acceptFrom: serveSubmit,
    prepare: arrive,
    peers: () => mesh.peers.list(),
    heartbeats: () => mesh.heartbeats(),
    elsewhere: () => mesh.elsewhere(),
    ...{ isOpen, placesElsewhere: config.placesElsewhere, fallsBack: config.fallsBack },
    onRun: parts.onRun,
    onGranted: parts.onGranted,
    onDecided: (record) => parts.onDecided(record, false),
    onTrouble: (doing, cause) => parts.log.warn('placing.trouble', { doing }, cause),
  });
  late.placing = placing;
  setPlacing(placing);
  beatWithRuns(runs, mesh);
  const moving = createMoving({
    ...{ mesh, trust, device, ids, arrive, placing, onTrouble, log: parts.log, note: parts.note },
    sessions: runs.sessions,
    policy: async () => (await parts.policy()).policy,
  });
  setMoving(moving);
  projects.onOpen(() => mesh.tellProjects());
  return {
    ...{ mesh, trust, placing, moving, record },
    async rulesChanged() {
      mesh.beat();
      await record.tell();
      await placing.rulesChanged();
    },
    async close() {
      await placing.close();
      await mesh.close();
      await shared.close();
    },
  };
}

/** Tells the others how busy this device is: at once, then at most each BEAT_MS while runs come and go. */
function beatWithRuns(runs: Pick<Runs, 'onChange'>, mesh: Pick<Mesh, 'beat'>): void {
  let timer: NodeJS.Timeout | null = null;
  let isNews = false;
  const beat = (): void => {
    isNews = false;
    mesh.beat();
    timer = setTimeout(() => {
      timer = null;
      if (isNews) beat();
    }, BEAT_MS).unref();
  };
  runs.onChange(() => {
    isNews = true;
    if (timer === null) beat();
  });
}
