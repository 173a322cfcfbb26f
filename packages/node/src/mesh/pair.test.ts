/** What a device may do that is added, by what it is. */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { createJoin } from '@markco/client/mesh/join';
import { newId, type DeviceId } from '@markco/protocol';
import { DEVICE_CAPS, signerOf, type DeviceKind } from '@markco/protocol/identity';
import { expect, test } from 'vitest';
import { testHost } from './host.fixture.ts';
import { meshDevice, SOON, soon } from './mesh.fixture.ts';

test.for([
  ['web', ['author', 'submit', 'sync']],
  ['desktop', DEVICE_CAPS],
  ['server-agent', ['author', 'host-run', 'relay', 'sync']],
] as const satisfies readonly (readonly [DeviceKind, readonly string[]])[])(
  'a %s is given what such a device may do',
  async ([kind, caps]) => {
    await using laptop = await meshDevice('laptop');
    const seed = laptop.ids.randomBytes(32);
    await using stranger = await testHost({ key: await generateKeyPairFromSeed('Ed25519', seed) });
    const device = newId<DeviceId>(laptop.ids);
    const { join } = createJoin({
      network: stranger,
      about: { device, key: signerOf(new Uint8Array(seed)).publicKey, name: 'newcomer', kind, os: '' },
      randomBytes: (length) => new Uint8Array(laptop.ids.randomBytes(length)),
      now: laptop.ids.now,
      neighbors: () => [{ peerId: laptop.mesh.host.peerId, addresses: laptop.mesh.host.addresses() }],
      waitMs: 0,
      onJoined: () => Promise.resolve(),
      onAdded: () => undefined,
    });
    const joined = join(laptop.mesh.pair.open().code, [], () => undefined, soon());
    await expect.poll(() => laptop.mesh.pair.offered()?.state, SOON).toBe('asked');
    await laptop.mesh.pair.approve();
    await joined;
    expect(laptop.trust.members.members.get(device)?.caps).toEqual(caps);
  },
);
