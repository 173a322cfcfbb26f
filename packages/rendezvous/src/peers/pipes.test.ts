import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Failure } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createPipes, type Pipes } from './pipes.ts';

const COOKIE = 'session_token=secret';
const SIGNED_IN = { cookie: COOKIE, authorization: 'Bearer secret' };

type World = {
  /** Cookies and paths that the device saw. */
  readonly seen: string[];
  readonly pipes: Pipes;
  /** Whether there is a device, and the time. */
  readonly device: { isThere: boolean; now: number };
  open(path?: string, headers?: Readonly<Record<string, string>>): WebSocket;
};

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

const test = base.extend<{ world: World }>({
  world: async ({}, use) => {
    const seen: string[] = [];
    const device = createServer().listen(0, '127.0.0.1');
    const sockets = new WebSocketServer({ server: device });
    sockets.on('connection', (socket, { headers, url }) => {
      seen.push(`${url} ${headers.cookie ?? 'no cookie'} ${headers.authorization ?? 'no token'}`);
      socket.on('message', (message: Buffer) => socket.send(message));
    });
    const front = createServer().listen(0, '127.0.0.1');
    await Promise.all([once(device, 'listening'), once(front, 'listening')]);
    const is = { isThere: true, now: 0 };
    const pipes = createPipes({
      target: () => (is.isThere ? { host: '127.0.0.1', port: portOf(device) } : null),
      isKnown: ({ headers }) => headers.cookie === COOKIE,
      now: () => is.now,
      max: 3,
    });
    front.on('upgrade', (request, socket, head) => {
      try {
        if (!pipes.take(request, socket, head)) socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
      } catch (error) {
        socket.end(`HTTP/1.1 ${Failure.from(error).status} Refused\r\n\r\n`);
      }
    });
    await use({
      ...{ seen, pipes, device: is },
      open: (path = '/', headers = SIGNED_IN) => new WebSocket(`ws://127.0.0.1:${portOf(front)}${path}`, { headers }),
    });
    pipes.close();
    sockets.close();
    for (const server of [device, front]) {
      server.closeAllConnections();
      server.close();
    }
  },
});

const refusal = async (socket: WebSocket): Promise<string> =>
  String(((await once(socket, 'error')) as [Error])[0].message);

test('what a browser says reaches the device as it is, and back, but not whose page it is', async ({ world }) => {
  const socket = world.open();
  await once(socket, 'open');
  const bytes = Buffer.alloc(100_000, 7);
  socket.send(bytes);
  const [answer] = (await once(socket, 'message')) as [Buffer];
  expect(answer.equals(bytes)).toBe(true);
  expect(world.seen).toEqual(['/ no cookie no token']);
  expect(world.pipes.count).toBe(1);
  socket.close();
  await expect.poll(() => world.pipes.count).toBe(0);
});

test('few go through at once, only to the device, and only while there is one', async ({ world }) => {
  expect(await refusal(world.open('/api/else'))).toContain('404');
  const both = [world.open(), world.open('/?x=1'), world.open()];
  await Promise.all(both.map((socket) => once(socket, 'open')));
  expect(await refusal(world.open())).toContain('503');
  both[0]?.terminate();
  await expect.poll(() => world.pipes.count).toBe(2);
  world.device.isThere = false;
  expect(await refusal(world.open())).toContain('503');
  world.pipes.close();
  await once(both[1] as WebSocket, 'close');
  expect(world.pipes.count).toBe(0);
});

test('who comes without the token is let through, but not so often that nobody else is', async ({ world }) => {
  const strangers = [world.open('/', {}), world.open('/', {})];
  await Promise.all(strangers.map((socket) => once(socket, 'open')));
  for (const socket of strangers) socket.terminate();
  await expect.poll(() => world.pipes.count).toBe(0);
  expect(await refusal(world.open('/', {}))).toContain('503');
  await once(world.open(), 'open');
  world.device.now += 1_000;
  await once(world.open('/', {}), 'open');
});
