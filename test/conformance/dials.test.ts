/** T12: whatever a peer says, a device opens no connection for it. Code that a user runs may; the device itself does not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROUTES, type Route } from '@markco/protocol';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { trials } from '../../setup/trials.ts';
import { eventually, startDevice } from './device.fixture.ts';

const AT_ONCE = 8;
const folder = await mkdtemp(join(tmpdir(), 'markco-dials-'));
const recording = {
  NODE_OPTIONS: `--import=${join(import.meta.dirname, 'dials-recorder.mjs')}`,
  DIALS_FILE: join(folder, 'dials'),
};

let calls = 0;
const listener = createServer((socket) => {
  calls += 1;
  socket.destroy();
});
await once(listener.listen(0), 'listening');
const { port } = listener.address() as AddressInfo;
const device = await startDevice({ files: { 'page.md': '# Page\n\n```python\n1\n```\n' }, env: recording });
afterAll(async () => {
  listener.close();
  await device[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Names and connections that were asked for, but for the sockets of the device's own sessions. */
async function dials(): Promise<readonly string[]> {
  const lines = (await readFile(recording.DIALS_FILE, 'utf8')).trim().split('\n');
  return lines.filter((line) => {
    const { what, given } = JSON.parse(line) as { what: string; given: readonly { path?: string | null }[] };
    return what !== 'watching' && given[0]?.path?.endsWith('.sock') !== true;
  });
}

const page = await device.document('page');
const address = fc.oneof(
  fc.constantFrom(`http://127.0.0.1:${port}/`, `http://canary.invalid:${port}/x`),
  fc.constantFrom(
    `ws://127.0.0.1:${port}/api/stream`,
    `tcp://127.0.0.1:${port}`,
    `127.0.0.1:${port}`,
    `[::1]:${port}`,
    `//127.0.0.1:${port}/share`,
    `file://127.0.0.1:${port}/etc/passwd`,
    `user@127.0.0.1:${port}`,
    'canary.invalid',
    String(port),
  ),
);
const value = fc.oneof(
  { weight: 6, arbitrary: address },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(port, { host: '127.0.0.1', port }) },
  { weight: 1, arbitrary: fc.array(address, { maxLength: 2 }) },
);
/** Right but for what is put over it: most requests get past the first look. */
const right = fc.constantFrom<Record<string, unknown>>(
  {},
  { code: '1', cursor: 0, name: 'x' },
  { code: '1', language: 'python', projectId: device.project.id },
  { code: '1', language: 'python', projectId: device.project.id, documentId: page.id },
);
/** What the API reads; one field at most, so that the others are looked at too. */
const known = fc.dictionary(
  fc.constantFrom(
    ...['code', 'cellId', 'cellMeta', 'runOn', 'language', 'session', 'id', 'execId', 'exec_id', 'assetDir', 'name'],
    ...['pattern', 'text', 'projectId', 'documentId', 'sessionId', 'target', 'dependencies', 'pythonVersion'],
  ),
  value,
  { maxKeys: 1 },
);
const unknown = fc.dictionary(
  fc.constantFrom(
    ...['url', 'uri', 'host', 'hostname', 'port', 'path', 'origin', 'endpoint', 'server', 'proxy', 'webhook', 'socket'],
    ...['runtime', 'kernel', 'remote', 'peer', 'device'],
  ),
  value,
  { maxKeys: 3 },
);
const environment = fc.record(
  {
    cwd: fc.oneof({ weight: 4, arbitrary: fc.constant(device.folder) }, { weight: 1, arbitrary: address }),
    executable: address,
    virtualenv: address,
    env: fc.dictionary(fc.constantFrom('http_proxy', 'HTTPS_PROXY', 'URL'), address, { maxKeys: 1 }),
    url: address,
  },
  { requiredKeys: [] },
);
const body = fc
  .tuple(right, known, fc.option(unknown, { freq: 2 }), fc.option(environment, { freq: 2 }))
  .map(([good, over, more, place]) => ({ ...good, ...over, ...more, ...(place && { environment: place }) }));
