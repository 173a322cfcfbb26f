/** For tests: devices with documents and files that are on the network, and how two of them are paired. */
import { newId, type UserId } from '@markco/protocol';
import { capsOf, DEVICE_CAPS, type DeviceCap } from '@markco/protocol/identity';
import { expect, test as base } from 'vitest';
import { replicaDevice, type ReplicaDevice } from './documents/device.fixture.ts';
import { createMesh, type Mesh } from './mesh.ts';
import type { MeshParts } from './mesh-parts.ts';
import type { MessageStream } from '@markco/replica/replicate/message-stream';
import { openTrust, type Trust } from './trust.ts';

export type MeshDevice = ReplicaDevice & { readonly mesh: Mesh; readonly trust: Trust };

const JOIN_MS = 20_000;

export async function meshDevice(
  name: string,
  { skewMs = 0, ...changes }: Partial<MeshParts> & { readonly skewMs?: number } = {},
): Promise<MeshDevice> {
  const device = await replicaDevice(skewMs);
  const { ids, home, store, rooms, catalog, digests, links, projects, deviceId } = device;
  const trust = await openTrust({ home, deviceId, userId: newId<UserId>(ids), name, ids });
  const mesh = await createMesh({
    ...{ trust, ids, store, rooms, catalog, digests, links, projects, about: { name, os: 'test' } },
    ...{ listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], findsNeighbors: false, isRelay: false, isNear: () => true },
    serve: (connection) => connection.onText((text) => connection.text({ echo: text })),
    onMove: (stream) => stream.onMessage(() => stream.sendText('{"op":"heard"}')),
    handle: async (request, from) => Response.json({ from, said: await request.text(), to: name }),
    heartbeat: () => Promise.reject(new Error('not in this test')),
    log: { info: () => undefined, warn: () => undefined },
    ...changes,
  });
  const close = device[Symbol.asyncDispose].bind(device);
  return Object.assign(device, {
    mesh,
    trust,
    async [Symbol.asyncDispose](): Promise<void> {
      await mesh.close();
      await close();
    },
  });
}

/** By the link, with nobody to compare words: the two are in one test. */
export async function pairDevices(
  adder: MeshDevice,
  joiner: MeshDevice,
  caps: readonly DeviceCap[] = DEVICE_CAPS,
): Promise<void> {
  const signal = AbortSignal.timeout(JOIN_MS);
  // A device takes few connections a second from one address, and here all devices have the same.
  const { peerId } = adder.mesh.host;
  for (let isConnected = false; !isConnected;) {
    signal.throwIfAborted();
    isConnected = await joiner.mesh.host.connect(peerId, adder.mesh.host.addresses(), signal).then(
      () => true,
      () => false,
    );
    if (!isConnected) await new Promise((again) => setTimeout(again, 100));
  }
  const { link } = adder.mesh.pair.open();
  const { promise, resolve } = Promise.withResolvers<void>();
  const joined = joiner.mesh.pair.join(link, [], () => resolve(), signal);
  await Promise.race([promise, joined]);
  while (adder.mesh.pair.offered()?.state !== 'asked') await new Promise((again) => setTimeout(again, 5));
  await adder.mesh.pair.approve(capsOf(...caps));
  await joined;
}

export const SOON = { timeout: 15_000, interval: 20 };
export const soon = (): AbortSignal => AbortSignal.timeout(10_000);

/** `streams`: those of the test's own channel that are open. */
export type ChannelDevice = MeshDevice & { readonly streams: ReadonlySet<MessageStream> };

export const CHANNEL = '/markco/test/1.0.0';

type Options = Pick<Partial<MeshParts>, 'listen' | 'isRelay' | 'isNear'>;

export const test = base.extend<{ make: (name: string, options?: Options) => Promise<ChannelDevice> }>({
  make: async ({}, use) => {
    const made: ChannelDevice[] = [];
    await use(async (name, options = {}) => {
      const streams = new Set<MessageStream>();
      const channels = {
        [CHANNEL]: (stream: MessageStream): void => {
          streams.add(stream);
          stream.onClose(() => streams.delete(stream));
        },
      };
      const device = Object.assign(await meshDevice(name, { channels, ...options }), { streams });
      made.push(device);
      return device;
    });
    for (const device of made) await device[Symbol.asyncDispose]();
  },
});

/** As two persons do it, who compare what both screens show. */
export async function pair(adder: MeshDevice, joiner: MeshDevice, by: 'code' | 'link' = 'code'): Promise<void> {
  const offered = adder.mesh.pair.open();
  const seen: unknown[] = [];
  const joined = joiner.mesh.pair.join(
    by === 'code' ? offered.code : offered.link,
    by === 'code' ? adder.mesh.host.addresses() : [],
    (check) => seen.push(check),
    soon(),
  );
  joined.catch(() => undefined);
  await expect.poll(() => adder.mesh.pair.offered()?.state, SOON).toBe('asked');
  await expect.poll(() => seen.length, SOON).toBe(1);
  expect(adder.mesh.pair.offered()?.check).toEqual(seen[0]);
  await adder.mesh.pair.approve();
  await joined;
}

export const states = (device: MeshDevice): Record<string, string> =>
  Object.fromEntries(device.mesh.peers.list().map(({ name, state }) => [name, state]));
