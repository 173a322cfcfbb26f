/** T12 between devices: whatever another device asks or answers, no connection is opened for it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PASSED_ON } from '@markco/node/mesh/sessions/sessions-anywhere';
import { newId, ROUTES, type SessionId } from '@markco/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { trials } from '../../setup/trials.ts';
import { eventually, ids, startDevice } from './device.fixture.ts';
import { joinAsPeer } from './mesh-peer.fixture.ts';
import { SOON_MS } from './paired.fixture.ts';

const AT_ONCE = 8;
/** What a device may ask for at once, and how often after that. */
const AT_FIRST = 250;
const EACH_MS = 25;

test('T12 no path, body or answer of another device makes this one open a connection', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'markco-peer-dials-'));
  let calls = 0;
  const listener = createServer((socket) => {
    calls += 1;
    socket.destroy();
  });
  await once(listener.listen(0), 'listening');
  const { port } = listener.address() as AddressInfo;
  const file = join(folder, 'dials');
  const at = `http://127.0.0.1:${port}/`;
  const session = newId<SessionId>(ids);
  let answered = 0;
  /** What the other device says of itself: a session, with an address wherever a text may be. */
  const hostile = (userId: string, projectId: string) => ({
    ...{ id: session, userId, projectId, language: 'python', hostType: 'device', state: 'running', queued: 0 },
    ...{ hostRuntimeId: at, sessionAffinityKey: `${at}:default`, deviceName: at, updatedAt: new Date().toISOString() },
  });
  try {
    await using device = await startDevice({
      files: { 'page.md': '# Page\n' },
      env: { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'dials-recorder.mjs')}`, DIALS_FILE: file },
    });
    await using peer = await joinAsPeer(device, async (request) => {
      answered += 1;
      const { pathname } = new URL(request.url);
      if (pathname === ROUTES.sessions.path)
        return Response.json({ sessions: [hostile(device.userId, device.project.id)] });
      if (pathname === ROUTES.mrpComplete.path) return new Response(null, { status: 307, headers: { location: at } });
      if (pathname === ROUTES.mrpVariables.path)
        return Response.json({
          variables: [{ name: at, type: at, value: at, expandable: true }],
          count: 1,
          truncated: false,
        });
      return Response.json({ error: { code: 'not_found', message: at } }, { status: 404 });
    });
    /** But for the sockets of its sessions, and for the other device itself. */
    const dials = async (): Promise<readonly string[]> =>
      (await readFile(file, 'utf8'))
        .trim()
        .split('\n')
        .filter((line) => {
          const { what, given } = JSON.parse(line) as {
            what: string;
            given: readonly { readonly path?: string | null; readonly port?: number }[];
          };
          const isOwn = given[0]?.path?.endsWith('.sock') === true || peer.ports.includes(Number(given[0]?.port));
          return what !== 'watching' && !isOwn;
        });
    const before = (await dials()).length;

    const address = fc.constantFrom(
      ...[at, `//127.0.0.1:${port}/share`, `127.0.0.1:${port}`, 'user@canary.invalid', `http://canary.invalid:${port}`],
      ...[`[::1]:${port}`, `file://127.0.0.1:${port}/etc/passwd`, String(port), `tcp://127.0.0.1:${port}`],
    );
    const request = fc.record({
      name: fc.constantFrom(...PASSED_ON, 'sessions' as const, 'run' as const, 'runs' as const),
      param: fc.oneof(address, fc.constant(session as string)),
      fields: fc.dictionary(
        fc.constantFrom('session', 'code', 'url', 'host', 'port', 'path', 'device', 'name'),
        address,
      ),
    });
    const { numRuns, seed } = trials('requests of another device that name addresses', 400);
    const statuses = new Map<number, number>();
    const requests = fc.sample(request, { numRuns, seed }).values();
    let sent = 0;
    const began = performance.now();
    const send = async (): Promise<void> => {
      for (const { name, param, fields } of requests) {
        // Faster than this a device is cut off, and what it asks is not even looked at.
        const early = Math.max(0, sent++ - AT_FIRST) * EACH_MS - (performance.now() - began);
        if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
        const { method, path } = ROUTES[name];
        const { status } = await peer.ask({
          method,
          path: path.replace(/:\w+/g, encodeURIComponent(param)),
          headers: { 'content-type': 'application/json' },
          ...(method === 'GET' ? {} : { body: JSON.stringify({ code: '1', cursor: 0, session: param, ...fields }) }),
        });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, send));
    // What is no path at all is told from one before it is looked at; a device that says more of it is cut off.
    for (const prefix of [at, `//127.0.0.1:${port}`, `\\\\127.0.0.1:${port}`])
      expect((await peer.ask({ method: 'GET', path: `${prefix}/api/runs` })).status).toBe(0);
    console.log(`answered with ${JSON.stringify(Object.fromEntries(statuses))}`);

    // The other way round: this device asks, and is answered with addresses.
    await eventually(
      async () =>
        (await device.get<{ sessions: { id: string }[] }>('/api/sessions')).sessions.some(({ id }) => id === session),
      'the session that the other device says it has',
      SOON_MS,
    );
    const asked = (path: string) => device.ask(path, { body: { code: 'a', cursor: 1, session } });
    expect(await asked('/mrp/v1/variables')).toMatchObject({ status: 200, json: { variables: [{ name: at }] } });
    for (const path of ['/mrp/v1/complete', '/mrp/v1/inspect']) await asked(path);
    // It is offered to the other device, which says nothing: whoever asked waits for as long as it has the run.
    const executed = asked('/mrp/v1/execute').catch(() => undefined);
    const run = async () => (await device.get<{ runs: unknown[] }>('/api/runs')).runs[0];
    await eventually(async () => (await run()) !== undefined, 'the run for the other device', SOON_MS);
    await device.ask(`/api/sessions/${session}/restart`, { method: 'POST' });
    await device.kill();
    await executed;
    expect(answered).toBeGreaterThan(3);

    expect((await dials()).slice(before)).toEqual([]);
    expect(calls).toBe(0);
    expect(statuses.get(200)).toBeGreaterThan(numRuns / 50);
    expect(statuses.get(500) ?? 0).toBe(0);
  } finally {
    listener.close();
    await rm(folder, { recursive: true });
  }
});
