/** A run of which the submitter hears nothing but its end: what broke in between kept the rest from it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { smallMesh, type SmallDevice } from './small-mesh.fixture.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] }));
afterEach(() => void vi.useRealTimers());

test('it is where its host says it ran, so that its output can be read there', async () => {
  let byte = 0;
  const ids = {
    now: () => Date.now(),
    randomBytes: (length: number) => Uint8Array.from({ length }, () => (byte = (byte + 7) % 256)),
  };
  const mesh = await smallMesh(2, { carry: () => [], isUp: () => true }, ids);
  const [laptop, box] = mesh.devices as [SmallDevice, SmallDevice];
  mesh.beat();
  const run = await laptop.submit('1', box.id);
  expect(laptop.placed.get(run.id)).toMatchObject({ host: null, isOver: false });
  const ended = { ...run, state: 'completed', ranOn: box.name, completedAt: new Date().toISOString() } as const;
  laptop.receive(box.id, { type: 'ended', runId: run.id, fence: 1, end: 'completed', run: ended });
  await vi.waitFor(() => expect(laptop.placed.get(run.id)?.isOver).toBe(true));
  expect(laptop.placed.get(run.id)).toMatchObject({ host: box.id, run: { state: 'completed', ranOn: box.name } });
  for (const device of mesh.devices) await device.close();
});
