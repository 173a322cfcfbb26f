/** What is said of a device that answers and of one that does not, each with what can be done. */
import type { DeviceId } from '@markco/protocol';
import { expect, test } from 'vitest';
import type { Path } from '@markco/client/mesh/network';
import type { Networks } from './networks.ts';
import type { Peer } from '@markco/client/mesh/peers';
import { netcheck, reach, type Reached } from './reach.ts';

const AT = Date.parse('2026-11-21T14:02:00.000Z');
const BOX = '019a8f3c-0000-7000-8000-000000000001' as DeviceId;
const here: Networks = { ipv4: true, ipv6: false, includes: (address) => address.startsWith('/ip4/192.168.1.') };
const path = (address: string): Path => ({
  address,
  isRelayed: address.includes('/p2p-circuit'),
  isOutgoing: true,
  since: AT,
  roundTripMs: 9,
});
const box: Peer = {
  ...{ deviceId: BOX, peerId: 'PeerBox', name: 'box', kind: 'desktop', state: 'connected', since: AT, why: null },
  paths: [path('/ip4/192.168.1.9/tcp/7718')],
  addresses: ['/ip4/192.168.1.9/tcp/7718'],
  isRelay: false,
};
const nas: Peer = {
  ...box,
  deviceId: '019a8f3c-0000-7000-8000-000000000002' as DeviceId,
  peerId: 'PeerNas',
  name: 'nas',
};

const meshOf = (
  list: readonly Peer[],
  ping: () => Promise<number> = async () => 4.5,
  slots: ReturnType<Reached['slots']['list']> = [],
  outside: ReturnType<Reached['dialBack']['list']> = [],
): Reached => ({
  host: { ping, addresses: () => ['/ip4/192.168.1.7/tcp/7718'] },
  peers: { list: () => list, reach: async () => undefined },
  neighbors: () => 2,
  slots: { list: () => slots },
  dialBack: { list: () => outside },
});
const ask = (peer: Partial<Peer>, networks: Networks = here, ping?: () => Promise<number>) =>
  reach(meshOf([{ ...box, ...peer }, nas], ping), BOX, networks, () => AT);

test('a device that answers is told with the way that it was asked by, the best one', async () => {
  const relayed = path('/ip4/203.0.113.7/tcp/7718/p2p/PeerNas/p2p-circuit/p2p/PeerBox');
  expect(await ask({ paths: [...box.paths, relayed] })).toEqual({
    answered: true,
    roundTripMs: 4.5,
    path: { address: '/ip4/192.168.1.9/tcp/7718', relayed: false, sameNetwork: true, roundTripMs: 4.5 },
  });
  expect(await ask({ paths: [path('/ip4/198.51.100.9/tcp/7718')] })).toMatchObject({
    path: { relayed: false, sameNetwork: false },
  });
  expect(await ask({ paths: [relayed] })).toMatchObject({
    path: { relayed: true, relayedBy: 'nas', sameNetwork: false },
  });
});

test('a device that does not answer is told with why, since when, and one thing to do', async () => {
  const off = { state: 'offline', paths: [], why: 'The connection ended.' } as const;
  const nowhere: Networks = { ipv4: false, ipv6: false, includes: () => false };
  const since = '2026-11-21T14:02:00.000Z';
  for (const [peer, networks, why, fix] of [
    [off, here, 'The connection ended.', 'Wake it and start MarkCo there. On box: markco up'],
    [{ ...off, why: null }, here, 'It did not answer in time.', 'Wake it'],
    [{ ...off, addresses: [] }, here, 'It is not known where it is.', 'Bring it to this network'],
    [{ ...off, paths: box.paths, why: 'refused' }, here, 'does not take this device for one of yours', 'as a new one'],
    [off, nowhere, 'This device is on no network.', 'Connect it'],
  ] as const)
    expect(await ask(peer, networks)).toEqual({
      ...{ answered: false, since, why: expect.stringContaining(why), fix: expect.stringContaining(fix) },
    });
  expect(await ask({}, here, () => Promise.reject(new Error('no pong')))).toMatchObject({
    ...{ answered: false, since, fix: expect.stringContaining('Look at box') },
  });
  const nobody = '019a8f3c-0000-7000-8000-000000000009' as DeviceId;
  await expect(reach(meshOf([box]), nobody, here, () => AT)).rejects.toMatchObject({ code: 'not_found' });
});

test('a check of the network asks all devices, and says what a device that is alone can do', async () => {
  const offline: Peer = { ...nas, state: 'offline', paths: [], why: 'gone' };
  expect(await netcheck(meshOf([box, offline]), here, () => AT)).toMatchObject({
    addresses: ['/ip4/192.168.1.7/tcp/7718'],
    neighbors: { lookedFor: true, answered: 2 },
    ipv4: { usable: true, listening: true },
    ipv6: { usable: false, listening: false },
    relays: [],
    devices: [
      { name: 'box', reach: { answered: true } },
      { name: 'nas', reach: { answered: false, why: 'gone' } },
    ],
  });
  expect(await netcheck(null, here, () => AT)).toEqual({
    addresses: [],
    neighbors: { lookedFor: false, answered: 0 },
    ipv4: { usable: true, listening: false },
    ipv6: { usable: false, listening: false },
    outside: [],
    relays: [],
    devices: [],
  });
  const address = '/ip4/203.0.113.9/tcp/7718';
  const by = (device: Peer, why: string | null) => ({ by: device.deviceId, address, why });
  const removed = { ...box, deviceId: '019a8f3c-0000-7000-8000-000000000009' as DeviceId };
  const found = [by(box, null), by(nas, 'no answer'), by(removed, null)];
  expect((await netcheck(meshOf([box, nas], undefined, [], found), here, () => AT)).outside).toEqual([
    { deviceId: box.deviceId, name: 'box', address, answered: true },
    { deviceId: nas.deviceId, name: 'nas', address, answered: false, why: 'no answer' },
  ]);
});

test('each relay is told with where it is and whether others reach this device through it, or why they do not', async () => {
  const relay = { ...nas, isRelay: true };
  const told = async (peer: Peer, ...slots: { isReserved: boolean; why: string | null }[]) =>
    (
      await netcheck(
        meshOf(
          [box, peer],
          undefined,
          slots.map((slot) => ({ relay: peer.peerId, ...slot })),
        ),
        here,
        () => AT,
      )
    ).relays;
  const about = { deviceId: nas.deviceId, name: 'nas', address: '/ip4/192.168.1.9/tcp/7718', roundTripMs: 9 };
  expect(await told(relay, { isReserved: true, why: null })).toEqual([{ ...about, reserved: true }]);
  expect(await told(relay, { isReserved: false, why: 'it is full' })).toEqual([
    { ...about, reserved: false, why: 'it is full' },
  ]);
  expect(await told({ ...relay, state: 'offline', paths: [], why: 'The connection ended.' })).toEqual([
    { deviceId: nas.deviceId, name: 'nas', reserved: false, why: 'The connection ended.' },
  ]);
});
