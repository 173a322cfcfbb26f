/** Where published pages are served, over real HTTP. */
import { once } from 'node:events';
import { createServer, request, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Failure } from '@markco/protocol';
import { expect, test } from 'vitest';
import type { Answer } from './answer.ts';
import { publishedDoor } from './door.ts';

async function open(publishOrigin: string | null) {
  const asked: string[] = [];
  const answer = async (path: string, origin: string): Promise<Answer> => {
    asked.push(`${origin} ${path}`);
    if (path.includes('broken')) throw new Error('broken');
    return {
      status: 200,
      body: gzipSync('page'),
      isPacked: true,
      headers: { 'content-type': 'text/html' },
      tag: 'tag',
    };
  };
  const errors: unknown[] = [];
  const guard = {
    foreign: ({ host }: IncomingHttpHeaders) =>
      host === 'cloud.example.com' ? undefined : new Failure('forbidden', 'Not this host.'),
  };
  const server = createServer(
    publishedDoor({ publishOrigin, guard, answer, onError: (error) => errors.push(error) }, (_request, response) =>
      response.writeHead(418).end(),
    ),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    errors,
    ask: (host: string, path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
      new Promise<{ status: number | undefined; headers: IncomingHttpHeaders; body: Buffer }>((resolve, reject) => {
        request({ port, path, method, headers: { host, ...headers } }, (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () =>
            resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }),
          );
        })
          .on('error', reject)
          .end();
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('with an origin of their own pages are served there, whatever is asked for, and at no other name', async () => {
  await using door = await open('https://pages.example.com');
  for (const path of ['/@ada/notes', '/', '/api/projects', '/%ff'])
    expect([path, (await door.ask('pages.example.com', path)).status]).toEqual([path, 200]);
  expect(door.asked).toEqual(
    ['/@ada/notes', '/', '/api/projects', '/%ff'].map((path) => `https://pages.example.com ${path}`),
  );
  const moved = await door.ask('cloud.example.com', '/@ada/notes?q=1');
  expect([moved.status, moved.headers.location]).toEqual([308, 'https://pages.example.com/@ada/notes?q=1']);
  for (const [host, path] of [
    ['cloud.example.com', '/'],
    ['pages.example.com:81', '/@ada/notes'],
    ['PAGES.example.com', '/@ada/notes'],
    ['evil.example.com', '/@ada/notes'],
  ] as const)
    expect([host, (await door.ask(host, path)).status]).toEqual([host, 418]);
});

test('without one they are below /@ at the names of the cloud, in whichever way it is written', async () => {
  await using door = await open(null);
  for (const path of ['/@ada/notes', '/%40ada/notes?q#x', '/@ada/%ff'])
    expect((await door.ask('cloud.example.com', path)).body.toString()).toBe('page');
  expect((await door.ask('cloud.example.com', '/@ada/notes', { 'x-forwarded-proto': 'https' })).status).toBe(200);
  expect(door.asked).toEqual([
    ...['/@ada/notes', '/@ada/notes', '/@ada/%ff'].map((path) => `http://cloud.example.com ${path}`),
    'https://cloud.example.com /@ada/notes',
  ]);
  for (const [host, path] of [
    ['cloud.example.com', '/p/@ada'],
    ['evil.example.com', '/@ada/notes'],
  ] as const)
    expect((await door.ask(host, path)).status).toBe(418);
});

test('pages are packed for who can unpack them, told apart by their tag, and only read', async () => {
  await using door = await open(null);
  const ask = (headers: Readonly<Record<string, string>>, method = 'GET', path = '/@a/b') =>
    door.ask('cloud.example.com', path, headers, method);
  const packed = await ask({ 'accept-encoding': 'br, gzip;q=0.5' });
  expect([packed.headers['content-encoding'], gunzipSync(packed.body).toString()]).toEqual(['gzip', 'page']);
  expect((await ask({ 'if-none-match': 'W/"old", "tag"' })).status).toBe(304);
  expect([(await ask({}, 'HEAD')).body.length, (await ask({}, 'HEAD')).headers['content-length']]).toEqual([0, '4']);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect((await ask({}, method)).status).toBe(405);
  const broken = await ask({}, 'GET', '/@a/broken');
  expect([broken.status, broken.headers['cache-control'], door.errors.length]).toEqual([500, 'no-store', 1]);
});
