/** What a hostile page or name can send to the device's port, and that none of it reaches a handler (T3). */
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { Failure, ROUTES, type Route, type RouteName, type UserId } from '@markco/protocol';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { servePage } from './page.ts';
import { createDeviceGuard } from './device-guard.ts';
import type { Handlers } from '@markco/replica/listen/handlers';
import { createHttp } from '@markco/replica/listen/http';
import { listen } from '@markco/replica/listen/server';

const TOKEN = 'the-token-of-this-device-0123456789';
const reached: string[] = [];
beforeEach(() => void (reached.length = 0));

const handlers = Object.fromEntries(
  (Object.keys(ROUTES) as RouteName[]).map((name) => [
    name,
    () => {
      reached.push(name);
      return new Response(null, { status: 204 });
    },
  ]),
) as unknown as Handlers;

let names: readonly string[] = [];
const guard = createDeviceGuard({
  token: TOKEN,
  hosts: () => names,
  userId: () => '00000000-0000-7000-8000-00000000abcd' as UserId,
});
const refused: string[] = [];
const listener = await listen(
  {
    guard,
    tickets: { admit: () => undefined },
    http: createHttp({
      guard,
      handlers,
      ownerOf: () => '00000000-0000-7000-8000-00000000abcd' as UserId,
      page: (path, method) => servePage(tmpdir(), path, method),
      onError: (route) => void reached.push(`${route} failed`),
    }),
    resolve(url) {
      reached.push(`resolve ${url.pathname}`);
      if (url.pathname === '/api/stream') return { kind: 'stream' };
      throw new Failure('not_found', 'There is nothing here.');
    },
    serve: (_target, connection) => {
      reached.push('socket');
      connection.close(1000, '');
    },
    onSocket: () => undefined,
    onSocketError: (reason) => void refused.push(reason),
  },
  0,
  '127.0.0.1',
);
const address = listener.server.address();
const port = address !== null && typeof address === 'object' ? address.port : 0;
const own = `127.0.0.1:${port}`;
names = [`localhost:${port}`, own, `[::1]:${port}`];
afterAll(() => listener.close());

/** Sends the lines as they are and answers the status of what came back; 0 when nothing did. */
async function send(lines: readonly string[], body = ''): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (bytes) => {
    text += String(bytes);
    socket.end();
  });
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write([...lines, '', body].join('\r\n'));
  await closed;
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
}

type Hostile = { readonly name: string; readonly headers: readonly string[] };
/** What a rebinding page's browser would say. */
const HOSTS: readonly (string | undefined)[] = [
  'evil',
  `evil:${port}`,
  'evil.com',
  `evil.com:${port}`,
  `127.0.0.1.evil.com:${port}`,
  `localhost.evil.com:${port}`,
  `evil-localhost:${port}`,
  `localhost.:${port}`,
  `127.0.0.1.:${port}`,
  `LOCALHOST:${port}`,
  `Localhost:${port}`,
  'localhost',
  '127.0.0.1',
  'localhost:80',
  `localhost:${port + 1}`,
  `localhost:0${port}`,
  `0.0.0.0:${port}`,
  `127.1:${port}`,
  `127.0.0.2:${port}`,
  `2130706433:${port}`,
  `0x7f000001:${port}`,
  `0177.0.0.1:${port}`,
  `[::]:${port}`,
  `[0:0:0:0:0:0:0:1]:${port}`,
  `[::ffff:127.0.0.1]:${port}`,
  `[::1%25lo]:${port}`,
  `::1:${port}`,
  '[::1]',
  `user@localhost:${port}`,
  `localhost:${port}@evil.com`,
  `localhost:${port}/`,
  `localhost:${port}#`,
  `localhost:${port},evil.com`,
  `evil.com, localhost:${port}`,
  `localhost:${port} evil`,
  `xn--lcalhost-x7a:${port}`,
  `lоcalhost:${port}`,
  '',
  undefined,
];
const ORIGINS: readonly string[] = [
  'null',
  'https://evil.com',
  `http://evil.com:${port}`,
  `https://${own}`,
  `https://localhost:${port}`,
  `http://localhost:${port}.evil.com`,
  `http://localhost.evil.com:${port}`,
  `http://evil-localhost:${port}`,
  `http://localhost:${port}0`,
  `http://localhost:${port + 1}`,
  'http://localhost',
  'http://127.0.0.1',
  `http://LOCALHOST:${port}`,
  `http://localhost.:${port}`,
  `http://localhost:${port}/`,
  `http://localhost:${port}/x`,
  ` http://evil.com http://localhost:${port}`,
  `http://0.0.0.0:${port}`,
  `ws://localhost:${port}`,
  'file://',
  'chrome-extension://abcdefgh',
  'about:blank',
  `http://user@localhost:${port}`,
  `http://[::ffff:127.0.0.1]:${port}`,
  'undefined',
];
const hostile: readonly Hostile[] = [
  ...HOSTS.map((host) => ({ name: `Host ${host ?? 'missing'}`, headers: host === undefined ? [] : [`Host: ${host}`] })),
  ...ORIGINS.map((origin) => ({ name: `Origin ${origin}`, headers: [`Host: ${own}`, `Origin: ${origin}`] })),
  ...['cross-site', 'same-site'].flatMap((site) =>
    ['no-cors', 'cors', 'navigate', 'websocket'].map((mode) => ({
      name: `Sec-Fetch-Site ${site}, ${mode}`,
      headers: [`Host: ${own}`, `Sec-Fetch-Site: ${site}`, `Sec-Fetch-Mode: ${mode}`],
    })),
  ),
  ...[
    'X-HTTP-Method-Override',
    'X-HTTP-Method',
    'X-Method-Override',
    'X-Forwarded-Host',
    'X-Original-URL',
    'X-Rewrite-URL',
    'Forwarded',
  ].map((header) => ({
    name: `Host evil with ${header}`,
    headers: [
      'Host: evil.com',
      `${header}: ${header.includes('Method') ? 'POST' : header === 'Forwarded' ? `host=${own}` : own}`,
    ],
  })),
];
const SIGNED_IN = `Authorization: Bearer ${TOKEN}`;
const COOKIE = `Cookie: session_token=${TOKEN}`;
const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const routes = Object.values(ROUTES) as Route[];

