/** Devices on one network, from being paired to being removed. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Project } from '@markco/protocol';
import { expect } from 'vitest';
import { pair, SOON, soon, states, test, type MeshDevice } from './mesh.fixture.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';

async function elsewhere(device: MeshDevice): Promise<Project> {
  await expect.poll(() => device.mesh.elsewhere().size, SOON).toBe(1);
  const [found] = device.mesh.elsewhere().values();
  if (found === undefined) throw new Error('no other device has a project open');
  return found.project;
}

test('paired by a code, a project is on both; a third one that one of them adds is known to the other', async ({
  make,
}) => {
  const [laptop, desktop, box] = [await make('laptop'), await make('desktop'), await make('box')];
  await pair(laptop, desktop);
  await expect
    .poll(() => [states(laptop), states(desktop)], SOON)
    .toEqual([{ desktop: 'connected' }, { laptop: 'connected' }]);
  expect(desktop.trust.userId).toBe(laptop.trust.userId);
  const id = await laptop.open({ 'one.md': '# One\n' });
  laptop.mesh.tellProjects();
  await expect.poll(() => [...desktop.mesh.elsewhere().keys()], SOON).toEqual([id]);
  await desktop.join(await elsewhere(desktop));
  desktop.mesh.tellProjects();
  await expect.poll(() => desktop.file('one.md'), SOON).toBe('# One\n');
  await desktop.type(desktop.idOf(id, 'one.md'), 0, 'edited ');
  await expect.poll(() => laptop.file('one.md'), SOON).toBe('edited # One\n');
  await expect
    .poll(() => laptop.mesh.copies.holders(laptop.idOf(id, 'one.md')), SOON)
    .toEqual([desktop.trust.deviceId]);

  await pair(desktop, box, 'link');
  const all = { laptop: 'connected', desktop: 'connected', box: 'connected' };
  const but = (name: keyof typeof all) => Object.fromEntries(Object.entries(all).filter(([each]) => each !== name));
  await expect.poll(() => states(laptop), SOON).toEqual(but('laptop'));
  await expect.poll(() => states(box), SOON).toEqual(but('box'));

  const asked = await laptop.mesh
    .client(box.trust.deviceId)
    .api('search', { params: { id }, query: { q: 'x' } })
    .catch((error: unknown) => error);
  expect(String(asked)).not.toContain('not connected');
});

test('a wrong code adds nobody and is spent; an outsider is refused; nothing is asked of one who is no member', async ({
  make,
}) => {
  const [laptop, stranger] = [await make('laptop'), await make('stranger')];
  const offered = laptop.mesh.pair.open();
  const wrong = String((Number(offered.code) + 1) % 100_000_000).padStart(8, '0');
  const at = laptop.mesh.host.addresses();
  await expect(stranger.mesh.pair.join(wrong, at, () => undefined, soon())).rejects.toMatchObject({
    code: 'unauthorized',
  });
  await expect.poll(() => laptop.mesh.pair.offered()?.state, SOON).toBe('failed');
  await expect(stranger.mesh.pair.join(offered.code, at, () => undefined, soon())).rejects.toThrow();
  expect([laptop.trust.members.members.size, stranger.trust.members.members.size]).toEqual([1, 1]);
  const { peerId } = laptop.mesh.host;
  await stranger.mesh.host.connect(peerId, at, soon());
  for (const name of ['control', 'documents', 'stream', 'http', 'pair']) {
    const ended = await stranger.mesh.host.open(peerId, `/markco/${name}/1.0.0`, soon()).then(
      (stream) =>
        new Promise((resolve) => {
          if (name === 'pair') stream.sendBytes(new Uint8Array(10));
          stream.onClose((why) => resolve(why ?? 'closed'));
        }),
      (error: unknown) => error,
    );
    expect([name, ended === null]).toEqual([name, false]);
  }
  expect(laptop.mesh.peers.list()).toEqual([]);
});

test('of several devices that show a code, the one whose code was typed is found', async ({ make }) => {
  const [office, laptop, desktop] = [await make('office'), await make('laptop'), await make('desktop')];
  office.mesh.pair.open();
  const { code } = laptop.mesh.pair.open();
  const at = [office, laptop].flatMap(({ mesh }) => mesh.host.addresses());
  const joined = desktop.mesh.pair.join(code, at, () => undefined, soon());
  joined.catch(() => undefined);
  await expect.poll(() => laptop.mesh.pair.offered()?.state, SOON).toBe('asked');
  await laptop.mesh.pair.approve();
  await joined;
  await expect.poll(() => states(desktop), SOON).toEqual({ laptop: 'connected' });
});

test('a device that was removed is cut off by all within five seconds and stays out', async ({ make }) => {
  const [laptop, desktop, phone] = [await make('laptop'), await make('desktop'), await make('phone')];
  await pair(laptop, desktop);
  await pair(laptop, phone);
  await expect.poll(() => states(desktop), SOON).toEqual({ laptop: 'connected', phone: 'connected' });
  const began = performance.now();
  await laptop.trust.remove(phone.trust.deviceId, 'lost');
  await expect
    .poll(() => [states(laptop), states(desktop)], SOON)
    .toEqual([{ desktop: 'connected' }, { laptop: 'connected' }]);
  await expect.poll(() => Object.values(states(phone)).includes('connected'), SOON).toBe(false);
  expect(performance.now() - began).toBeLessThan(5_000);
  await expect(
    phone.mesh.host
      .connect(laptop.mesh.host.peerId, laptop.mesh.host.addresses(), soon())
      .then(() => phone.mesh.host.open(laptop.mesh.host.peerId, '/markco/documents/1.0.0', soon()))
      .then((stream) => new Promise((_, reject) => stream.onClose((why) => reject(why ?? new Error('closed'))))),
  ).rejects.toThrow();
  expect(states(laptop)).toEqual({ desktop: 'connected' });
});

test('a device that comes back is found again at once, and what was done meanwhile meets', async ({ make }) => {
  const [laptop, desktop] = [await make('laptop'), await make('desktop')];
  await pair(laptop, desktop);
  const id = await laptop.open({ 'one.md': '# One\n' });
  laptop.mesh.tellProjects();
  await expect.poll(() => desktop.mesh.elsewhere().size, SOON).toBe(1);
  await desktop.join(await elsewhere(desktop));
  desktop.mesh.tellProjects();
  await expect.poll(() => desktop.file('one.md'), SOON).toBe('# One\n');
  await laptop.mesh.host.disconnect(desktop.mesh.host.peerId);
  await laptop.type(laptop.idOf(id, 'one.md'), 0, 'apart ');
  await expect.poll(() => states(laptop), SOON).toEqual({ desktop: 'connected' });
  await expect.poll(() => desktop.file('one.md'), SOON).toBe('apart # One\n');
});

test('devices that were apart for a moment have one stream for each thing again, and not one more each time', async ({
  make,
}) => {
  const [laptop, desktop] = [await make('laptop'), await make('desktop')];
  await pair(laptop, desktop);
  const open = (): number[] => [laptop.streams.size, desktop.streams.size];
  await expect.poll(open, SOON).toEqual([1, 1]);
  for (let times = 0; times < 4; times++) {
    const [before] = laptop.streams;
    await laptop.mesh.host.disconnect(desktop.mesh.host.peerId);
    await expect
      .poll(() => laptop.streams.size === 1 && laptop.streams.values().next().value !== before, SOON)
      .toBe(true);
  }
  // One that ends is opened again after a pause; whatever else kept on trying has had its pause by then.
  const [last] = laptop.streams;
  last?.close();
  await expect.poll(() => laptop.streams.size > 0 && !laptop.streams.has(last as MessageStream), SOON).toBe(true);
  await expect.poll(() => desktop.streams.size, SOON).toBe(1);
  expect(open()).toEqual([1, 1]);
});

test('REACH-1 a device that takes the call and says nothing is given up at the signal, and was gone since it went', async ({
  make,
}) => {
  const [laptop, desktop] = [await make('laptop'), await make('desktop')];
  await pair(laptop, desktop);
  await expect.poll(() => states(laptop), SOON).toEqual({ desktop: 'connected' });
  // Which it is told right after.
  await expect.poll(() => laptop.mesh.peers.list()[0]?.addresses.length, SOON).toBeGreaterThan(0);
  const port = Number(/\/tcp\/(\d+)/.exec(desktop.mesh.host.addresses()[0] ?? '')?.[1]);
  await desktop.mesh.close();
  await expect.poll(() => states(laptop).desktop === 'connected', SOON).toBe(false);
  const since = laptop.mesh.peers.list()[0]?.since;
  const calls: Socket[] = [];
  const mute = createServer((socket) => void calls.push(socket.on('error', () => undefined)));
  await once(mute.listen(port, '127.0.0.1'), 'listening');
  try {
    const began = performance.now();
    await laptop.mesh.peers.reach(desktop.trust.deviceId, AbortSignal.timeout(200));
    // Without the signal it would be the ten seconds that a try may take.
    expect(performance.now() - began).toBeLessThan(5_000);
    const [peer] = laptop.mesh.peers.list();
    expect([peer?.state === 'connected', peer?.since]).toEqual([false, since]);
    await expect.poll(() => calls.length, SOON).toBeGreaterThan(0);
  } finally {
    for (const call of calls) call.destroy();
    mute.close();
  }
});

test('the two that are being paired keep each other while a person compares the words, and not afterwards', async ({
  make,
}) => {
  const [laptop, box] = [await make('laptop'), await make('box')];
  const [here, there] = [laptop.mesh.host.peerId, box.mesh.host.peerId];
  const joined = box.mesh.pair.join(laptop.mesh.pair.open().link, [], () => undefined, soon());
  await expect.poll(() => laptop.mesh.pair.offered()?.state, SOON).toBe('asked');
  expect([laptop.mesh.pair.isAsking(there), box.mesh.pair.isAsking(here)]).toEqual([true, true]);
  await laptop.mesh.pair.approve();
  await joined;
  expect([laptop.mesh.pair.isAsking(there), box.mesh.pair.isAsking(here)]).toEqual([false, false]);
});
