/** An attached server as a session of a device: its run is kept as any other, whatever becomes of the server. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { env } from 'node:process';
import { expect, onTestFinished, test } from 'vitest';
import { eventsOf, finished, firstEvent, testDevice, textOf } from '../../runs/runs.fixture.ts';
import { NO_WISHES } from '../runtime.ts';

async function lab() {
  const home = await mkdtemp(path.join(tmpdir(), 'markco-lab-'));
  const streams: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/capabilities') === true) {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"runtime":"lab","features":{}}');
    } else if (request.url?.endsWith('/stream') === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: stdout\ndata: {"content":"begun\\n"}\n\n');
      streams.push(response);
    } else response.writeHead(404).end();
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
  return { home, streams };
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
