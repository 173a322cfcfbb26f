/** An attached server as a session of a device: its run is kept as any other, whatever becomes of the server. */
import { once } from 'node:events';
import { lstat, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { env } from 'node:process';
import { expect, onTestFinished, test } from 'vitest';
import { eventsOf, finished, firstEvent, testDevice, textOf } from '../../runs/runs.fixture.ts';
import { NO_WISHES } from '../runtime.ts';

/** What the server does when it is asked to end a session. */
type OnDelete = (response: ServerResponse) => void;

async function lab(onDelete: OnDelete = (response) => void response.writeHead(204).end()) {
  const home = await mkdtemp(path.join(tmpdir(), 'markco-lab-'));
  const streams: ServerResponse[] = [];
  const asked: string[] = [];
  const server = createServer((request, response) => {
    if (request.method === 'DELETE') asked.push(`${request.url} ${request.headers.authorization}`);
    if (request.url?.endsWith('/capabilities') === true) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"runtime":"lab","features":{}}');
    } else if (request.url?.endsWith('/stream') === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: stdout\ndata: {"content":"begun\\n"}\n\n');
      streams.push(response);
    } else if (request.method === 'POST' && request.url === '/mrp/v1/sessions') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"its own/name"}');
    } else if (request.method === 'DELETE') onDelete(response);
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await rm(home, { recursive: true });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const entries = [{ name: 'lab', language: 'python', url, token: 'secret' }];
  await writeFile(path.join(home, 'runtimes.json'), JSON.stringify(entries), { mode: 0o600 });
  return { home, streams, asked };
}

const config = { ...NO_WISHES, kernel: 'lab' };

test('a run at an attached server is written down as it comes, and ends when the server goes away', async () => {
  const { home, streams } = await lab();
  await using device = await testDevice({ env: { ...env, MARKCO_HOME: home } });
  const request = () => {
    const made = device.request('anything');
    return { ...made, session: { ...made.session, config } as typeof made.session };
  };
  const first = request();
  await device.runs.submit(first);
  await firstEvent(device.runs, first.id, (event) => textOf([event]).includes('begun'));
  streams[0]?.end('event: result\ndata: {"success":true,"result":"42"}\n\nevent: done\ndata: {}\n\n');
  const events = await eventsOf(device.runs, first.id);
  expect(events.at(-1)).toMatchObject({ type: 'result', payload: { data: { 'text/plain': '42' }, executionCount: 1 } });
  const second = request();
  await device.runs.submit(second);
  await firstEvent(device.runs, second.id, (event) => textOf([event]).includes('begun'));
  streams[1]?.destroy();
  const lost = await eventsOf(device.runs, second.id);
  expect(textOf(lost)).toContain('begun');
  expect(lost.at(-1)).toMatchObject({ type: 'error', payload: { type: 'RuntimeLost' } });
  expect((await device.runs.get(second.id))?.state).toBe('failed');
});

test('a server that cannot be reached is why its run does not start', async () => {
  const { home } = await lab();
  const entries = [{ name: 'lab', language: 'python', url: 'http://127.0.0.1:1' }];
  await writeFile(path.join(home, 'runtimes.json'), JSON.stringify(entries));
  await using device = await testDevice({ env: { ...env, MARKCO_HOME: home } });
  const made = device.request('1');
  const { run, events } = await finished(device.runs, {
    ...made,
    session: { ...made.session, config } as typeof made.session,
  });
  expect(run.state).toBe('failed');
  expect(JSON.stringify(events.at(-1)?.payload)).toContain(
    'The attached runtime lab did not start: it cannot be reached',
  );
});

test.for([
  ['ends its own at the server', (response) => void response.writeHead(204).end(), 0],
  ['lets a server be that has none', (response) => void response.writeHead(404).end(), 0],
  ['says so when the server will not', (response) => void response.writeHead(500).end(), 1],
  ['waits for no server that does not answer', () => undefined, 1],
] as const satisfies readonly (readonly [string, OnDelete, number])[])(
  'a session that is removed %s',
  async ([, onDelete, warnings]) => {
    let isRemoving = false;
    const { home, streams, asked } = await lab((response) => (isRemoving ? onDelete(response) : response.end()));
    const warned: string[] = [];
    const log = { info: () => undefined, warn: (event: string) => void warned.push(event) };
    await using device = await testDevice({ env: { ...env, MARKCO_HOME: home }, log });
    const made = device.request('anything');
    const first = { ...made, session: { ...made.session, config } as typeof made.session };
    await device.runs.submit(first);
    await firstEvent(device.runs, first.id, (event) => textOf([event]).includes('begun'));
    streams[0]?.end('event: result\ndata: {"success":true}\n\nevent: done\ndata: {}\n\n');
    await eventsOf(device.runs, first.id);
    const [session] = device.runs.sessions.list();
    if (session === undefined) throw new Error('there is no session');
    isRemoving = true;
    asked.length = 0;
    await device.runs.sessions.remove(session.id);
    expect(asked).toEqual(['/mrp/v1/sessions/its%20own%2Fname Bearer secret']);
    expect(warned.filter((event) => event === 'session.left-behind')).toHaveLength(warnings);
    await expect(lstat(path.join(device.home, 'sessions', session.id))).rejects.toThrow('ENOENT');
  },
);