const routes = (Object.values(ROUTES) as Route[]).filter(({ path }) => /^\/(mrp|api\/runs|api\/sessions)\b/.test(path));
/** These take the most from a request. */
const wide = [
  ROUTES.mrpCreateSession,
  ROUTES.mrpExecute,
  ROUTES.mrpExecuteStream,
  ROUTES.submitRun,
  ROUTES.ensureSession,
] as const;
const request = fc.record({
  route: fc.oneof(fc.constantFrom(...routes), fc.constantFrom<Route>(...wide)),
  body,
  // An API of another kind reads these.
  header: fc.constantFrom('x-forwarded-host', 'forwarded', 'referer', 'x-runtime-url', 'via'),
  param: fc.oneof(address, fc.constantFrom('default', 'other')),
  query: fc.option(fc.tuple(fc.constantFrom('url', 'host', 'session', 'accumulated'), address), { freq: 2 }),
});
const OPS = ['submit', 'follow', 'unfollow', 'input', 'interrupt', 'cancel', 'watch', 'unwatch'];
const frame = fc
  .tuple(fc.constantFrom(...OPS), fc.option(fc.constant({ projectId: device.project.id })), body)
  .map(([op, project, rest]) => ({ op, ...rest, ...project }));

test('T12 no field, header, path or frame makes a device open a connection', async () => {
  const { numRuns, seed } = trials('requests that name addresses', 3_000);
  const before = (await dials()).length; // `markco up` asks its own device how it does.
  const statuses = new Map<number, number>();
  const requests = fc.sample(request, { numRuns, seed }).values();
  async function send(): Promise<void> {
    for (const { route, body: sent, header, param, query } of requests) {
      const text = encodeURIComponent(param);
      const search = query === null ? '' : `?${query[0]}=${encodeURIComponent(query[1])}`;
      const { status } = await device.ask(`${route.path.replace(/:\w+|\*/g, text)}${search}`, {
        method: route.method,
        headers: { [header]: `http://127.0.0.1:${port}/` },
        // Without a name each would be a session more, until the device takes no more.
        ...(route.method === 'GET'
          ? {}
          : { body: route.path === ROUTES.mrpCreateSession.path ? { id: 'one', ...sent } : sent }),
      });
      if (status === 500)
        console.log(
          route.method,
          route.path,
          device
            .log()
            .split('\n')
            .filter((line) => /error/.test(line))
            .at(-1),
        );
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, send));

  const socket = device.socket('/api/stream');
  await once(socket, 'open');
  const answered = new Set<unknown>();
  socket.on('message', (data) => answered.add((JSON.parse(String(data)) as { ref?: unknown }).ref));
  const frames = fc.sample(frame, { numRuns: Math.ceil(numRuns / 5), seed });
  for (const [ref, sent] of frames.entries()) socket.send(JSON.stringify({ ...sent, ref }));
  await eventually(() => frames.every((_, ref) => answered.has(ref)), 'an answer to every frame', 60_000);
  socket.terminate();
  console.log(`answered with ${JSON.stringify(Object.fromEntries(statuses))}`);

  expect((await dials()).slice(before)).toEqual([]);
  expect(calls).toBe(0);
  // The device was up and did what it was asked where that could be.
  expect(statuses.get(200)).toBeGreaterThan(numRuns / 20);
  expect(statuses.get(500) ?? 0).toBe(0);
});

test('the two that look for connections see them: one in a program, one by whatever program', async () => {
  const program = spawn(
    process.execPath,
    ['--eval', `for (const at of ['http://canary.invalid', 'http://127.0.0.1:${port}']) fetch(at).catch(() => 0)`],
    { env: { ...process.env, ...recording }, stdio: 'ignore' },
  );
  await once(program, 'exit');
  const seen = (await dials()).join('\n');
  expect(seen).toContain('canary.invalid');
  expect(seen).toContain(`${port}`);
  const before = calls;
  expect(before).toBe(1);
  const { success } = await device.get<{ success: boolean }>('/mrp/v1/execute', {
    body: { code: `import socket; socket.create_connection(("127.0.0.1", ${port})).close()` },
  });
  expect(success).toBe(true);
  await eventually(() => calls > before, 'a call of the code');
  // The recorder was in the device itself.
  const watching = (await readFile(recording.DIALS_FILE, 'utf8'))
    .split('\n')
    .filter((line) => line.includes('watching'));
  expect(watching.some((line) => line.includes('--no-browser'))).toBe(true);
});
