/** The one port of a device for pages and programs: who may speak, the routes, and where it says that it listens. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDeviceGuard, ownerOf } from './device-guard.ts';
import type { SocketTarget } from './resolve.ts';
import type { IdSource, UserId } from '@markco/protocol';
import { createHttp, type HttpParts } from '@markco/replica/listen/http';
import { listen, type ServerParts } from '@markco/replica/listen/server';
import { createTicketStore } from '@markco/replica/listen/ticket-store';
import { createTickets } from '@markco/replica/listen/tickets';

export type FrontDoorParts = Omit<ServerParts<SocketTarget>, 'guard' | 'http' | 'tickets'> &
  Omit<HttpParts, 'guard' | 'ownerOf'> & {
    readonly host: string;
    /** 0 picks a free one. */
    readonly port: number;
    /** `device.json` in it says where this device listens. */
    readonly home: string;
    readonly pid: number;
    readonly token: string;
    readonly userId: () => UserId;
    readonly ids: IdSource;
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
  const { userId, ids, resolve } = parts;
  const guard = createDeviceGuard({ token, hosts, userId });
  const tickets = createTickets({
    ...{ store: createTicketStore(ids.now), resolve, randomBytes: ids.randomBytes },
    again: () => ownerOf(userId()),
  });
  const handlers = { ...parts.handlers, ...tickets.routes };
  const http = createHttp({ ...parts, handlers, guard, ownerOf: userId });
  const listener = await listen({ ...parts, guard, tickets, http }, port, host);
  const address = listener.server.address();
  if (address !== null && typeof address === 'object') port = address.port;
  const origin = `http://${DISPLAY_NAMES[host] ?? host}:${port}`;
  await writeFile(join(home, 'device.json'), JSON.stringify({ port, pid, host, origin }), { mode: 0o600 });
  return { origin, port, close: () => listener.close() };
}
