import { save } from '@automerge/automerge';
import { type DeviceId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { tableRange } from '@markco/replica/store/key';
import { createSimulatedDisk, type SimulatedDisk } from '@markco/replica/store/simulated';
import { writeOwn } from './own.ts';
import { openRecord, type MeshRecord } from './record.ts';
import { bring, DEVICES, PROJECTS, synthetic } from './synthetic.fixture.ts';
import { SOON, make, ownOf, chunksOf } from './record-device.fixture.ts';

test('its history is kept in one snapshot and less than that in steps, however often it changes', async () => {
  const device = await make();
  let most = 0;
  for (let round = 0; round < 300; round++) {
    await device.record.change((draft) => writeOwn(draft, ownOf(device.id, {}, `name ${round}`)));
    const sizes = (await chunksOf(device)).map(({ length }) => length);
    most = Math.max(most, sizes.reduce((sum, size) => sum + size, 0) / save(device.record.raw()).length);
  }
  // A snapshot, as much in steps, and one more step: those are packed one by one.
  expect(most).toBeLessThan(6);
  expect((await chunksOf(device)).length).toBeLessThan(100);
});

test('a record that came whole is packed into one chunk of less than a tenth, also by the start after a kill', async () => {
  const mesh = synthetic('step by step');
  const open = (disk: SimulatedDisk): Promise<MeshRecord> =>
    openRecord({
      ...{ store: disk.store, ids: mesh.ids, deviceId: mesh.devices[0] as DeviceId, userId: mesh.user },
      ...{ isMember: () => true, onTrouble: (doing: string) => expect.unreachable(doing) },
    });
  const disk = createSimulatedDisk();
  const record = await open(disk);
  await bring(record, mesh);
  const sizes = async (): Promise<number[]> => {
    const found: number[] = [];
    for await (const [key, value] of disk.store.range(tableRange('g')))
      if (new TextDecoder().decode(key).includes('/')) found.push(value.length);
    return found;
  };
  const whole = mesh.changes.reduce((sum, { length }) => sum + length, 0);
  await expect.poll(async () => Math.max(...(await sizes())), SOON).toBeGreaterThan(20_000);
  disk.cutPower(0);
  const again = await open(disk);
  expect(again.view().devices.size).toBe(DEVICES);
  expect(again.view().projects.size).toBe(PROJECTS);
  expect(await sizes()).toHaveLength(1);
  expect((await sizes())[0]).toBeLessThan(whole / 10);
});