test(
  `T3 ${hostile.length} hostile requests, to every route and with the token even: no handler is reached`,
  { timeout: 60_000 },
  async () => {
    expect(hostile.length).toBeGreaterThanOrEqual(60);
    const statuses = new Set<number>();
    for (const [index, { headers }] of hostile.entries()) {
      // Every route is asked; each hostile request asks several.
      for (let step = 0; step < 4; step++) {
        const route = routes[(index * 4 + step) % routes.length] ?? expect.unreachable('no route');
        const path = route.path.replaceAll(/:\w+/g, '00000000-0000-7000-8000-000000000001').replace('*', 'x');
        const type =
          ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'][
            step
          ] ?? '';
        const post = route.method === 'GET' ? [] : [`Content-Type: ${type}`, 'Content-Length: 2'];
        statuses.add(
          await send(
            [`${route.method} ${path} HTTP/1.1`, ...headers, step % 2 === 0 ? SIGNED_IN : COOKIE, ...post],
            post.length === 0 ? '' : '{}',
          ),
        );
      }
    }
    expect(reached).toEqual([]);
    // 400 is Node's own answer to a Host that is none.
    expect([...statuses].toSorted((a, b) => a - b)).toEqual([400, 403]);
  },
);

test(
  `T3 ${hostile.length} hostile WebSocket upgrades, with the token even: none is let in`,
  { timeout: 60_000 },
  async () => {
    for (const { name, headers } of hostile) {
      for (const path of ['/api/stream', '/api/runs/00000000-0000-7000-8000-000000000001/events', '/sync/u/p/d']) {
        expect([
          name,
          path,
          [400, 403].includes(await send([`GET ${path}?token=${TOKEN} HTTP/1.1`, ...headers, ...UPGRADE, COOKIE])),
        ]).toEqual([name, path, true]);
      }
    }
    expect(reached).toEqual([]);
    // The very same request from here is let in: the refusals above were about the headers.
    expect(await send([`GET /api/stream?token=${TOKEN} HTTP/1.1`, `Host: ${own}`, ...UPGRADE])).toBe(101);
    expect(reached).toEqual(['resolve /api/stream', 'socket']);
  },
);

