/**
 * Where a kernel and we meet, as the connection file tells it (https://jupyter-client.readthedocs.io/en/stable/kernels.html).
 *
 * 1. Sockets in the session's folder, which only this user may enter. Kernels that cannot do that, and folders whose
 *    path is too long for a socket address, get ports of this machine's own address.
 * 2. The file holds the key that messages are signed with, so it is for its owner only.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';

export const CHANNELS = ['shell', 'iopub', 'stdin', 'control', 'hb'] as const;
export type Channel = (typeof CHANNELS)[number];
export type Transport = 'ipc' | 'tcp';

export type Connection = {
  /** The connection file, absolute. */
  readonly file: string;
  readonly key: string;
  endpoint(channel: Channel): string;
  /** Takes file and sockets away, at once: whoever calls this may be about to exit. */
  remove(): void;
};

/** Linux allows 108 bytes with the final NUL, macOS 104. */
const SOCKET_PATH_BYTES_MAX = 100;

export function canUseSockets(folder: string): boolean {
  return Buffer.byteLength(path.join(folder, 'kernel-5')) <= SOCKET_PATH_BYTES_MAX;
}

/** Writes `kernel.json` into a session's folder. */
export async function createConnection(folder: string, transport: Transport): Promise<Connection> {
  const address = transport === 'ipc' ? path.join(folder, 'kernel') : '127.0.0.1';
  const ports = transport === 'ipc' ? [1, 2, 3, 4, 5] : await freePorts(CHANNELS.length);
  const key = randomBytes(32).toString('hex');
  const file = path.join(folder, 'kernel.json');
  const names = CHANNELS.map((channel, index) => [`${channel}_port`, ports[index] ?? 0] as const);
  const written = { transport, ip: address, key, signature_scheme: 'hmac-sha256', kernel_name: '' };
  const sockets = transport === 'ipc' ? ports.map((port) => `${address}-${port}`) : [];
  const remove = (): void => {
    for (const name of [file, ...sockets]) rmSync(name, { force: true });
  };
  remove();
  await writeFile(file, JSON.stringify({ ...written, ...Object.fromEntries(names) }), { mode: 0o600, flag: 'wx' });
  const portOf = new Map(names);
  return {
    file,
    key,
    endpoint: (channel) =>
      `${transport}://${address}${transport === 'ipc' ? '-' : ':'}${portOf.get(`${channel}_port`)}`,
    remove,
  };
}

/** Ports that are free now: all are held until all are known, so no two are the same. */
async function freePorts(count: number): Promise<readonly number[]> {
  const held = await Promise.all(Array.from({ length: count }, () => listen()));
  const ports = held.map((server) => (server.address() as { port: number }).port);
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listen(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
