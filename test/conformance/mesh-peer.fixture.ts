/** For tests: another device of the same person that says what no program of ours would say. */
import { newId, type DeviceId, type PairingHere, type UserId } from '@markco/protocol';
import { replicaDevice } from '@markco/node/mesh/documents/device.fixture';
import { createMesh } from '@markco/node/mesh/mesh';
import type { MeshParts } from '@markco/node/mesh/mesh-parts';
import { openTrust } from '@markco/node/mesh/trust';
import { eventually, type Device } from './device.fixture.ts';
import { SOON_MS } from './paired.fixture.ts';

export type PeerAnswer = { readonly status: number; readonly text: string };
export type PeerAsk = {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

const soon = (): AbortSignal => AbortSignal.timeout(SOON_MS);

/**
 * Paired with a device and connected to it.
 * @param handle answers what that device asks
 */
export async function joinAsPeer(
  device: Device,
  handle: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 404 }),
  about: MeshParts['about'] = { name: 'other', os: 'test' },
) {
  const peer = await replicaDevice();
  const { ids, home, store, rooms, catalog, digests, links, projects } = peer;
  const deviceId = newId<DeviceId>(ids);
  const trust = await openTrust({ home, deviceId, userId: newId<UserId>(ids), name: 'other', ids });
  const mesh = await createMesh({
    ...{ trust, ids, store, rooms, catalog, digests, links, projects, about },
    ...{ listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], findsNeighbors: false, isRelay: false, isNear: () => true },
    serve: () => undefined,
    handle,
    heartbeat: () => Promise.reject(new Error('not in this test')),
    log: { info: () => undefined, warn: () => undefined },
  });
  const close = async (): Promise<void> => {
    await mesh.close();
    await peer[Symbol.asyncDispose]();
  };
  try {
    const { offered } = await device.get<PairingHere>('/api/pairing', { method: 'POST' });
    const joined = mesh.pair.join(offered?.link ?? '', [], () => undefined, soon());
    const state = async () => (await device.get<PairingHere>('/api/pairing')).offered?.state;
    await eventually(async () => (await state()) === 'asked', 'the other to ask', SOON_MS);
    await device.get('/api/pairing/approve', { method: 'POST' });
    await joined;
    await eventually(() => mesh.peers.list()[0]?.state === 'connected', 'the two to be connected', SOON_MS);
  } catch (error) {
    await close();
    throw error;
  }
  const { peerId } = mesh.peers.list()[0] ?? { peerId: '' };

  return {
    ...{ deviceId, mesh, trust, peerId },
    ports: mesh.host.addresses().map((address) => Number(/\/tcp\/(\d+)/.exec(address)?.[1])),
    /** One request on a stream of its own; status 0 when it was ended without an answer. */
    async ask({ method, path, headers = {}, body }: PeerAsk): Promise<PeerAnswer> {
      const stream = await mesh.host.open(peerId, '/markco/http/1.0.0', soon());
      const { promise, resolve } = Promise.withResolvers<void>();
      let status = 0;
      let text = '';
      stream.onMessage((message) => {
        if (typeof message !== 'string') text += Buffer.from(message).toString();
        else if (status === 0) ({ status } = JSON.parse(message) as { status: number });
        else resolve();
      });
      stream.onClose(() => resolve());
      stream.sendText(JSON.stringify({ method, path, headers }));
      if (body !== undefined) stream.sendBytes(Buffer.from(body));
      stream.sendText(JSON.stringify({ end: true }));
      await promise;
      return { status, text };
    },
    [Symbol.asyncDispose]: close,
  };
}
