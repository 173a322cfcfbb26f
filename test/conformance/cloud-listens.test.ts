/** What a cloud listens on (T17), and that a page of somebody else's reaches nothing of it (T3). */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { platform } from 'node:process';
import { afterAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startCloud } from './cloud.fixture.ts';
import { refusalOf } from './device.fixture.ts';

const cloud = await startCloud({ MARKCO_HOST: '0.0.0.0' });
afterAll(() => cloud[Symbol.asyncDispose]());
const { port } = new URL(cloud.origin);

const LISTENS = '0A';
const EVERYWHERE = '00000000';

/** The TCP ports that a program listens on, each with whether every network reaches it. */
async function listensOn(pid: number): Promise<readonly { readonly port: number; readonly isPublic: boolean }[]> {
  const links = (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''));
  const inodes = new Set((await Promise.all(links)).map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8')));
  return tables
    .flatMap((table) => table.trim().split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === LISTENS && inodes.has(inode))
    .map(([, local = '']) => ({
      port: Number.parseInt(local.split(':')[1] ?? '', 16),
      isPublic: !/^(0100007F|0{24}01000000)$/.test(local.split(':')[0] ?? '') && local.startsWith(EVERYWHERE),
    }));
}

test('T17 every network reaches the one port of a cloud and, once it is one of the devices, libp2p: nothing else', async ({
  skip,
}) => {
  skip(platform !== 'linux', 'what a program listens on is read from /proc');
  const reached = async (): Promise<readonly number[]> =>
    (await listensOn(cloud.pid)).flatMap((each) => (each.isPublic ? [each.port] : []));
  expect(await reached()).toEqual([Number(port)]);
  // Beside it the page of its own device, for this machine alone.
  expect(await listensOn(cloud.pid)).toHaveLength(2);
  await cloud.device.get('/api/pairing', {});
  // TCP, and WebSockets for browsers.
  expect(await reached()).toHaveLength(3);
  expect(await listensOn(cloud.pid)).toHaveLength(4);
});

test('the machine of a cloud is reached by its own addresses, at a port that was chosen for it too', async ({
  skip,
}) => {
  const [address] = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .flatMap((found) => (found.family === 'IPv4' && !found.internal ? [found.address] : []));
  if (address === undefined) return skip('this machine has no address but its own');
  expect((await fetch(`http://${address}:${port}/health`)).status).toBe(200);
});

const HOSTS = [
  ...[
    'evil.example',
    `evil.example:${port}`,
    `127.0.0.1.evil.example:${port}`,
    `localhost.:${port}`,
    `localhost.evil:${port}`,
  ],
  ...[
    `127.0.0.1:${Number(port) + 1}`,
    `[::]:${port}`,
    `0.0.0.0:${port}`,
    `2130706433:${port}`,
    `127.1:${port}`,
    `user@127.0.0.1:${port}`,
  ],
];
const ORIGINS = [
  ...['null', 'file://', 'http://evil.example', `${cloud.origin}.evil.example`, `http://evil.example/${cloud.origin}`],
  ...[
    `http://127.0.0.1:${Number(port) + 1}`,
    `http://evil.example#${cloud.origin}`,
    `http://user@127.0.0.1:${port}`,
    'chrome-extension://evil',
  ],
];

/** With the token of the cloud, as a browser that was tricked would send it. */
function ask(method: string, path: string, headers: Readonly<Record<string, string>>, body = ''): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method, headers: { authorization: `Bearer ${cloud.token}`, ...headers } },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

test('T3 a request that a page of somebody else’s makes is refused before anything is done, whatever it looks like', async () => {
  const invites = async (): Promise<number> =>
    (await cloud.get<{ invites: unknown[] }>('/api/invites')).json.invites.length;
  const form = { 'content-type': 'text/plain' };
  const tricks = [
    ...HOSTS.map((host) => ({ host })),
    ...ORIGINS.map((origin) => ({ origin })),
    ...['cross-site', 'same-site'].map((site) => ({ 'sec-fetch-site': site })),
  ];
  let asked = 0;
  for (const headers of tricks)
    for (const [method, path] of [
      ['GET', '/api/projects'],
      ['POST', '/api/invites'],
      ['POST', '/api/sign-in/passkey'],
    ] as const) {
      const status = await ask(
        method,
        path,
        { ...(method === 'GET' ? {} : form), ...headers },
        method === 'GET' ? '' : '{}',
      );
      expect([method, path, headers, [400, 403].includes(status)]).toEqual([method, path, headers, true]);
      asked++;
    }
  // As a form, by another method in disguise, and with the method of the preflight.
  expect(await ask('POST', '/api/invites', { 'x-http-method-override': 'DELETE', origin: 'null' })).toBe(403);
  expect(await ask('OPTIONS', '/api/invites', { origin: 'http://evil.example' })).toBe(403);
  for (const headers of [{ origin: 'http://evil.example' }, { host: 'evil.example' }])
    for (const path of ['/api/link', '/api/stream', '/api/signal', '/sync/someone/notes/page']) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}?token=${cloud.token}`, { headers });
      expect([path, (await refusalOf(socket)).status]).toEqual([path, 403]);
      asked++;
    }
  expect(asked).toBeGreaterThan(60);
  expect(await invites()).toBe(0);
  expect(await ask('GET', '/api/projects', { origin: cloud.origin })).toBe(200);
});
