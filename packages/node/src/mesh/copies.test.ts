/** What is said of other devices' disks: what they said, of the state they said it of, and no more. */
import type { DocumentId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { joinChannel } from '@markco/replica/replicate/channel';
import { replicaDevice } from './documents/device.fixture.ts';
import { meshDevice, pairDevices, type MeshDevice } from './mesh.fixture.ts';

const SOON = { timeout: 20_000, interval: 20 };

async function two() {
  const [laptop, desk] = [await meshDevice('laptop'), await meshDevice('desk')];
  await pairDevices(laptop, desk);
  const id = await laptop.open({ 'one.md': '# One\n' });
  laptop.mesh.tellProjects();
  await expect.poll(() => desk.mesh.elsewhere().size, SOON).toBe(1);
  await desk.join([...desk.mesh.elsewhere().values()][0]?.project ?? expect.unreachable());
  desk.mesh.tellProjects();
  await expect.poll(() => desk.file('one.md'), SOON).toBe('# One\n');
  return {
    ...{ laptop, desk, one: laptop.idOf(id, 'one.md') },
    async [Symbol.asyncDispose]() {
      for (const device of [laptop, desk]) await device[Symbol.asyncDispose]();
    },
  };
}

const has = (device: MeshDevice, id: DocumentId): unknown =>
  device.mesh.copies.of(id)?.devices.map(({ name, has: it, online }) => [name, it, online]);

test('SYNC-1 a device that acknowledged an older state is not said to have the present one, until it has', async () => {
  await using world = await two();
  const { laptop, desk, one } = world;
  await laptop.rooms.hold(one, async (room) => {
    await expect
      .poll(() => has(laptop, one), SOON)
      .toEqual([
        ['laptop', true, true],
        ['desk', true, true],
      ]);
    expect(laptop.mesh.copies.of(one)?.digest).toBe(Buffer.from(room.digest).toString('hex'));
    await desk.mesh.close();
    await expect
      .poll(() => has(laptop, one), SOON)
      .toEqual([
        ['laptop', true, true],
        ['desk', true, false],
      ]);
    const before = laptop.mesh.copies.of(one)?.digest;
    await laptop.type(one, 0, 'newer ');
    expect(has(laptop, one)).toEqual([
      ['laptop', true, true],
      ['desk', false, false],
    ]);
    expect(laptop.mesh.copies.of(one)?.digest).not.toBe(before);
    expect(laptop.mesh.copies.holders(one)).toEqual([]);
    // What it says late of what it had is of what it had.
    laptop.mesh.copies.hold(one, desk.trust.deviceId, room.seq - 1);
    expect(has(laptop, one)).toEqual([
      ['laptop', true, true],
      ['desk', false, false],
    ]);
  });
});

test('SYNC-2 nothing is said of a document that nobody else has, or that is not open here', async () => {
  await using world = await two();
  const { laptop, desk, one } = world;
  await laptop.trust.remove(desk.trust.deviceId, 'sold');
  await laptop.rooms.hold(one, () => expect(laptop.mesh.copies.of(one)).toBeNull());
  expect(laptop.mesh.copies.holders(one)).toEqual([]);
});

test('SYNC-3 what was left out because a device reads slowly is not counted as acknowledged', async () => {
  await using a = await replicaDevice();
  const project = await a.open({ 'one.md': '# One\n' });
  const one = a.idOf(project, 'one.md');
  let isSlow = false;
  let held = 0;
  const sent: Uint8Array[] = [];
  await a.rooms.hold(one, async (room) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const channel = joinChannel(
      {
        ...{ rooms: a.rooms, documentId: one, device: a.deviceId, readOnly: false, isFirst: true, now: Date.now },
        send: (payload) => !isSlow && sent.push(payload) > 0,
        refuse: () => undefined,
        onHeld: () => void (held = channel.heldSeq ?? 0),
        isLinked: () => false,
        wasted: () => undefined,
      },
      { digest: room.digest, equal: resolve },
    );
    await promise;
    await expect.poll(() => held, SOON).toBe(room.seq);
    await a.type(one, 0, 'sent ');
    const first = room.seq;
    const saved = (count: number): Uint8Array => Uint8Array.of(2, 0x4d, count);
    isSlow = true;
    await a.type(one, 0, 'left out ');
    channel.receive(saved(1));
    await room.written();
    await Promise.resolve();
    expect(held).toBeLessThan(room.seq);
    isSlow = false;
    channel.caughtUp();
    channel.receive(saved(2));
    await expect.poll(() => held, SOON).toBe(room.seq);
    expect(first).toBeLessThan(room.seq);
    channel.leave();
  });
});
