/** Puts this device among the others, with what it lets them do: their documents, and runs by their grants. */
import {
  Failure,
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
import { Hono } from 'hono';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import type { DocumentCatalog } from '../documents/catalog.ts';
import type { Rooms } from '../documents/rooms.ts';
import type { Connection } from '../listen/connection.ts';
import type { Handlers } from '../listen/handlers.ts';
import { mountRoutes } from '../listen/http.ts';
import type { Projects } from '../projects/projects.ts';
import type { Runs } from '../runs/runs.ts';
import type { Store } from '../store/store.ts';
import { createMesh, type Mesh, type MeshParts } from './mesh.ts';
import { createServeSubmit } from './runs/serve-submit.ts';
import { createSubmitAnywhere } from './runs/submit-anywhere.ts';
import { openTrust, type Trust } from './trust.ts';

const ATTACH_MS = 120_000;

export type OpenMeshParts = {
  readonly config: Pick<Config, 'peerPort' | 'peerAddresses' | 'findsNeighbors' | 'projectsFolder'>;
  readonly home: string;
  readonly userId: UserId;
  /** This device joined those of another user. */
  readonly onUser: (id: UserId) => Promise<void>;
  readonly ids: IdSource;
  readonly store: Store;
  readonly device: Device;
  readonly rooms: Rooms;
  readonly catalog: DocumentCatalog;
  readonly projects: Projects;
  readonly runs: Runs;
  readonly submitHere: (request: RunRequest) => Promise<Run>;
  readonly remember: (run: Run, device: DeviceId) => Run;
  readonly capability: () => Promise<NodeCapability>;
  readonly policy: () => Promise<{ readonly policy: DevicePolicy }>;
  readonly queuedRuns: () => number;
  readonly log: MeshParts['log'];
  /** Serves another device as a client, with runs that it asks for by grants. */
  readonly serve: (connection: Connection, submit: (request: RunRequest) => Promise<Run>) => void;
  /** What another device may ask of this one over HTTP: of this device alone. */
  readonly routes: () => Partial<Handlers>;
  readonly onError: (route: string, error: unknown) => void;
};

export type OpenMesh = {
  readonly mesh: Mesh;
  readonly trust: Trust;
  readonly submit: (request: RunRequest) => Promise<Run>;
};

export async function openMesh(parts: OpenMeshParts): Promise<OpenMesh> {
  const { config, ids, device, catalog, projects, runs, submitHere } = parts;
  const trust = await openTrust({
    ...{ home: parts.home, deviceId: device.id, userId: parts.userId, name: device.name, ids },
  });
  trust.onChange(() => {
    if (trust.userId !== parts.userId) void parts.onUser(trust.userId);
  });
  const app = new Hono();
  mountRoutes(app, parts.routes(), parts.onError, () => undefined);
  app.all('*', (context) =>
    context.json(new Failure('not_found', 'There is nothing here for other devices.').toBody(), 404),
  );

  const about = { name: device.name, os: device.os ?? '' };
  const open = (peerPort: number): Promise<Mesh> =>
    createMesh({
      ...{ trust, ids, about, catalog, projects },
      store: parts.store,
      rooms: parts.rooms,
      listen: [`/ip4/0.0.0.0/tcp/${peerPort}`],
      announce: config.peerAddresses,
      findsNeighbors: config.findsNeighbors,
      serve: (connection, from) => parts.serve(connection, (request) => serveSubmit(from, request)),
      handle: (request) => app.fetch(request),
      heartbeat: async () => ({
        capability: await parts.capability(),
        runningRuns: runs.sessions.list().filter(({ id }) => runs.sessions.load(id).currentRun !== null).length,
        queuedRuns: parts.queuedRuns(),
      }),
      log: parts.log,
    });
  // A port that another program has is no reason not to start: others hear of the one that is taken instead.
  const mesh = await open(config.peerPort).catch((error: unknown) => {
    if (config.peerPort === 0) throw error;
    return open(0);
  });
  const isOpen = (id: ProjectId): boolean => projects.list().some((project) => project.id === id);
  const serveSubmit = createServeSubmit({
    ...{ trust, device, runs, catalog, submitHere, isOpen },
    peers: mesh.peers,
    policy: async () => (await parts.policy()).policy,
    async attach(id) {
      const found = mesh.elsewhere().get(id);
      if (found === undefined)
        throw new Failure('not_found', `${device.name} has not heard of this project yet. Run the cell again.`);
      const folder = join(config.projectsFolder, found.project.slug);
      const project = await projects.join(found.project, folder, AbortSignal.timeout(ATTACH_MS));
      mesh.tellProjects();
      return project;
    },
  });
  const submit = createSubmitAnywhere({
    ...{ trust, device, ids, submitHere },
    peers: () => mesh.peers.list(),
    client: (id) => mesh.client(id),
    remember: parts.remember,
    languageOf: ({ language, sessionId }) =>
      language ?? (sessionId === undefined ? undefined : (runs.sessions.get(sessionId)?.language ?? undefined)),
  });
  projects.onOpen(() => mesh.tellProjects());
  return { mesh, trust, submit };
}
