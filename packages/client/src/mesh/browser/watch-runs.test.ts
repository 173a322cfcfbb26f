import { newId, type DeviceId, type ProjectId, type Run, type RunId } from '@markco/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ProjectChange } from '../../client.ts';
import { createRunWatch } from './watch-runs.ts';

const ids = { now: () => 0, randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
const [laptop, box] = [newId<DeviceId>(ids), newId<DeviceId>(ids)];
const project = newId<ProjectId>(ids);
const runOn = (deviceId: DeviceId, state: Run['state'], id = newId<RunId>(ids)): Run =>
  ({ id, projectId: project, state, routedTo: { deviceId } }) as Run;

/** Devices that say what the test has them say. */
function world() {
  const connected = new Set<DeviceId>();
  const lists = new Map<DeviceId, readonly Run[]>();
  const watched = new Map<DeviceId, (change: ProjectChange) => void>();
  const listeners = new Set<(peer: { deviceId: DeviceId }, isConnected: boolean) => void>();
  const device = {
    hosts: () => [...connected].map((deviceId) => ({ deviceId })),
    trust: { now: () => 1_000 },
    peers: {
      onPeer(listener: (peer: { deviceId: DeviceId }, isConnected: boolean) => void) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    client: (id: DeviceId) => ({
      api: () => Promise.resolve({ runs: lists.get(id) ?? [] }),
      watchProject(_: ProjectId, tell: (change: ProjectChange) => void) {
        watched.set(id, tell);
        return () => watched.delete(id);
      },
    }),
  };
  const move = (id: DeviceId, isConnected: boolean): void => {
    if (isConnected) connected.add(id);
    else connected.delete(id);
    for (const listener of listeners) listener({ deviceId: id }, isConnected);
  };
  const told: Run[] = [];
  const watch = createRunWatch(device as unknown as Parameters<typeof createRunWatch>[0], (run) => run);
  const stop = watch.watchProject(project, ({ run }) => void (run !== undefined && told.push(run)));
  return { watch, told, stop, lists, watched, move };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('who connects later is watched, and tells its latest runs, its own alone, oldest first', async () => {
  const { told, lists, watched, move, stop } = world();
  const [first, second, elsewhere] = [
    runOn(laptop, 'completed'),
    runOn(laptop, 'running'),
    runOn(box, 'running'),
  ] as const;
  lists.set(laptop, [second, elsewhere, first]);
  move(box, true);
  move(laptop, true);
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual([first, second]);
  const ended = runOn(laptop, 'completed', second.id);
  watched.get(laptop)?.({ projectId: project, run: ended });
  expect(told.at(-1)).toBe(ended);
  stop();
  expect(watched.size).toBe(0);
});

test('a run whose device is not connected is told by another one that knows of it', async () => {
  const { told, lists, move, stop } = world();
  const elsewhere = runOn(box, 'running');
  lists.set(laptop, [elsewhere]);
  move(laptop, true);
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toEqual([elsewhere]);
  stop();
});

test('a run whose device is gone for a while does not answer, until it does; one that ended has ended', async () => {
  const { told, lists, move } = world();
  const [running, over] = [runOn(laptop, 'running'), runOn(laptop, 'completed')];
  lists.set(laptop, [over, running]);
  move(laptop, true);
  await vi.advanceTimersByTimeAsync(0);
  told.length = 0;
  move(laptop, false);
  move(laptop, true);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(told.filter(({ unreachable }) => unreachable !== undefined)).toEqual([]);
  told.length = 0;
  move(laptop, false);
  await vi.advanceTimersByTimeAsync(6_000);
  expect(told).toEqual([{ ...running, unreachable: '1970-01-01T00:00:01.000Z' }]);
  move(laptop, true);
  await vi.advanceTimersByTimeAsync(0);
  expect(told.at(-1)).toEqual(over);
  expect(told.find(({ id, unreachable }) => id === running.id && unreachable === undefined)).toEqual(running);
});
