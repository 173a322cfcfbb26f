/** The one port of a device for pages and programs: who may speak, the routes, and where it says that it listens. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGuard } from './guard.ts';
import { createHttp, type HttpParts } from './http.ts';
import { listen, type ServerParts } from './server.ts';

export type FrontDoorParts = Omit<ServerParts, 'guard' | 'http'> &
  Omit<HttpParts, 'guard'> & {
    readonly host: string;
    /** 0 picks a free one. */
    readonly port: number;
    /** `device.json` in it says where this device listens. */
    readonly home: string;
    readonly pid: number;
    readonly token: string;
  };

export type FrontDoor = {
  /** Without a token: `http://localhost:7717`. */
  readonly origin: string;
  readonly port: number;
  close(): Promise<void>;
};

const DISPLAY_NAMES: Readonly<Record<string, string>> = {
  '127.0.0.1': 'localhost',
  '0.0.0.0': 'localhost',
  '::1': 'localhost',
};

export async function openFrontDoor(parts: FrontDoorParts): Promise<FrontDoor> {
  const { host, home, pid, token } = parts;
  let { port } = parts;
  const hosts = (): string[] =>
    [...new Set(['localhost', '127.0.0.1', '[::1]', ...(host === '0.0.0.0' || host === '::' ? [] : [host])])].map(
      (name) => `${name}:${port}`,
    );
  let guard = createGuard({ token, hosts: hosts() });
  const currentGuard = {
    foreign: (...input: Parameters<typeof guard.foreign>) => guard.foreign(...input),
    signedIn: (...input: Parameters<typeof guard.signedIn>) => guard.signedIn(...input),
  };
  const http = createHttp({ ...parts, guard: currentGuard });
  const listener = await listen({ ...parts, guard: currentGuard, http }, port, host);
  const address = listener.server.address();
  if (address !== null && typeof address === 'object') port = address.port;
  guard = createGuard({ token, hosts: hosts() });
  const origin = `http://${DISPLAY_NAMES[host] ?? host}:${port}`;
  await writeFile(join(home, 'device.json'), JSON.stringify({ port, pid, host, origin }), { mode: 0o600 });
  return { origin, port, close: () => listener.close() };
}
