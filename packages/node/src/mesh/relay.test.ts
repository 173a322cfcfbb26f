/** Devices that cannot reach each other, and one that both can: over real libp2p nodes, one of them with no address. */
import { expect, vi } from 'vitest';
import { pair, SOON, soon, states, test, type MeshDevice } from './mesh.fixture.ts';
import { kindOf } from '@markco/client/mesh/path';
import { createRelay } from './relay.ts';

const nowhere = { listen: [] };
const relay = { isRelay: true };

const pathsOf = (from: MeshDevice, to: MeshDevice): readonly boolean[] =>
  from.mesh.host.paths(to.mesh.host.peerId).map(({ isRelayed }) => isRelayed);
const isReserved = (device: MeshDevice): boolean => device.mesh.slots.list().some((slot) => slot.isReserved);

test('two devices that nobody can reach meet through a third, and a new one is added through it by its link', async ({
  make,
}) => {
  const [box, laptop, phone] = [await make('box', relay), await make('laptop', nowhere), await make('phone', nowhere)];
  await pair(box, laptop);
  await expect.poll(() => isReserved(laptop), SOON).toBe(true);
  expect(laptop.mesh.host.addresses()[0]).toContain(`/p2p/${box.mesh.host.peerId}/p2p-circuit/p2p/`);
  await pair(laptop, phone, 'link');
  await expect.poll(() => states(phone), SOON).toEqual({ box: 'connected', laptop: 'connected' });
  await expect.poll(() => states(laptop), SOON).toEqual({ box: 'connected', phone: 'connected' });
  expect([pathsOf(laptop, phone), pathsOf(laptop, box)]).toEqual([[true], [false]]);
  const id = await laptop.open({ 'one.md': '# One\n' });
  laptop.mesh.tellProjects();
  await expect.poll(() => [...phone.mesh.elsewhere().keys()], SOON).toEqual([id]);
  // The code is used: a stranger finds nobody through the relay any more.
  const stranger = await make('stranger', nowhere);
  const at = laptop.mesh.host.addresses();
  await expect(stranger.mesh.host.connect(laptop.mesh.host.peerId, at, soon())).rejects.toMatchObject({
    code: 'not_ready',
  });
});

test('RELAY-1 a stranger gets no place and is passed on to nobody, but to a device that shows a code', async ({
  make,
}) => {
  const [box, laptop, stranger] = [await make('box', relay), await make('laptop', nowhere), await make('s', nowhere)];
  await pair(box, laptop);
  await expect.poll(() => isReserved(laptop), SOON).toBe(true);
  await stranger.mesh.host.connect(box.mesh.host.peerId, box.mesh.host.addresses(), soon());
  await expect(stranger.mesh.host.reserve(box.mesh.host.peerId, () => [])).rejects.toThrow();
  const [at] = laptop.mesh.host.addresses();
  const { peerId } = laptop.mesh.host;
  await expect(stranger.mesh.host.connect(peerId, [at ?? ''], soon())).rejects.toMatchObject({ code: 'not_ready' });
  expect(laptop.mesh.host.paths(stranger.mesh.host.peerId)).toEqual([]);
  laptop.mesh.pair.open();
  await expect
    .poll(() => stranger.mesh.host.connect(peerId, [at ?? ''], soon()).then(() => 'there', String), SOON)
    .toBe('there');
  for (const name of ['control', 'documents', 'http']) {
    const ended = await stranger.mesh.host
      .open(peerId, `/markco/${name}/1.0.0`, soon())
      .then((stream) => new Promise((resolve) => stream.onClose((why) => resolve(why ?? 'closed'))), String);
    expect([name, ended === null]).toEqual([name, false]);
  }
});

test('PATH-1 what two devices say moves to a better way when one comes up, and nothing is lost', async ({ make }) => {
  const laptop = await make('laptop', { listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'] });
  const phone = await make('phone', nowhere);
  const [web] = laptop.mesh.host.addresses().filter((address) => address.includes('/ws'));
  const kinds = () => phone.mesh.host.paths(laptop.mesh.host.peerId).map(({ address }) => kindOf(address));
  const offered = laptop.mesh.pair.open();
  const joined = phone.mesh.pair.join(offered.code, [web ?? ''], () => undefined, soon());
  await expect.poll(() => laptop.mesh.pair.offered()?.state, SOON).toBe('asked');
  expect(kinds()).toEqual(['websocket']);
  const id = await laptop.open({ 'one.md': '' });
  await laptop.mesh.pair.approve();
  await joined;
  await expect.poll(() => phone.mesh.elsewhere().size, SOON).toBe(1);
  const [found] = phone.mesh.elsewhere().values();
  await phone.join(found?.project ?? expect.unreachable('no project is told of'));
  phone.mesh.tellProjects();
  // It heard of the better address when the two had said hello.
  await expect.poll(kinds, SOON).toEqual(['tcp', 'websocket']);
  const stream = await phone.mesh.host.open(laptop.mesh.host.peerId, '/markco/http/1.0.0', soon());
  stream.close();
  for (let count = 0; count < 20; count++) await laptop.type(laptop.idOf(id, 'one.md'), 0, `${count} `);
  // Not what is in the file here, which follows what is typed.
  const text = Array.from({ length: 20 }, (_, count) => `${19 - count} `).join('');
  await expect.poll(() => phone.file('one.md'), SOON).toBe(text);
});

test('RELAY-2 guests are few, for those who expect them, and for as long as they do', () => {
  vi.useFakeTimers();
  try {
    const greeted = new Set(['laptop', 'phone']);
    const rules = createRelay({ isGreeted: (peerId) => greeted.has(peerId), now: Date.now, elapsed: () => 0 });
    expect([rules.reserves('laptop'), rules.reserves('guest'), rules.connects('laptop', 'phone')]).toEqual([
      true,
      false,
      true,
    ]);
    expect([rules.hasGuests(), rules.connects('guest', 'laptop')]).toEqual([false, false]);
    rules.expectsGuests('laptop', Date.now() + 60_000);
    expect([rules.connects('guest', 'phone'), rules.connects('guest', 'laptop')]).toEqual([false, true]);
    expect([rules.connects('second', 'laptop'), rules.connects('third', 'laptop')]).toEqual([true, false]);
    rules.left('guest');
    expect([rules.isGuest('guest'), rules.connects('third', 'laptop')]).toEqual([false, true]);
    vi.advanceTimersByTime(60_001);
    expect([rules.isGuest('second'), rules.hasGuests(), rules.connects('guest', 'laptop')]).toEqual([
      false,
      false,
      false,
    ]);
    rules.expectsGuests('laptop', Date.now() + 3_600_000);
    vi.advanceTimersByTime(300_001);
    expect(rules.hasGuests()).toBe(false);
    rules.expectsGuests('laptop', Date.now() + 60_000);
    greeted.delete('laptop');
    expect([rules.connects('guest', 'laptop'), rules.hasGuests()]).toEqual([false, false]);
  } finally {
    vi.useRealTimers();
  }
});
