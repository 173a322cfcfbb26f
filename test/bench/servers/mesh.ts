/** Devices of one person on this machine, each a program of its own: paired, and with one project that all have open. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DeviceHere, PairingHere } from '@markco/protocol';
import { delay, eventually } from '../wait.ts';
import { startDevice, type Device } from './markco.ts';
import type { Address } from './server.ts';

const SOON_MS = 120_000;
const PAIR_TRIES = 5;
const AGAIN_MS = 2_000;

export type MeshDevice = {
  readonly name: string;
  readonly device: Device;
  /** Of the project that all have. */
  readonly folder: string;
  readonly projectId: string;
  api<T>(path: string, body?: object): Promise<T>;
  address(document: string): Promise<Address>;
  connectedTo(): Promise<readonly string[]>;
};

function meshDevice(name: string, device: Device, folder: string, projectId: string): MeshDevice {
  async function api<T>(path: string, body?: object): Promise<T> {
    const answer = await fetch(`${device.origin}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      // A connection of its own: one that waited for long may be closed in the moment it is used again.
      headers: { authorization: `Bearer ${device.token}`, 'content-type': 'application/json', connection: 'close' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
  return {
    ...{ name, device, folder, projectId, api },
    async address(document) {
      // Both may be others than when it was started: it has joined the user of the first one.
      const { user } = await api<{ user: { id: string } }>('/api/device');
      const { projects } = await api<{ projects: { id: string; slug: string }[] }>('/api/projects');
      const slug = projects.find(({ id }) => id === projectId)?.slug ?? '';
      const { origin, token } = device;
      const url = `${origin.replace('http', 'ws')}/sync/${user.id}/${slug}/${document}?token=${token}`;
      return { dialect: 'y-protocols', url, name: document, token };
    },
    connectedTo: async () =>
      (await api<{ devices: DeviceHere[] }>('/api/devices')).devices
        .filter(({ connection }) => connection?.state === 'connected')
        .map((other) => other.name),
  };
}

const environment = (name: string): Record<string, string> => ({
  MARKCO_NAME: name,
  MARKCO_PEER_PORT: '0',
  MARKCO_MDNS: '0',
  MARKCO_KEYS: 'file',
});

async function pair(adder: MeshDevice, joiner: MeshDevice): Promise<void> {
  const { offered } = await adder.api<PairingHere>('/api/pairing', {});
  await joiner.api('/api/pairing/join', { code: offered?.link });
  const joining = async (): Promise<string | undefined> => {
    const now = (await joiner.api<PairingHere>('/api/pairing')).joining;
    if (now?.state === 'failed') throw new Error(`${joiner.name} was not added: ${now.why}`);
    return now?.state;
  };
  await eventually(`${joiner.name} asking`, SOON_MS, async () => {
    await joining();
    return (await adder.api<PairingHere>('/api/pairing')).offered?.state === 'asked' ? true : undefined;
  });
  await adder.api('/api/pairing/approve', {});
  await eventually(`${joiner.name} being added`, SOON_MS, async () =>
    (await joining()) === 'joined' ? true : undefined,
  );
}

/** So many programs on few cores may break off a connection; a person would make a new code then. */
async function pairAtLast(adder: MeshDevice, joiner: MeshDevice): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await pair(adder, joiner);
    } catch (error) {
      if (tries >= PAIR_TRIES) throw error;
      process.stderr.write(`  ${joiner.name} is paired once more: ${String(error)}\n`);
      await delay(AGAIN_MS);
    }
  }
}

/**
 * Gives `work` so many devices; the first one has the files from the beginning, the others get them.
 * @param names of at least two devices
 * @param joined called for each device that has opened the project, before the next one does
 */
export async function withMesh<T>(
  folder: string,
  names: readonly string[],
  files: Readonly<Record<string, string>>,
  work: (devices: readonly [MeshDevice, MeshDevice, ...MeshDevice[]]) => Promise<T>,
  joined?: (device: MeshDevice) => Promise<void>,
): Promise<T> {
  const started: MeshDevice[] = [];
  try {
    for (const name of names) {
      const home = join(folder, name);
      const isFirst = started.length === 0;
      for (const [path, text] of isFirst ? Object.entries(files) : []) {
        await mkdir(dirname(join(home, 'project', path)), { recursive: true });
        await writeFile(join(home, 'project', path), text);
      }
      const device = await startDevice(await made(home), environment(name));
      const place = isFirst ? join(home, 'project') : join(home, 'joined');
      started.push(meshDevice(name, device, place, started[0]?.projectId ?? device.projectId));
    }
    const [first, second, ...others] = started;
    if (first === undefined || second === undefined) throw new Error('a mesh has two devices at least');
    for (const joiner of [second, ...others]) await pairAtLast(first, joiner);
    for (const joiner of [second, ...others]) {
      await eventually('the project being heard of', SOON_MS, async () => {
        const { projects } = await joiner.api<{ projects: { project: { id: string } }[] }>('/api/projects-elsewhere');
        return projects.some(({ project }) => project.id === first.projectId) ? true : undefined;
      });
      await eventually(`${first.name} being connected`, SOON_MS, async () => {
        const connected = (await joiner.connectedTo()).includes(first.name);
        if (!connected) await delay(AGAIN_MS / 10);
        return connected ? true : undefined;
      });
      await joiner.api(`/api/projects-elsewhere/${first.projectId}/attach`, { localPath: joiner.folder });
      await joined?.(joiner);
    }
    return await work([first, second, ...others]);
  } finally {
    await Promise.all(started.map(({ device }) => device.stop()));
  }
}

async function made(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Gives `work` the address of a process that has libp2p and nothing else, and which it is. */
export async function withBareLibp2p<T>(work: (address: string, pid: number) => Promise<T>): Promise<T> {
  const child = fork(join(import.meta.dirname, '../driver/bare-libp2p.ts'));
  try {
    const [address] = (await once(child, 'message')) as [string];
    return await work(address, child.pid ?? 0);
  } finally {
    const gone = once(child, 'exit');
    child.disconnect();
    await gone;
  }
}
