/** For tests: devices on one network, paired, with one project that all of them have open. */
import { newId, type DeviceId, type ProjectId, type UserId } from '@markco/protocol';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { fileKey } from '@markco/replica/store/key';
import { replicaDevice, type ReplicaDevice } from '../documents/device.fixture.ts';
import { createMesh, type Mesh } from '../mesh.ts';
import type { MeshParts } from '../mesh-parts.ts';
import { openTrust, type Trust } from '../trust.ts';

const WRITTEN_AT = new Date('2026-01-01T00:00:00Z');
export const SOON = { timeout: 20_000, interval: 20 };

export type AssetDevice = ReplicaDevice & {
  readonly name: string;
  /** Another one after `restart`. */
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
  /** What the list says should be there. */
  hashAt(id: ProjectId, path: string): string | null | undefined;
  hashOf(bytes: Uint8Array | string): string;
  /** Which bytes it asked which device for. */
  /** Protocols of streams that it opened to keep. */
  readonly opened: readonly unknown[];
  readonly asked: readonly { readonly path: unknown; readonly from: unknown; readonly of: unknown }[];
  /** Names of the device's own files. */
  homeFiles(): Promise<readonly string[]>;
  /** After `mesh.close()`. */
  restart(): Promise<void>;
};

export type Group = AsyncDisposable & {
  readonly id: ProjectId;
  /** As many as there are names. */
  readonly devices: readonly [AssetDevice, AssetDevice, AssetDevice];
};

async function startDevice(name: string): Promise<AssetDevice> {
  const made = await replicaDevice();
  const { ids } = made;
  const trust = await openTrust({
    ...{ home: made.home, deviceId: newId<DeviceId>(ids), userId: newId<UserId>(ids), name, ids },
  });
  const asked: { path: unknown; from: unknown; of: unknown }[] = [];
  const opened: unknown[] = [];
  const parts: MeshParts = {
    ...{ trust, ids, store: made.store, about: { name, os: 'test' } },
    ...{ listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], findsNeighbors: false, isRelay: false, isNear: () => true },
    ...{ rooms: made.rooms, catalog: made.catalog, projects: made.projects },
    ...{ digests: made.digests, links: made.links },
    serve: () => undefined,
    handle: () => new Response(),
    heartbeat: () => Promise.reject(new Error('not in this test')),
    log: {
      info: (event, fields) => {
        if (event === 'mesh.stream') opened.push(fields?.['protocol']);
        if (event === 'asset.asked') asked.push({ path: fields?.['path'], from: fields?.['from'], of: fields?.['of'] });
      },
      warn: (_, fields, cause) => void made.troubles.push([fields, cause]),
    },
  };
  const folder = join(made.root, 'notes');
  const at = (path: string): string => join(folder, path);
  const device = Object.assign(made, {
    ...{ name, trust, folder, asked, opened },
    mesh: await createMesh(parts),
    async restart(): Promise<void> {
      device.mesh = await createMesh(parts);
    },
    async put(path: string, bytes: Uint8Array | string): Promise<void> {
      await mkdir(dirname(at(path)), { recursive: true });
      await writeFile(at(path), bytes);
    },
    drop: (path: string) => rm(at(path)),
    bytes: (path: string) => readFile(at(path)).catch(() => undefined),
    files: () => filesIn(folder),
    homeFiles: () => filesIn(made.home),
    read: (id: ProjectId, path: string) => device.mesh.assets.read(id, path, new Request('http://device/')),
    hashAt(id: ProjectId, path: string) {
      const value = made.store.get(fileKey(id, path));
      return value === undefined
        ? undefined
        : (JSON.parse(new TextDecoder().decode(value)) as { row: { hash: string | null } }).row.hash;
    },
    hashOf: (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex'),
  });
  made.onFolderEvent((id, event) => {
    if (event.type === 'others') device.mesh.assets.changed(id, event.paths);
  });
  return device;
}

const filesIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();

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
  const devices = await Promise.all(names.map(startDevice));
  const [first, ...others] = devices;
  if (first === undefined) throw new Error('a group has a device');
  const id = await first.open({ 'page.md': '# Page\n' });
  for (const [path, bytes] of Object.entries(files)) {
    await first.put(path, bytes);
    // A whole number of milliseconds, so that a test can give a file its time again.
    await utimes(join(first.folder, path), WRITTEN_AT, WRITTEN_AT);
  }
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
    devices: devices as [AssetDevice, AssetDevice, AssetDevice],
    async [Symbol.asyncDispose]() {
      for (const each of devices) {
        await each.mesh.close();
        await each[Symbol.asyncDispose]();
      }
    },
  };
}
