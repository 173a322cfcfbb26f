/** Tickets for WebSockets: what they open, that they do so once, and that stock clients come back with them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cloud } from '@markco/protocol';
import { NO_NATS, startNats } from '@markco/rendezvous/processes/nats.fixture';
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import { expect, test } from 'vitest';
import { WebrtcProvider } from 'y-webrtc';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { createBrowser, signInAs } from './cloud-browser.fixture.ts';
import { startCloudHere } from './cloud-here.fixture.ts';
import { startCloud } from './cloud.fixture.ts';
import { eventually, startDevice } from './device.fixture.ts';
import { startOidc } from './oidc.fixture.ts';

const ROOT = join(import.meta.dirname, '../..');
const HALF_A_MINUTE_MS = 30_000;
type Given = { readonly ticket?: string; readonly endsAt?: string; readonly error?: { readonly code: string } };

async function ticketFor(origin: string, token: string, body: object): Promise<Given & { readonly status: number }> {
  const answer = await fetch(`${origin}/api/tickets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, ...((await answer.json()) as Given) };
}

/** Whether a WebSocket is opened there, or with which status it is refused. */
async function opens(origin: string, address: string): Promise<'open' | number> {
  const { WebSocket } = await import('ws');
  const socket = new WebSocket(`${origin.replace('http', 'ws')}${address}`);
  return new Promise((resolve) => {
    socket.once('open', () => {
      socket.close();
      resolve('open');
    });
    socket.once('unexpected-response', (request, { statusCode }) => {
      request.destroy();
      resolve(statusCode ?? 0);
    });
    socket.on('error', () => undefined);
  });
}

