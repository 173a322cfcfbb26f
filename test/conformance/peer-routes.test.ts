/** What another device of the same person may ask a device for over the mesh, taken at its worst: it knows the token. */
import {
  newId,
  ROUTES,
  type DeviceId,
  type PairingHere,
  type Route,
  type RouteName,
  type UserId,
} from '@markco/protocol';
import { expect, test } from 'vitest';
import { replicaDevice } from '@markco/node/mesh/documents/device.fixture';
import { createMesh } from '@markco/node/mesh/mesh';
import { PASSED_ON } from '@markco/node/mesh/sessions/sessions-anywhere';
import { openTrust } from '@markco/node/mesh/trust';
import { eventually } from './device.fixture.ts';
import { SOON_MS, start } from './paired.fixture.ts';

/** Of the device alone, and nothing that is its person's: its runs, and its sessions by their ids. */
const FOR_DEVICES: readonly RouteName[] = ['health', 'run', 'runs', 'sessions', 'mrpSessions', ...PASSED_ON];
const soon = (): AbortSignal => AbortSignal.timeout(SOON_MS);

test('KEY-1 another device is told nothing but the runs and sessions of this one, and not its recovery words', async () => {
  await using laptop = await start('laptop');
  await using other = await replicaDevice();
  const { ids, home, store, rooms, catalog, projects } = other;
  const deviceId = newId<DeviceId>(ids);
  const trust = await openTrust({ home, deviceId, userId: newId<UserId>(ids), name: 'other', ids });
  const mesh = await createMesh({
    ...{ trust, ids, store, rooms, catalog, projects, about: { name: 'other', os: 'test' } },
    ...{ listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], findsNeighbors: false },
    serve: () => undefined,
    handle: () => new Response(null, { status: 404 }),
    heartbeat: () => Promise.reject(new Error('not in this test')),
    log: { info: () => undefined, warn: () => undefined },
  });
  try {
    const { offered } = await laptop.get<PairingHere>('/api/pairing', { method: 'POST' });
    const joined = mesh.pair.join(offered?.link ?? '', [], () => undefined, soon());
    const state = async () => (await laptop.get<PairingHere>('/api/pairing')).offered?.state;
    await eventually(async () => (await state()) === 'asked', 'the other to ask', SOON_MS);
    await laptop.get('/api/pairing/approve', { method: 'POST' });
    await joined;
    await eventually(() => mesh.peers.list()[0]?.state === 'connected', 'the two to be connected', SOON_MS);
    const { peerId } = mesh.peers.list()[0] ?? expect.unreachable('the laptop is not listed');

    const ask = async ({ method, path }: Route): Promise<{ readonly status: number; readonly text: string }> => {
      const stream = await mesh.host.open(peerId, '/markco/http/1.0.0', soon());
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      let status = 0;
      let text = '';
      stream.onMessage((message) => {
        if (typeof message !== 'string') text += Buffer.from(message).toString();
        else if (status === 0) ({ status } = JSON.parse(message) as { status: number });
        else resolve();
      });
      stream.onClose((why) => reject(why ?? new Error('closed before the end of the answer')));
      const headers = { authorization: `Bearer ${laptop.token}`, cookie: `session_token=${laptop.token}` };
      stream.sendText(JSON.stringify({ method, path, headers }));
      stream.sendText(JSON.stringify({ end: true }));
      await promise;
      return { status, text };
    };
    // The words are there: it is this way to ask that does not lead to them.
    expect((await laptop.ask(ROUTES.recoveryPhrase.path)).status).toBe(200);
    for (const name of Object.keys(ROUTES) as RouteName[]) {
      const { status, text } = await ask(ROUTES[name]);
      const isRefused = status === 404 && text.includes('There is nothing here for other devices.');
      expect([name, isRefused]).toEqual([name, !FOR_DEVICES.includes(name)]);
    }
  } finally {
    await mesh.close();
  }
});
