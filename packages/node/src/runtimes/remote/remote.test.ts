/** A server that speaks the protocol, one that misbehaves in every way, and one that nobody here wrote. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { env, kill } from 'node:process';
import { text as textOfStream } from 'node:stream/consumers';
import { newId, type RunId } from '@markco/protocol';
import { freePort } from '@markco/replica/free-port.fixture';
import { expect, onTestFinished, test } from 'vitest';
import { eventually, ids } from '../../runs/runs.fixture.ts';
import type { Interpreter } from '../keeper/interpreter.ts';
import { NO_WISHES } from '../runtime.ts';
import { attachedExecutable } from './attached.ts';
import { startRemote } from './remote.ts';

type Json = Readonly<Record<string, unknown>>;
type Seen = { readonly method: string; readonly path: string; readonly body: Json; readonly headers: Json };
type Handler = (response: ServerResponse, seen: Seen) => unknown;

const FEATURES = { execute: true, executeStream: true, interrupt: true, complete: true, isComplete: true };

/** A fake server; `handlers` by `METHOD /path` behind `/mrp/v1`. */
async function serve(handlers: Readonly<Record<string, Handler>>) {
  const seen: Seen[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = await textOfStream(request);
    const body = (text === '' ? {} : JSON.parse(text)) as Json;
    const found = { method: request.method ?? '', path: request.url ?? '', body, headers: request.headers };
    seen.push(found);
    const handler = handlers[`${found.method} ${found.path.replace('/base/mrp/v1', '')}`];
    if (handler !== undefined) await handler(response, found);
    else if (found.path.endsWith('/capabilities'))
      json(response, { runtime: 'fake', version: '1', features: FEATURES });
    else response.writeHead(404).end('Not Found');
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/base` };
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function events(response: ServerResponse, ...all: readonly (readonly [string, unknown])[]): ServerResponse {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  for (const [event, data] of all) response.write(`event: ${event}\r\ndata: ${JSON.stringify(data)}\r\n\r\n`);
  return response;
}

const RESULT = { success: true, stdout: 'a\n', stderr: '', result: '2', error: null, displayData: [], assets: [] };

async function attached(url: string, more: Json = {}) {
  const home = await mkdtemp(path.join(tmpdir(), 'markco-remote-'));
  onTestFinished(() => rm(home, { recursive: true }));
  await mkdir(path.join(home, 'one'));
  const entry = { name: 'lab', language: 'python', url, ...more };
  await writeFile(path.join(home, 'runtimes.json'), JSON.stringify([entry]), { mode: 0o600 });
  const got: [string, unknown][] = [];
  const start = () =>
    startRemote(
      { executable: attachedExecutable(home, 'lab'), cwd: home, folder: path.join(home, 'one'), config: NO_WISHES },
      {
        text: (stream, text) => got.push([stream, text]),
        display: ({ data }) => got.push(['display', data]),
        progress: (payload) => got.push(['progress', payload]),
        ask: (payload) => got.push(['ask', payload]),
      },
      AbortSignal.timeout(20_000),
    );
  return { start, got, textOf: (stream: string) => got.map(([type, text]) => (type === stream ? text : '')).join('') };
}

const run = (remote: Interpreter, code = '1 + 1') => remote.execute(newId<RunId>(ids), code);

test('a run is streamed: text, displays, files, a result that repeats none of them; the token goes in a header', async () => {
  const { url, seen } = await serve({
    'POST /sessions': (response) => json(response, { id: 'theirs' }),
    'POST /execute/stream': (response) =>
      events(
        response,
        ['start', {}],
        ['stdout', { content: 'a\n', accumulated: 'wrong' }],
        ['display', { data: { 'text/html': '<b>' }, metadata: {} }],
        ['asset', { path: 'p.png', url: '/mrp/v1/assets/p.png', mimeType: 'image/png' }],
        ['stderr', { content: 'after' }],
        [
          'result',
          { ...RESULT, displayData: [{ data: { 'text/html': '<b>' }, metadata: {} }], assets: [{ path: 'p.png' }] },
        ],
        ['done', {}],
      ).end(),
    'GET /assets/p.png': (response) => response.writeHead(200).end(Buffer.from([1, 2, 3])),
  });
  const { start, got } = await attached(url, { token: 'secret' });
  const remote = await start();
  expect(remote.version).toBe('fake 1');
  expect(await run(remote)).toEqual({ type: 'result', data: { 'text/plain': '2' } });
  expect(got).toEqual([
    ['stdout', 'a\n'],
    ['display', { 'text/html': '<b>' }],
    ['display', { 'image/png': 'AQID', 'text/plain': '[p.png]' }],
    ['stderr', 'after'],
  ]);
  expect(seen.every(({ headers }) => headers['authorization'] === 'Bearer secret')).toBe(true);
  expect(seen.every(({ path: asked }) => !asked.includes('secret'))).toBe(true);
  expect(seen.find(({ path: asked }) => asked.endsWith('/stream'))?.body).toMatchObject({ session: 'theirs' });
});

test('a server without streaming is asked for the whole answer', async () => {
  const features = { ...FEATURES, executeStream: false };
  const { url } = await serve({
    'GET /capabilities': (response) => json(response, { runtime: 'fake', features }),
    'POST /execute': (response) =>
      json(response, { ...RESULT, stderr: 'e', displayData: [{ data: { 'text/html': 'x' } }] }),
  });
  const { start, got } = await attached(url);
  expect(await run(await start())).toEqual({ type: 'result', data: { 'text/plain': '2' } });
  expect(got).toEqual([
    ['stdout', 'a\n'],
    ['stderr', 'e'],
    ['display', { 'text/html': 'x' }],
  ]);
});

test('an error of the code is the error of the run', async () => {
  const error = { type: 'ValueError', message: 'bad', traceback: ['a\nb\n', 'c'], line: null };
  const { url } = await serve({
    'POST /execute/stream': (response) => events(response, ['error', error], ['done', {}]).end(),
  });
  expect(await run(await (await attached(url)).start())).toEqual({
    type: 'error',
    payload: { type: 'ValueError', message: 'bad', traceback: ['a', 'b', 'c'] },
  });
});

test('a line is asked for and answered; an interrupt goes to the server', async () => {
  let streaming: ServerResponse | null = null;
  const { url, seen } = await serve({
    'POST /execute/stream': (response) => {
      streaming = events(response, ['stdin_request', { prompt: 'n? ', password: true, execId: 'e1' }]);
    },
    'POST /input': (response) => {
      json(response, { accepted: true });
      if (streaming !== null) events(streaming, ['stdout', { content: 'thanks' }]);
    },
    'POST /interrupt': (response) => {
      json(response, { interrupted: true });
      if (streaming !== null)
        events(streaming, ['error', { type: 'KeyboardInterrupt', message: '' }], ['done', {}]).end();
    },
  });
  const { start, got } = await attached(url);
  const remote = await start();
  expect(remote.input('too early')).toBe(false);
  const running = run(remote);
  await eventually(() => got.length === 1);
  expect(got).toEqual([['ask', { prompt: 'n? ', password: true }]]);
  expect(remote.input('Zoë')).toBe(true);
  expect(remote.input('twice')).toBe(false);
  await eventually(() => got.length === 2);
  expect(seen.find(({ path: asked }) => asked.endsWith('/input'))?.body).toMatchObject({
    exec_id: 'e1',
    text: 'Zoë\n',
  });
  remote.interrupt();
  expect(await running).toMatchObject({ type: 'error', payload: { type: 'KeyboardInterrupt' } });
});

test('a server that does not stop when it is asked to is not waited for', async () => {
  const { url } = await serve({
    'POST /execute/stream': (response) => void events(response, ['stdout', { content: 'on' }]),
    'POST /interrupt': (response) => json(response, { interrupted: true }),
  });
  const { start, textOf } = await attached(url);
  const remote = await start();
  const running = run(remote);
  await eventually(() => textOf('stdout') === 'on');
  remote.interrupt();
  expect(await running).toMatchObject({ type: 'error', payload: { type: 'Interrupted' } });
});

test('while the disk is full nothing more is read', async () => {
  const { url } = await serve({
    'POST /execute/stream': (response) =>
      events(response, ['stdout', { content: 'later' }], ['result', RESULT], ['done', {}]).end(),
  });
  const { start, textOf } = await attached(url);
  const remote = await start();
  remote.pause?.();
  const running = run(remote);
  // An answer to a question has made the whole way there and back: the events were there before.
  await remote.ask('isComplete', { code: '' }).catch(() => undefined);
  expect(textOf('stdout')).toBe('');
  remote.resume?.();
  expect((await running).type).toBe('result');
  expect(textOf('stdout')).toBe('later');
});

const misbehaving: readonly (readonly [string, Handler, RegExp])[] = [
  [
    'cuts the connection',
    (response) => events(response, ['stdout', { content: 'kept' }]).write('', () => response.destroy()),
    /connection was cut/,
  ],
  [
    'ends too early',
    (response) => events(response, ['stdout', { content: 'kept' }]).end(),
    /ended the connection before/,
  ],
  [
    'answers 500',
    (response) => json(response, { error: { message: 'out of order' } }, 500),
    /answered 500: out of order/,
  ],
  ['answers 500 with garbage', (response) => response.writeHead(500).end('<html>'), /answered 500\./],
  ['sends no events', (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'), /no JSON/],
  ['sends JSON instead', (response) => json(response, {}), /application\/json instead of events/],
  ['leads elsewhere', (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), /answered 302/],
  [
    'sends garbage only',
    (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {\n\n\0\n\n'),
    /ended the connection/,
  ],
];

test.for(misbehaving)(
  'a server that %s ends the run with a reason, and the next run works',
  async ([, handler, reason]) => {
    let isFirst = true;
    const { url } = await serve({
      'POST /execute/stream': (response, seen) => {
        if (!isFirst) return events(response, ['result', RESULT], ['done', {}]).end();
        isFirst = false;
        return handler(response, seen);
      },
    });
    const { start, textOf } = await attached(url);
    const remote = await start();
    const ended = await run(remote);
    expect(ended).toMatchObject({ type: 'error', payload: { type: 'RuntimeLost' } });
    expect(ended.type === 'error' ? ended.payload.message : '').toMatch(reason);
    expect(['', 'kept']).toContain(textOf('stdout'));
    expect(await run(remote)).toEqual({ type: 'result', data: { 'text/plain': '2' } });
  },
);

test('a server that is gone says so, before a run and at the start', async () => {
  const { url, server } = await serve({});
  const { start } = await attached(url);
  const remote = await start();
  server.close();
  server.closeAllConnections();
  expect(await run(remote)).toMatchObject({
    type: 'error',
    payload: { message: expect.stringContaining('cannot be reached') as unknown },
  });
  await expect(start()).rejects.toThrow('The attached runtime lab did not start: it cannot be reached');
});

test('garbage between events is passed over; an event that comes late still counts', async () => {
  const { url } = await serve({
    'POST /execute/stream': (response) => {
      events(response, ['stdout', { content: 1 }], ['display', 'x'], ['unknown', {}], ['result', null]);
      response.write('data: {"half\n\n: beat\n\n');
      setImmediate(() => events(response, ['stdout', { content: 'late' }], ['result', RESULT], ['done', {}]).end());
    },
  });
  const { start, textOf } = await attached(url);
  expect((await run(await start())).type).toBe('result');
  expect(textOf('stdout')).toBe('late');
});

test('files: too large, missing, or of another server are left out with a reason', async () => {
  const asset = (url: string) => ['asset', { path: 'x', url, mimeType: 'image/png' }] as const;
  const { url, seen } = await serve({
    'POST /execute/stream': (response) =>
      events(
        response,
        asset('/mrp/v1/assets/large'),
        asset('/mrp/v1/assets/missing'),
        asset('http://127.0.0.1:1/mrp/v1/assets/there'),
        asset('/mrp/v1/assets/../../../x'),
        ['result', RESULT],
        ['done', {}],
      ).end(),
    'GET /assets/large': (response) => response.writeHead(200).end(Buffer.alloc(2_000_000)),
  });
  const { start, got } = await attached(url);
  await run(await start());
  const displays = got.filter(([type]) => type === 'display');
  expect(displays.map(([, data]) => (data as Json)['text/plain'])).toEqual([
    expect.stringContaining('more than 650 KB'),
    expect.stringContaining('404'),
    expect.stringContaining('404'),
    expect.stringContaining('404'),
  ]);
  expect(seen.filter(({ method }) => method === 'GET').map(({ path: asked }) => asked)).toEqual(
    ['capabilities', 'assets/large', 'assets/missing', 'assets/there', 'assets/x'].map(
      (name) => `/base/mrp/v1/${name}`,
    ),
  );
});

test('questions go to their endpoints, and what the server does not declare is not asked', async () => {
  const { url } = await serve({
    'POST /complete': (response) =>
      json(response, {
        matches: [{ label: 'print', kind: 'function', detail: null }],
        cursorStart: 0,
        cursorEnd: 2,
        source: 'runtime',
      }),
    'POST /is_complete': (response) => json(response, { status: 'incomplete', indent: 4 }),
  });
  const remote = await (await attached(url)).start();
  expect(await remote.ask('complete', { code: 'pr', cursor: 2 })).toEqual({
    matches: [{ label: 'print', kind: 'function' }],
    cursorStart: 0,
    cursorEnd: 2,
    source: 'runtime',
  });
  expect(await remote.ask('isComplete', { code: 'for x in y:' })).toEqual({ status: 'incomplete', indent: '    ' });
  await expect(remote.ask('format', { code: 'x' })).rejects.toThrow('lab does not answer this.');
});

test('a runtime that nobody here wrote: mrmd-python', async (context) => {
  const program = env['MRMD_PYTHON'] ?? (await inPath('mrmd-python'));
  if (program === null) return context.skip('mrmd-python is not installed (pip install mrmd-python)');
  const folder = await mkdtemp(path.join(tmpdir(), 'markco-mrmd-'));
  const port = await freePort();
  const args = ['--foreground', '--managed', '--port', String(port), '--cwd', folder, '--assets-dir', folder];
  const child = spawn(program, args, { cwd: folder, detached: true, stdio: 'ignore' });
  onTestFinished(async () => {
    if (child.pid !== undefined) kill(-child.pid, 'SIGKILL');
    await rm(folder, { recursive: true });
  });
  const { start, got, textOf } = await attached(`http://127.0.0.1:${port}`);
  let remote: Interpreter | null = null;
  await eventually(async () => (remote = await start().catch(() => null)) !== null, 30_000);
  const lab = remote as Interpreter | null;
  if (lab === null) throw new Error('not started');
  expect(await run(lab, 'print("hello")\nx = 41')).toEqual({ type: 'result', data: null });
  expect(textOf('stdout')).toContain('hello');
  expect(await run(lab, 'x + 1')).toEqual({ type: 'result', data: { 'text/plain': '42' } });
  expect(await run(lab, '1/0')).toMatchObject({ type: 'error', payload: { type: 'ZeroDivisionError' } });
  const line = run(lab, 'input("name? ")');
  await eventually(() => got.some(([type]) => type === 'ask'));
  lab.input('Ann');
  expect(await line).toMatchObject({
    type: 'result',
    data: { 'text/plain': expect.stringContaining('Ann') as unknown },
  });
  const running = run(lab, 'import time\nprint("on", flush=True)\ntime.sleep(60)');
  await eventually(() => textOf('stdout').includes('on'));
  lab.interrupt();
  expect((await running).type).toBe('error');
  expect(await lab.ask('complete', { code: 'prin', cursor: 4 })).toMatchObject({ cursorStart: 0, cursorEnd: 4 });
  expect(await lab.ask('variables', {})).toMatchObject({
    variables: expect.arrayContaining([expect.objectContaining({ name: 'x', value: '41' })]) as unknown,
  });
});

async function inPath(name: string): Promise<string | null> {
  for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
    const file = path.join(folder, name);
    const isThere = await access(file).then(
      () => true,
      () => false,
    );
    if (isThere) return file;
  }
  return null;
}
