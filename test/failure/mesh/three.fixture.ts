/** For tests: three devices of one person, each a program of its own, that have one project and a network that can fail. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Project, ProjectId } from '@markco/protocol';
import { eventually } from '../../conformance/device.fixture.ts';
import { connectedTo, pair, SOON_MS, start, type Named } from '../../conformance/paired.fixture.ts';
import { createNetwork, type Network } from './network.fixture.ts';

export const NAMES = ['laptop', 'desk', 'box'] as const;

export type Three = AsyncDisposable & {
  readonly network: Network;
  readonly devices: readonly [Named, Named, Named];
  /** Where the project is on each. */
  readonly folders: readonly string[];
  readonly projectId: ProjectId;
  areAllConnected(): Promise<boolean>;
  /** After it was started again: who calls is known by its program. */
  noteProgram(at: number): Promise<number>;
};

/** Resolves once all have all of these files. */
export async function threeDevices(files: Readonly<Record<string, string>>): Promise<Three> {
  const network = createNetwork();
  const devices: Named[] = [];
  const dispose = async (): Promise<void> => {
    for (const device of devices) await device[Symbol.asyncDispose]();
    await network.close();
  };
  const noteProgram = async (at: number): Promise<number> => {
    const device = devices[at];
    const name = NAMES[at];
    if (device === undefined || name === undefined) throw new Error(`there is no device ${at}`);
    const { pid } = JSON.parse(await readFile(join(device.home, 'device.json'), 'utf8')) as { pid: number };
    network.runs(name, pid);
    return pid;
  };
  // The network first: what a device says of a connection that was ended just now may be a moment old.
  const areAllConnected = async (): Promise<boolean> =>
    NAMES.every((a) => NAMES.every((b) => a === b || network.joins(a, b))) &&
    (await Promise.all(devices.map(connectedTo))).every((names) => names.length === NAMES.length - 1);
  try {
    for (const [at, name] of NAMES.entries()) {
      const { address, listenPort } = await network.add(name);
      // At no other address than that of the network.
      const env = {
        MARKCO_PEER_HOST: '127.0.0.1',
        MARKCO_PEER_PORT: String(listenPort),
        MARKCO_PEER_ADDRESSES: address,
      };
      devices.push(await start(name, at === 0 ? files : {}, env));
      await noteProgram(at);
    }
    const [laptop, desk, box] = devices;
    if (laptop === undefined || desk === undefined || box === undefined) throw new Error('no device was started');
    for (const other of [desk, box]) await pair(laptop, other);
    await eventually(areAllConnected, 'all to be connected', SOON_MS);
    const { id } = laptop.project;
    for (const other of [desk, box]) {
      const hears = async () =>
        (await other.get<{ projects: { project: Project }[] }>('/api/projects-elsewhere')).projects.some(
          ({ project }) => project.id === id,
        );
      await eventually(hears, 'the project of the laptop', SOON_MS);
      const localPath = join(other.root, 'attached');
      await mkdir(localPath);
      await other.get(`/api/projects-elsewhere/${id}/attach`, { body: { localPath } });
    }
    const folders = [laptop.folder, ...[desk, box].map((device) => join(device.root, 'attached'))];
    const hasAll = async (folder: string): Promise<boolean> => {
      for (const [path, text] of Object.entries(files))
        if ((await readFile(join(folder, path), 'utf8').catch(() => '')) !== text) return false;
      return true;
    };
    await eventually(async () => (await Promise.all(folders.map(hasAll))).every(Boolean), 'the pages on all', SOON_MS);
    const all = [laptop, desk, box] as const;
    return {
      ...{ network, devices: all, folders, projectId: id, areAllConnected, noteProgram },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (cause) {
    await dispose();
    throw cause;
  }
}