test('TICKET-1 the stock client of examples comes back after a kill of the cloud, and no address has a token in it', async () => {
  await using cloud = await startCloud({ MARKCO_URL_TOKENS: '0', LOG_LEVEL: 'trace' });
  await using laptop = await startDevice({ files: { 'notes/my page.md': '# Page\n' } });
  await laptop.get<Cloud>('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const path = `/sync/${laptop.userId}/${laptop.project.slug}/notes/my%20page`;
  await eventually(
    async () => (await ticketFor(cloud.origin, cloud.token, { path })).status === 201,
    'the project there',
  );
  expect([await opens(cloud.origin, `${path}?token=${cloud.token}`), await opens(cloud.origin, path)]).toEqual([
    401, 401,
  ]);

  // Beside the packages it imports, as in a program of anybody's.
  const folder = await mkdtemp(join(ROOT, 'node_modules/.example-'));
  try {
    await copyFile(join(ROOT, 'examples/yjs/follow.mjs'), join(folder, 'follow.mjs'));
    const env = { ORIGIN: cloud.origin, TOKEN: cloud.token, USER_ID: laptop.userId, SLUG: laptop.project.slug };
    const child = spawn(process.execPath, [join(folder, 'follow.mjs')], {
      env: { PATH: process.env['PATH'], ...env, PAGE: 'notes/my page' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    try {
      await eventually(() => printed.includes('# Page'), 'the page', 30_000);
      await cloud.kill();
      await cloud.start();
      const doc = new Y.Doc();
      const { ticket = '' } = await ticketFor(cloud.origin, cloud.token, { path });
      const writer = new WebsocketProvider(cloud.origin.replace('http', 'ws'), path.slice(1), doc, {
        params: { ticket },
        disableBc: true,
      });
      try {
        await eventually(() => writer.synced, 'the writer', 30_000);
        doc.getText('content').insert(0, 'started again\n');
        await eventually(() => printed.includes('started again\n'), 'what was written after it came back', 30_000);
      } finally {
        writer.destroy();
      }
      expect(cloud.log()).not.toContain(ticket);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  expect(cloud.log()).toContain('socket.refused');
  expect(cloud.log()).not.toContain(cloud.token);
}, 90_000);

test('TICKET-1 the signaling of y-webrtc comes back with tickets too, as docs/cloud.md has it', async () => {
  await using cloud = await startCloudHere();
  const server = cloud.origin.replace('http', 'ws');
  const page = await readFile(join(ROOT, 'docs/cloud.md'), 'utf8');
  const [, program = ''] = /^```js\n(.*?)^```$/ms.exec(page) ?? [];
  const newTicket = async (path: string): Promise<string> =>
    (await ticketFor(cloud.origin, cloud.token, { path })).ticket ?? '';
  const first = `${server}/api/signal?ticket=${await newTicket('/api/signal')}`;
  const provider = new WebrtcProvider('room', new Y.Doc(), { signaling: [first] });
  const [signaling] = provider.signalingConns;
  let timer: NodeJS.Timeout | undefined;
  const every = (work: () => void, ms: number): void => void (timer = setInterval(work, ms));
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- what stands in the page is what is tried
    new Function('provider', 'server', 'newTicket', 'setInterval', program)(provider, server, newTicket, every);
    await eventually(() => signaling?.connected === true, 'the signaling server');
    await cloud.stop();
    await eventually(() => signaling?.connected === false, 'it to be noticed');
    await cloud.start();
    await eventually(() => signaling?.connected === true, 'it to come back', 30_000);
    expect(signaling?.url).not.toBe(first);
  } finally {
    clearInterval(timer);
    provider.destroy();
    signaling?.destroy();
  }
}, 60_000);

test('TICKET-2 a ticket opens one address, once, for half a minute, for whoever it was given to and as long as they are let in', async () => {
  await using oidc = await startOidc();
  await using cloud = await startCloudHere({ oidc });
  oidc.serve(cloud.origin);
  await using laptop = await startDevice({ files: { 'page.md': '# Page\n' } });
  await laptop.get<Cloud>('/api/cloud', { body: { url: cloud.origin, token: cloud.token } });
  const path = `/sync/${laptop.userId}/${laptop.project.slug}/page`;
  const mine = (body: object) => ticketFor(cloud.origin, cloud.token, body);
  await eventually(async () => (await mine({ path })).status === 201, 'the project at the cloud');

  const first = await mine({ path });
  expect(Date.parse(first.endsAt ?? '') - Date.now()).toBeLessThanOrEqual(HALF_A_MINUTE_MS);
  // Whoever is elsewhere with it has used it up.
  expect(await opens(cloud.origin, `/api/stream?ticket=${first.ticket}`)).toBe(401);
  expect(await opens(cloud.origin, `${path}?ticket=${first.ticket}`)).toBe(401);
  const second = await mine({ path });
  const tries = await Promise.all([1, 2, 3].map(() => opens(cloud.origin, `${path}?ticket=${second.ticket}`)));
  expect(tries.map(String).toSorted()).toEqual(['401', '401', 'open']);
  const late = await mine({ path });
  cloud.ahead += HALF_A_MINUTE_MS;
  expect(await opens(cloud.origin, `${path}?ticket=${late.ticket}`)).toBe(401);
  // It counts before a token, opens nothing over HTTP, and what is not there is not there with it either.
  const stream = await mine({ path: '/api/stream' });
  expect(await opens(cloud.origin, `/api/stream?token=${cloud.token}&ticket=nothing`)).toBe(401);
  expect((await fetch(`${cloud.origin}/api/projects?ticket=${stream.ticket}`)).status).toBe(401);
  expect(await opens(cloud.origin, `/api/stream?ticket=${stream.ticket}`)).toBe('open');
  for (const wrong of ['/api/nothing', `/sync/${laptop.userId}/none/page`, `${path}?token=x`, `/sync/nobody/a/page`])
    expect([wrong, [400, 404].includes((await mine({ path: wrong })).status)]).toEqual([wrong, true]);

  // A token of a plain agent gets none, and a session that has ended opens nothing with one that it was given.
  const ada = createBrowser(cloud.origin);
  await signInAs(oidc, ada, 'ada');
  const hers = await ada.ask<Given>('POST', '/api/tickets', { path: '/api/stream' });
  expect(hers.status).toBe(201);
  expect((await ada.ask('POST', '/api/tickets', { path })).status).toBe(404);
  const added = await ada.ask<{ token: string }>('POST', '/api/agents', { name: 'attic' });
  expect(await ticketFor(cloud.origin, added.json.token, { path: '/api/agents/connect' })).toMatchObject({
    status: 403,
  });
  expect((await ada.ask('DELETE', '/api/session')).status).toBe(204);
  expect(await opens(cloud.origin, `/api/stream?ticket=${hers.json.ticket}`)).toBe(401);
}, 60_000);

test('TICKET-3 one that is for reading changes nothing, whatever the address says', async () => {
  await using device = await startDevice({ files: { 'page.md': '# Page\n' } });
  const path = `/sync/${device.userId}/${device.project.slug}/page`;
  const open = async (body: object): Promise<WebsocketProvider> => {
    const { ticket = '' } = await ticketFor(device.origin, device.token, body);
    return new WebsocketProvider(device.origin.replace('http', 'ws'), path.slice(1), new Y.Doc(), {
      params: { ticket, mode: 'write' },
      disableBc: true,
    });
  };
  const [reader, writer] = [await open({ path, mode: 'read' }), await open({ path })];
  try {
    await eventually(() => reader.synced && writer.synced, 'both to be there');
    reader.doc.getText('content').insert(0, 'not taken ');
    writer.doc.getText('content').insert(0, 'taken ');
    await eventually(() => reader.doc.getText('content').toString().includes('taken # Page'), 'the edit at the reader');
    const again = await open({ path, mode: 'read' });
    try {
      await eventually(() => again.synced, 'another reader');
      expect(again.doc.getText('content').toString()).toBe('taken # Page\n');
    } finally {
      again.destroy();
    }
  } finally {
    reader.destroy();
    writer.destroy();
  }
}, 60_000);

test('TICKET-4 of several processes any takes what another one gave, once', async ({ skip }) => {
  const missing = NO_POSTGRES ?? NO_NATS;
  skip(missing !== undefined, missing);
  await using postgres = await startPostgres();
  await using nats = await startNats();
  const shared = { databaseUrl: await postgres.database(), natsUrl: nats.url };
  await using one = await startCloudHere({ shared });
  await using two = await startCloudHere({ shared });
  const given = await Promise.all([1, 2, 3].map(() => ticketFor(one.origin, one.token, { path: '/api/stream' })));
  for (const { ticket } of given) {
    const tries = await Promise.all([one, two, two].map(({ origin }) => opens(origin, `/api/stream?ticket=${ticket}`)));
    expect(tries.map(String).toSorted()).toEqual(['401', '401', 'open']);
  }
  const [kept] = await postgres.rows<{ count: string }>(shared.databaseUrl, 'SELECT count(*) FROM tickets');
  expect(kept?.count).toBe('0');
  await postgres.kill();
  expect(await ticketFor(one.origin, one.token, { path: '/api/stream' })).toMatchObject({ status: 503 });
}, 60_000);
