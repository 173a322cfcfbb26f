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
import { interfacesHere } from '../../device/capability/hardware.ts';
import { networksOf } from '../../mesh/networks.ts';
import type { Others } from '../../mesh/others.ts';
import { pathHere } from '../../mesh/reach.ts';
import type { Projects } from '../../projects/projects.ts';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import { reachRoutes } from './reach.ts';

export type MeshRoutesParts = {
  readonly others: Others;
  readonly projects: Projects;
  readonly device: Device;
  readonly capability: () => Promise<NodeCapability>;
  readonly now: () => number;
  readonly userId: () => UserId;
  /** A code is shown from now on. */
  readonly onCode: () => void;
};

const JOIN_MS = 10 * 60_000;
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
  now,
  userId,
  onCode,
}: MeshRoutesParts): SomeHandlers<
  | 'devices'
  | 'removeDevice'
  | 'pingDevice'
  | 'netcheck'
  | 'traceDevice'
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
        const said = others.now()?.record.said(peer.deviceId);
        const policy = said?.policy ?? heard?.capability.policy ?? NOTHING_KNOWN.policy;
        const isOnline = peer.state === 'connected';
        const seenAt = iso(isOnline ? now() : (heard?.at ?? peer.since));
        return {
          id: peer.deviceId,
          userId: userId(),
          kind: peer.kind === 'public-web' ? ('web' as const) : peer.kind,
          name: peer.name,
          ...(said?.os === undefined ? {} : { os: said.os }),
          ...(said?.version === undefined ? {} : { appVersion: said.version }),
          lastSeenAt: seenAt,
          status: isOnline ? ('online' as const) : ('offline' as const),
          createdAt: device.createdAt,
          capability:
            heard === undefined
              ? { deviceId: peer.deviceId, online: isOnline, heartbeatAt: seenAt, ...NOTHING_KNOWN, policy }
              : { ...heard.capability, online: isOnline, policy },
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
      const { mesh } = await others.start();
      // The link has in it where this device is found; through a relay too, if one is there at all.
      await mesh.slots.ready();
      mesh.pair.open();
      onCode();
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
        projects: [...(others.now()?.record.elsewhere() ?? [])]
          .filter(({ project }) => !here.has(project.id))
          .map(({ project, on }) => ({ project, devices: on.map(({ deviceId }) => deviceId), on: [...on] })),
      };
    },
    async attachProject({ params, body }) {
      const open = await others.known();
      if (open === null) throw new Failure('not_found', 'This device has no others yet. Add one with: markco pair');
      return open.record.open(params['id'] as ProjectId, body.localPath);
    },
  };
}
