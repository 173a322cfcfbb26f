/** The mesh record between devices: it converges, and outlives restarts, power cuts and disks that refuse. */
import { save } from '@automerge/automerge';
import { newId, type DeviceId, type ProjectId, type UserId } from '@markco/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { trials } from '../../../../../setup/trials.ts';
import { BEGINNING, beginRecord } from './beginning.ts';
import { readHistory } from './history.ts';
import { writeOwn, type Own } from './own.ts';
import { type StreamEnd } from './stream.fixture.ts';
import { SOON, ids, openOn, make, ownOf, connect, heads, projectOf, type Device } from './record-device.fixture.ts';

test('the first change is the same bytes on every device, whatever version of Automerge wrote them', () => {
  expect(Buffer.from(save(beginRecord())).toString('base64')).toBe(Buffer.from(BEGINNING).toString('base64'));
});

test('three devices that change their own while apart, meet in any order and start anew, agree on what each said last', async () => {
  const STATES = ['attached', 'detached', 'stale', 'attaching'] as const;
  const projects = Array.from({ length: 4 }, (_, index) => projectOf(newId<ProjectId>(ids), `Project ${index}`));
  const device = fc.nat(2);
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('attach' as const),
        device,
        project: fc.nat(3),
        state: fc.constantFrom(...STATES),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('name' as const),
        device,
        name: fc.string({ minLength: 1, maxLength: 20 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('meet' as const), device, other: device }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('part' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), device }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const devices = [await make(), await make(), await make()] as const;
      const said = devices.map(({ id }) => ownOf(id));
      const streams: (readonly [StreamEnd, StreamEnd])[] = [];
      const part = (): void => {
        for (const [end] of streams.splice(0)) end.close();
      };
      for (const todo of steps) {
        const index = 'device' in todo ? todo.device : 0;
        const [its, own] = [devices[index], said[index]] as [Device, Own];
        if (todo.do === 'meet' && todo.other !== index) streams.push(connect(its, devices[todo.other] as Device));
        else if (todo.do === 'part') part();
        else if (todo.do === 'restart') {
          part();
          await its.record.close();
          // Power was cut: what is not synced is gone.
          its.disk.cutPower(0);
          its.record = await openOn(its);
        } else if (todo.do === 'attach' || todo.do === 'name') {
          const project = projects[todo.do === 'attach' ? todo.project : 0] as (typeof projects)[0];
          said[index] =
            todo.do === 'name'
              ? { ...own, device: { ...own.device, name: todo.name } }
              : {
                  ...own,
                  projects: [...own.projects, project],
                  attachments: new Map(own.attachments).set(project.id, todo.state),
                };
          await its.record.change((draft) => writeOwn(draft, said[index] as Own));
        }
      }
      part();
      connect(devices[0], devices[1]);
      connect(devices[1], devices[2]);
      await expect.poll(() => new Set(devices.map(heads)).size, SOON).toBe(1);
      for (const { record } of devices) {
        const view = record.view();
        expect(view).toEqual(devices[0].record.view());
        for (const [index, own] of said.entries()) {
          const id = devices[index]?.id as DeviceId;
          const isSaid = steps.some(
            (todo) => 'device' in todo && todo.device === index && (todo.do === 'attach' || todo.do === 'name'),
          );
          if (!isSaid) continue;
          expect(view.devices.get(id)).toEqual(own.device);
          const has = [...own.attachments].filter(
            ([project, state]) => state !== 'detached' || view.attachments.get(id)?.has(project) === true,
          );
          expect(view.attachments.get(id) ?? new Map()).toEqual(new Map(has));
        }
      }
      for (const { record, troubles } of devices) {
        expect(troubles).toEqual([]);
        await record.close();
      }
    }),
    trials('devices with one record', 12),
  );
});

test('what was changed is on disk when that is said, and the same again writes nothing', async () => {
  const device = await make();
  const written: number[] = [];
  await device.record.change((draft) => writeOwn(draft, ownOf(device.id, {}, 'laptop')));
  device.disk.cutPower(0);
  const before = heads(device);
  device.disk.fail = (batch) => void written.push(batch.length);
  await device.record.change((draft) => writeOwn(draft, ownOf(device.id, {}, 'laptop')));
  expect([heads(device), written]).toEqual([before, []]);
  device.record = await openOn(device);
  expect(device.record.view().devices.get(device.id)?.name).toBe('laptop');
  expect(readHistory(device.record.raw(), 10)).toEqual([
    { at: '2026-11-12T14:02:00.000Z', by: { id: device.id, name: 'laptop' }, what: 'joined' },
  ]);
});

test('a disk that refuses is told of, and gets everything once it takes it again', async () => {
  const device = await make();
  device.disk.fail = () => {
    throw new Error('no space');
  };
  const changing = device.record.change((draft) => writeOwn(draft, ownOf(device.id, {}, 'one')));
  await expect(changing).rejects.toMatchObject({ code: 'storage_failed' });
  device.disk.fail = undefined;
  await device.record.change((draft) => writeOwn(draft, ownOf(device.id, {}, 'two')));
  device.disk.cutPower(0);
  const again = await openOn(device);
  expect(again.view().devices.get(device.id)?.name).toBe('two');
});

test('what was told to others and then lost with the power comes back from them, beside what was said since', async () => {
  const [laptop, box] = [await make(), await make()];
  connect(laptop, box);
  laptop.disk.fail = () => {
    throw new Error('no space');
  };
  const changing = laptop.record.change((draft) => writeOwn(draft, ownOf(laptop.id, {}, 'laptop')));
  await expect(changing).rejects.toMatchObject({ code: 'storage_failed' });
  await expect.poll(() => box.record.view().devices.size, SOON).toBe(1);
  laptop.disk.fail = undefined;
  laptop.disk.cutPower(0);
  laptop.record = await openOn(laptop);
  expect(laptop.record.view().devices.size).toBe(0);
  const project = projectOf(newId<ProjectId>(ids), 'Thesis');
  const own = { projects: [project], attachments: new Map([[project.id, 'attached' as const]]) };
  await laptop.record.change((draft) => writeOwn(draft, ownOf(laptop.id, own, 'laptop')));
  connect(laptop, box);
  await expect.poll(() => heads(box) === heads(laptop), SOON).toBe(true);
  expect(laptop.record.view().devices.get(laptop.id)?.name).toBe('laptop');
  expect(readHistory(box.record.raw(), 10).filter(({ what }) => what === 'opened')).toHaveLength(1);
});

test('a device that joins those of another user leaves its own record and has theirs', async () => {
  const other = newId<UserId>(ids);
  const [laptop, box] = [await make(), await make()];
  await box.record.close();
  const theirs = { ...box, record: await openOn(box, other) };
  await theirs.record.change((draft) => writeOwn(draft, ownOf(box.id, {}, 'box')));
  await laptop.record.change((draft) => writeOwn(draft, ownOf(laptop.id, {}, 'laptop')));
  connect(laptop, theirs);
  await laptop.record.refresh(other);
  expect(laptop.record.view().devices.size).toBe(0);
  await laptop.record.change((draft) => writeOwn(draft, ownOf(laptop.id, {}, 'laptop')));
  const names = ({ record }: Device): string[] =>
    [...record.view().devices.values()].map(({ name }) => name).toSorted();
  await expect
    .poll(() => [names(laptop), names(theirs)], SOON)
    .toEqual([
      ['box', 'laptop'],
      ['box', 'laptop'],
    ]);
  await laptop.record.close();
  laptop.record = await openOn(laptop, other);
  expect(names(laptop)).toEqual(['box', 'laptop']);
});
