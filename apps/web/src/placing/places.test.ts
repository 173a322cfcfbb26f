import { newId, type DeviceId, type ProjectId, type Run, type RunId, type RunRequest } from '@markco/protocol';
import { signal } from '@preact/signals';
import { expect, test } from 'vitest';
import { createPlaces, type PlacesParts } from './places.ts';

const ids = { now: () => 0, randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
const [here, box] = [newId<DeviceId>(ids), newId<DeviceId>(ids)];
const at = '2026-11-22T14:02:00.000Z';

function world(canceled: Run['state'] = 'cancelled') {
  const runs = signal<readonly Run[]>([]);
  const sent: RunRequest[] = [];
  const asked: PromiseWithResolvers<void>[] = [Promise.withResolvers()];
  let connection: object = { state: 'connected', since: at, paths: [] };
  const client = {
    api: () => {
      asked.at(-1)?.resolve();
      asked.push(Promise.withResolvers());
      return Promise.resolve({
        devices: [
          { id: here, name: 'laptop', kind: 'desktop' },
          { id: box, name: 'box', kind: 'server-agent', connection },
          // A browser hosts nothing, so nothing goes there.
          { id: newId<DeviceId>(ids), name: 'Chrome on Android', kind: 'web', connection },
        ],
      });
    },
    connection: { subscribe: () => () => undefined },
    cancelRun: () => Promise.resolve({ state: canceled, ...(canceled === 'running' ? { unreachable: at } : {}) }),
    submitRun: (request: RunRequest) => {
      sent.push(request);
      return Promise.resolve(request);
    },
  };
  const page = { hidden: false, addEventListener: () => undefined, removeEventListener: () => undefined };
  const places = createPlaces({ client, ids, runs, page } as unknown as PlacesParts);
  return {
    ...{ places, runs, sent },
    goAway: () => (connection = { state: 'offline', since: at, paths: [] }),
    answered: () => asked.at(-1)?.promise,
  };
}

const run = {
  ...{ id: newId<RunId>(ids), projectId: newId<ProjectId>(ids), cellId: 'c', language: 'python', code: 'x' },
  state: 'queued',
  routedTo: { hostType: 'device', deviceId: box, reason: 'availability' },
} as Run;

test('the devices are asked for when a run waits for one, and whoever shows them is told what changed', async () => {
  const { places, runs, goAway, answered } = world();
  let told = 0;
  const stop = places.subscribe(() => (told += 1));
  await answered();
  await expect
    .poll(() => places.devices().map(({ name, isHere }) => [name, isHere]))
    .toEqual([
      ['laptop', true],
      ['box', false],
    ]);
  expect(told).toBe(1);
  goAway();
  const again = answered();
  runs.value = [{ ...run, waitsFor: 'box' }];
  await again;
  await expect.poll(() => places.devices().map(({ awaySince }) => awaySince)).toEqual([null, Date.parse(at)]);
  expect(told).toBe(2);
  stop();
  places.close();
});

test('a run is copied as a run of its own; one that only waited is canceled before, and if it began it is not copied', async () => {
  const silent = world('running');
  await silent.places.copy({ ...run, unreachable: at }, here);
  expect(silent.sent).toMatchObject([{ projectId: run.projectId, cellId: 'c', code: 'x', runOn: here }]);
  expect(silent.sent[0]?.id).not.toBe(run.id);
  expect(await silent.places.copy({ ...run, waitsFor: 'box' }, here)).toBeNull();
  expect(silent.sent).toHaveLength(1);
  const waits = world();
  await waits.places.copy({ ...run, waitsFor: 'box' }, here);
  expect(waits.sent).toHaveLength(1);
  await waits.places.cancel(run);
  expect([...waits.places.cancelAsked.value]).toEqual([]);
  await silent.places.cancel(run);
  expect([...silent.places.cancelAsked.value]).toEqual([run.id]);
  silent.places.close();
  waits.places.close();
});
