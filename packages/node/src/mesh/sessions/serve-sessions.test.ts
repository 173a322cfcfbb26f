/** T12, T15: what another device may ask of the sessions of this one, and that nothing is touched before that is known. */
import { generateKeyPairSync } from 'node:crypto';
import { Failure, newId, ROUTES, type DeviceId, type SessionId, type UserId } from '@markco/protocol';
import {
  appendEntry,
  capsOf,
  DEVICE_CAPS,
  issueCertificate,
  membersOfLog,
  openCertificate,
  signerOf,
  startUserLog,
  type DeviceCap,
} from '@markco/protocol/identity';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { mountRoutes } from '@markco/replica/listen/http';
import { ids } from '../../runs/runs.fixture.ts';
import { authorizeRoute, requireSubmitter, sessionsForDevices, type ServeSessionsParts } from './serve-sessions.ts';
import { PASSED_ON } from './sessions-anywhere.ts';

const seed = (): Uint8Array =>
  new Uint8Array(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32));

function must<T>(made: T | Failure): T {
  if (made instanceof Failure) throw made;
  return made;
}

const session = newId<SessionId>(ids);
/** A body that every route with one takes. */
const BODY = { session, code: '1', cursor: 0 };

/** A device that has sessions, and another one of the user with these caps that asks it. */
function setUp({ caps = DEVICE_CAPS, allowed = true }: { caps?: readonly DeviceCap[]; allowed?: boolean } = {}) {
  const root = signerOf(seed());
  const asker = newId<DeviceId>(ids);
  const entry = { type: 'addDevice', device: asker, key: signerOf(seed()).publicKey, name: 'phone' } as const;
  const { log } = must(
    appendEntry(must(startUserLog(newId<UserId>(ids), root)), 'root', root, {
      ...entry,
      kind: 'desktop',
      caps: capsOf(...caps),
    }),
  );
  const members = membersOfLog(log);
  const certificate = must(openCertificate(must(issueCertificate(members, asker, 'root', root, ids.now()))));
  const reached: string[] = [];
  const names = [...PASSED_ON, 'sessions', 'mrpSessions'] as const;
  const here = Object.fromEntries(names.map((name) => [name, () => void reached.push(name)]));
  const clock = { skewMs: 0 };
  const trust = { members, now: () => ids.now() + clock.skewMs };
  const peers = { certificateOf: (device: DeviceId) => (device === asker ? certificate : undefined) };
  const app = new Hono<{ Bindings: { readonly from: DeviceId } }>();
  const handlers = sessionsForDevices({
    here: here as unknown as ServeSessionsParts['here'],
    policy: async () => ({ allowRemoteExecution: allowed }) as Awaited<ReturnType<ServeSessionsParts['policy']>>,
    deviceName: 'box',
  });
  mountRoutes(
    app,
    handlers,
    () => undefined,
    ({ env }, name) => authorizeRoute(name, () => requireSubmitter({ trust, peers }, env.from)),
  );
  async function ask(name: (typeof names)[number], of: string = session, from = asker) {
    const { method, path } = ROUTES[name];
    const request = new Request(
      `http://device${path.replace(':session', of).replace(':id', of).replace(':name', 'x')}`,
      {
        method,
        ...(method === 'POST'
          ? { body: JSON.stringify({ ...BODY, session: of }), headers: { 'content-type': 'application/json' } }
          : {}),
      },
    );
    const { status } = await app.fetch(request, { from });
    return { status, wasRead: request.bodyUsed };
  }
  return { ask, reached, names, clock };
}

test('a device that may submit reaches every route, and no other routes are there', async () => {
  const { ask, reached, names } = setUp();
  for (const name of names) expect([name, (await ask(name)).status]).toEqual([name, 204]);
  expect(reached).toEqual(names);
  expect(names.filter((name) => /execute|submit|create|ensure|input|asset/i.test(name))).toEqual([]);
});

test('one that may not submit, said no hello, or whose certificate ran out is refused unread, and lists sessions only', async () => {
  const reader = setUp({ caps: ['sync', 'author'] });
  for (const name of PASSED_ON) expect([name, await reader.ask(name)]).toEqual([name, { status: 403, wasRead: false }]);
  expect(reader.reached).toEqual([]);
  expect((await reader.ask('sessions')).status).toBe(204);
  const usual = setUp();
  expect((await usual.ask('mrpVariables', session, newId<DeviceId>(ids))).status).toBe(403);
  usual.clock.skewMs = 365 * 24 * 3_600_000;
  expect((await usual.ask('mrpVariables')).status).toBe(401);
  expect(usual.reached).toEqual([]);
});

test('where the owner lets others run nothing, nothing of theirs is cleared, restarted or stopped; asking and interrupting go on', async () => {
  const { ask, reached } = setUp({ allowed: false });
  const denied: string[] = [];
  for (const name of PASSED_ON) if ((await ask(name)).status === 403) denied.push(name);
  expect(denied).toEqual(['mrpResetSession', 'mrpDeleteSession', 'restartSession', 'deleteSession']);
  expect(reached).toEqual(PASSED_ON.filter((name) => !denied.includes(name)));
});

test.for(['default', 'notes:default@python', 'http://127.0.0.1:1/', '127.0.0.1:22', '../../etc'])(
  'a session is named by its id and by nothing else: %s',
  async (named) => {
    const { ask, reached } = setUp();
    for (const name of PASSED_ON)
      expect([name, (await ask(name, encodeURIComponent(named))).status]).toEqual([name, 400]);
    expect(reached).toEqual([]);
  },
);
