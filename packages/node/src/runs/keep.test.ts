import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newId, type Run, type RunId } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import type { RunRow } from './journal.ts';
import { dropOldEvents, isDoneIn } from './keep.ts';
import { eventsOf, eventually, finished, ids, quiet, testDevice } from './runs.fixture.ts';
import { spoolFile } from './spool.ts';

const never = new AbortController().signal;

type Folder = {
  readonly path: string;
  /** The oldest first. */
  readonly runs: readonly RunId[];
  readonly rows: Map<RunId, RunRow>;
  left(): Promise<number[]>;
  drop(bounds: { readonly runsMax?: number; readonly bytesMax?: number }): Promise<void>;
};

/** Six runs that are over, of 100 bytes each. */
const test = base.extend<{ folder: Folder }>({
  folder: async ({}, use) => {
    const root = await mkdtemp(path.join(tmpdir(), 'markco-keep-'));
    const runs = Array.from({ length: 6 }, (_, n) => newId<RunId>({ ...ids, now: () => 1_700_000_000_000 + n }));
    const rows = new Map<RunId, RunRow>();
    for (const id of runs) {
      await mkdir(path.join(root, id));
      await writeFile(spoolFile(path.join(root, id)), Buffer.alloc(100));
      rows.set(id, { run: { id, state: 'completed' } as Run, outputWritten: true } as RunRow);
    }
    await use({
      path: root,
      runs,
      rows,
      left: async () => (await readdir(root)).map((id) => runs.indexOf(id as RunId)).toSorted((a, b) => a - b),
      drop: (bounds) =>
        dropOldEvents(
          { runsFolder: root, isDone: (id) => isDoneIn({ get: async (one) => rows.get(one) ?? null }, id), log: quiet },
          never,
          bounds,
        ),
    });
    await rm(root, { recursive: true });
  },
});

test('the events of the newest runs stay, up to a number and up to a size', async ({ folder }) => {
  await folder.drop({});
  expect(await folder.left()).toEqual([0, 1, 2, 3, 4, 5]);
  await folder.drop({ runsMax: 4 });
  expect(await folder.left()).toEqual([2, 3, 4, 5]);
  await folder.drop({ bytesMax: 250 });
  expect(await folder.left()).toEqual([4, 5]);
});

test('what runs, what is not in its document yet and what is not known stays', async ({ folder }) => {
  const [running, unwritten, unknown, neverBegan] = folder.runs as [RunId, RunId, RunId, RunId];
  folder.rows.set(running, { run: { id: running, state: 'running' } as Run, outputWritten: true } as RunRow);
  folder.rows.set(unwritten, { run: { id: unwritten, state: 'failed' } as Run, outputWritten: false } as RunRow);
  folder.rows.delete(unknown);
  folder.rows.set(neverBegan, { run: { id: neverBegan, state: 'cancelled' } as Run, outputWritten: false } as RunRow);
  await folder.drop({ runsMax: 0 });
  expect(await folder.left()).toEqual([0, 1, 2]);
});

test('a run whose events are gone is still that run, and whoever follows it is at the end at once', async () => {
  await using device = await testDevice();
  const request = device.inDocument('print(1)');
  await finished(device.runs, request);
  await eventually(() => device.written.has(request.id));
  await rm(path.join(device.home, 'runs', request.id), { recursive: true });
  expect(await eventsOf(device.runs, request.id)).toEqual([]);
  expect((await device.runs.submit(request)).state).toBe('completed');
});