test('T3 a form, a preflight or an overridden method of another site does nothing', async () => {
  for (const lines of [
    ['POST /api/runs HTTP/1.1', 'Origin: https://evil.com', 'Content-Type: text/plain', 'Content-Length: 2'],
    ['OPTIONS /api/runs HTTP/1.1', 'Origin: https://evil.com', 'Access-Control-Request-Method: POST'],
    ['GET /api/runs HTTP/1.1', 'Sec-Fetch-Site: cross-site', 'X-HTTP-Method-Override: POST'],
    ['GET http://evil.com/api/runs HTTP/1.1', 'Sec-Fetch-Site: cross-site'],
    ['GET /%61pi/runs HTTP/1.1', 'Sec-Fetch-Site: cross-site'],
    ['GET /api%2fruns HTTP/1.1', 'Sec-Fetch-Site: cross-site'],
    ['GET //api/runs HTTP/1.1', 'Sec-Fetch-Site: cross-site'],
    ['GET /x/../api/runs HTTP/1.1', 'Sec-Fetch-Site: cross-site'],
    ['GET /API/runs HTTP/1.1', 'Sec-Fetch-Site: cross-site'],
  ]) {
    await send([lines[0] ?? '', `Host: ${own}`, COOKIE, ...lines.slice(1)], '{}');
  }
  // From here, what is no JSON is no request either, and a method is what the first line says.
  expect(
    await send(
      ['POST /api/runs HTTP/1.1', `Host: ${own}`, SIGNED_IN, 'Content-Type: text/plain', 'Content-Length: 2'],
      '{}',
    ),
  ).toBe(400);
  expect(await send(['POST /api/runs HTTP/1.1', `Host: ${own}`, SIGNED_IN, 'Content-Length: 2'], '{}')).toBe(400);
  expect(reached).toEqual([]);
  expect(await send(['GET /api/runs HTTP/1.1', `Host: ${own}`, SIGNED_IN, 'X-HTTP-Method-Override: DELETE'])).toBe(204);
  expect(reached).toEqual(['runs']);
});

test('a page elsewhere may link to the page of the device, and to nothing else of it', async () => {
  expect(await send(['GET / HTTP/1.1', `Host: ${own}`, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate'])).toBe(
    404,
  ); // no page is built here
  expect(await send(['POST / HTTP/1.1', `Host: ${own}`, 'Sec-Fetch-Site: cross-site', 'Content-Length: 0'])).toBe(403);
  expect(await send(['GET /health HTTP/1.1', `Host: ${own}`, 'Sec-Fetch-Site: cross-site'])).toBe(403);
  expect(reached).toEqual([]);
});

test('without the token nothing is reached but /health', async () => {
  for (const token of ['', 'x', TOKEN.slice(1), `${TOKEN}x`, `${TOKEN} `, 'тест', '%00']) {
    expect(
      await send([`GET /api/projects HTTP/1.1`, `Host: ${own}`, `Authorization: Bearer ${encodeURIComponent(token)}`]),
    ).toBe(401);
    expect(await send([`GET /api/projects?token=${TOKEN} HTTP/1.1`, `Host: ${own}`])).toBe(401);
    expect(
      await send([`GET /api/stream?token=${encodeURIComponent(token)} HTTP/1.1`, `Host: ${own}`, ...UPGRADE]),
    ).toBe(401);
  }
  for (const scheme of ['Basic', 'bearer', 'Bearer  ', 'Token']) {
    expect(await send([`GET /api/projects HTTP/1.1`, `Host: ${own}`, `Authorization: ${scheme} ${TOKEN}`])).toBe(401);
  }
  expect(reached).toEqual([]);
  expect(await send(['GET /health HTTP/1.1', `Host: ${own}`])).toBe(204);
  expect(refused.filter((reason) => reason === 'internal')).toEqual([]);
});

test('an address that is none breaks nothing, and the next request is answered', async () => {
  for (const address of [
    '//',
    '//[',
    'http://',
    'http://a:999999/',
    '@evil.com/api/stream',
    ':99999/',
    '/api/runs/%',
    '/api/runs/%ff',
    '/%00',
    '/sync/%/%/%',
  ]) {
    for (const headers of [[SIGNED_IN], [SIGNED_IN, ...UPGRADE]]) {
      const status = await send([`GET ${address} HTTP/1.1`, `Host: ${own}`, ...headers]);
      expect([address, status > 0 && status < 500]).toEqual([address, true]);
    }
  }
  expect(reached.filter((name) => name.includes('failed') || name === 'socket')).toEqual([]);
  expect(await send(['GET /health HTTP/1.1', `Host: ${own}`])).toBe(204);
});
