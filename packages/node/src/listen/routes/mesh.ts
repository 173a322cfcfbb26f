/** The user's other devices over HTTP: who they are, adding and removing them, and the projects they have. */
import {
  Failure,
  type Device,
  type DeviceId,
  type NodeCapability,
  type PairingHere,
  type ProjectId,
  type UserId,
} from '@markco/protocol';
import { join } from 'node:path';
import { interfacesHere } from '../../device/capability/hardware.ts';
import { networksOf } from '../../mesh/networks.ts';
import type { Others } from '../../mesh/others.ts';
import { pathHere } from '../../mesh/reach.ts';
import type { Projects } from '../../projects/projects.ts';
import type { SomeHandlers } from '../handlers.ts';
import { reachRoutes } from './reach.ts';

export type MeshRoutesParts = {
  readonly others: Others;
  readonly projects: Projects;
  readonly device: Device;
  readonly capability: () => Promise<NodeCapability>;
  /** Where projects of other devices go unless somebody says otherwise. */
  readonly projectsFolder: string;
  readonly now: () => number;
  readonly userId: () => UserId;
};

const JOIN_MS = 10 * 60_000;
const ATTACH_MS = 120_000;
const NOTHING_KNOWN = {
  runtimes: [],
  resources: { network: 'offline' as const },
  policy: { allowRemoteExecution: false, allowHeavyJobs: false, allowWhenOnBattery: false, maxConcurrentRuns: 0 },
};

export function meshRoutes({
  others,
  projects,
  device,
  capability,
  projectsFolder,
  now,
  userId,
}: MeshRoutesParts): SomeHandlers<
  | 'devices'
  | 'removeDevice'
  | 'pingDevice'
  | 'netcheck'
  | 'recoveryPhrase'
  | 'pairing'
  | 'offerPairing'
  | 'approvePairing'
  | 'declinePairing'
  | 'joinPairing'
  | 'projectsElsewhere'
  | 'attachProject'
> {
  let joining: PairingHere['joining'];
  const iso = (ms: number): string => new Date(ms).toISOString();
  const networks = () => networksOf(interfacesHere());

  function pairing(): PairingHere {
    const offered = others.now()?.mesh.pair.offered() ?? null;
    return {
      ...(offered === null ? {} : { offered: { ...offered, expiresAt: iso(offered.expiresAt) } }),
      ...(joining === undefined ? {} : { joining }),
    };
  }

  return {
    ...reachRoutes({ others, networks, now }),
    async devices() {
      const mesh = others.now()?.mesh;
      const around = networks();
      const peers = mesh?.peers.list() ?? [];
      const known = peers.map((peer) => {
        const heard = mesh?.heartbeats().get(peer.deviceId);
        const isOnline = peer.state === 'connected';
        const seenAt = iso(isOnline ? now() : (heard?.at ?? peer.since));
        return {
          id: peer.deviceId,
          userId: userId(),
          kind: peer.kind === 'public-web' ? ('web' as const) : peer.kind,
          name: peer.name,
          lastSeenAt: seenAt,
          status: isOnline ? ('online' as const) : ('offline' as const),
          createdAt: device.createdAt,
          capability:
            heard === undefined
              ? { deviceId: peer.deviceId, online: isOnline, heartbeatAt: seenAt, ...NOTHING_KNOWN }
              : { ...heard.capability, online: isOnline },
          connection: {
            state: peer.state,
            since: iso(peer.since),
            ...(peer.why === null ? {} : { why: peer.why }),
            paths: peer.paths.map((path) => pathHere(path, peers, around)),
          },
        };
      });
      return { devices: [{ ...device, userId: userId(), capability: await capability() }, ...known] };
    },
    async removeDevice({ params, query }) {
      const id = params['id'] as DeviceId;
      if (id === device.id)
        throw new Failure('bad_request', 'A device cannot remove itself. Do it on another one of your devices.');
      const trust = others.now()?.trust;
      if (trust?.members.members.get(id) === undefined) throw new Failure('not_found', 'This is none of your devices.');
      await trust.remove(id, query.reason ?? 'removed by its owner');
      return undefined;
    },
    pairing,
    async offerPairing() {
      (await others.start()).mesh.pair.open();
      return pairing();
    },
    async approvePairing() {
      const open = others.now();
      if (open === null) throw new Failure('conflict', 'No device asks to be added now.');
      await open.mesh.pair.approve();
      return pairing();
    },
    declinePairing() {
      others.now()?.mesh.pair.decline();
      return undefined;
    },
    async joinPairing({ body }) {
      const { mesh } = await others.start();
      if (joining?.state === 'waiting' || joining?.state === 'agreed')
        throw new Failure('conflict', 'A code was typed here just now. Wait until it is over, or for ten minutes.');
      joining = { state: 'waiting' };
      mesh.pair
        .join(
          body.code,
          body.addresses ?? [],
          (check) => void (joining = { state: 'agreed', check }),
          AbortSignal.timeout(JOIN_MS),
        )
        .then(
          () => void (joining = { state: 'joined' }),
          (error: unknown) => void (joining = { state: 'failed', why: Failure.from(error).message }),
        );
      return pairing();
    },
    projectsElsewhere() {
      const here = new Set(projects.list().map(({ id }) => id));
      return {
        projects: [...(others.now()?.mesh.elsewhere().values() ?? [])]
          .filter(({ project }) => !here.has(project.id))
          .map(({ project, devices }) => ({ project, devices: [...devices] })),
      };
    },
    async attachProject({ params, body }) {
      const found = others
        .now()
        ?.mesh.elsewhere()
        .get(params['id'] as ProjectId);
      if (found === undefined) throw new Failure('not_found', 'None of your devices that were here has this project.');
      const folder = body.localPath ?? join(projectsFolder, found.project.slug);
      const project = await projects.join(found.project, folder, AbortSignal.timeout(ATTACH_MS));
      return project;
    },
  };
}
