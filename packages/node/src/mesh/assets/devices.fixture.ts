/** For tests: devices on one network, paired, with one project that all of them have open. */
import { newId, type DeviceId, type ProjectId, type UserId } from '@markco/protocol';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { replicaDevice, type ReplicaDevice } from '../documents/device.fixture.ts';
import { createMesh, type Mesh } from '../mesh.ts';
import { openTrust, type Trust } from '../trust.ts';

export const SOON = { timeout: 20_000, interval: 20 };

export type AssetDevice = ReplicaDevice & {
  readonly name: string;
  readonly mesh: Mesh;
  readonly trust: Trust;
  /** The project's folder. */
  readonly folder: string;
  put(path: string, bytes: Uint8Array | string): Promise<void>;
  drop(path: string): Promise<void>;
  /** Undefined when there is no such file. */
  bytes(path: string): Promise<Buffer | undefined>;
  /** Every file of the project, hidden ones too, by its path. */
  files(): Promise<readonly string[]>;
  read(id: ProjectId, path: string): Promise<Response>;
};

export type Group = AsyncDisposable & {
  readonly id: ProjectId;
  readonly devices: readonly AssetDevice[];
};

async function device(name: string): Promise<AssetDevice> {
  const made = await replicaDevice();
  const { ids } = made;
  const trust = await openTrust({
    ...{ home: made.home, deviceId: newId<DeviceId>(ids), userId: newId<UserId>(ids), name, ids },
  });
  const mesh = await createMesh({
    ...{ trust, ids, store: made.store, about: { name, os: 'test' } },
    ...{ listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], findsNeighbors: false },
    ...{ rooms: made.rooms, catalog: made.catalog, projects: made.projects },
    serve: () => undefined,
    handle: () => new Response(),
    heartbeat: () => Promise.reject(new Error('not in this test')),
    log: { info: () => undefined, warn: (_, fields, cause) => made.troubles.push([fields, cause]) },
  });
  const folder = join(made.root, 'notes');
  const drop = (path: string): Promise<void> => rm(join(folder, path));
  return Object.assign(made, {
    ...{ name, mesh, trust, folder, drop },
    async put(path: string, bytes: Uint8Array | string): Promise<void> {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    },
    bytes: (path: string) => readFile(join(folder, path)).catch(() => undefined),
    files: async () =>
      (await readdir(folder, { recursive: true, withFileTypes: true }))
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
        .toSorted(),
    read: (id: ProjectId, path: string) => mesh.assets.read(id, path, new Request('http://device/')),
  });
}

export async function pairDevices(adder: AssetDevice, joiner: AssetDevice): Promise<void> {
  const offered = adder.mesh.pair.open();
  const joined = joiner.mesh.pair.join(
    offered.code,
    adder.mesh.host.addresses(),
    () => undefined,
    AbortSignal.timeout(20_000),
  );
  await expect.poll(() => adder.mesh.pair.offered()?.state, SOON).toBe('asked');
  await adder.mesh.pair.approve();
  await joined;
}

export const isConnected = (from: AssetDevice, to: AssetDevice): boolean =>
  from.mesh.peers.list().some(({ name, state }) => name === to.name && state === 'connected');

/** @param files of the first device, there before the others come */
export async function group(
  names: readonly string[],
  files: Readonly<Record<string, Uint8Array | string>> = {},
): Promise<Group> {
  const devices = await Promise.all(names.map(device));
  const [first, ...others] = devices;
  if (first === undefined) throw new Error('a group has a device');
  const id = await first.open({ 'page.md': '# Page\n' });
  for (const [path, bytes] of Object.entries(files)) await first.put(path, bytes);
  first.mesh.tellProjects();
  for (const other of others) {
    await pairDevices(first, other);
    await expect.poll(() => other.mesh.elsewhere().get(id), SOON).toBeDefined();
    const found = other.mesh.elsewhere().get(id);
    if (found !== undefined) await other.join(found.project);
    other.mesh.tellProjects();
    await expect.poll(() => other.file('page.md'), SOON).toBe('# Page\n');
  }
  for (const one of devices)
    for (const other of devices) if (one !== other) await expect.poll(() => isConnected(one, other), SOON).toBe(true);
  return {
    id,
    devices,
    async [Symbol.asyncDispose]() {
      for (const each of devices) {
        await each.mesh.close();
        await each[Symbol.asyncDispose]();
      }
    },
  };
}
