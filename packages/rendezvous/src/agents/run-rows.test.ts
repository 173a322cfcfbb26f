/** How much of what plain agents ran is kept: by number and by bytes, the oldest that ended goes first. */
import {
  newId,
  type DeviceId,
  type ProjectId,
  type Run,
  type RunEvent,
  type RunId,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import { createSharedMemory } from '@markco/replica/store/shared-memory.fixture';
import type { StoreWrite } from '@markco/replica/store/store';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createRunRows, type EventRow, type RunRow } from './run-rows.ts';

let at = Date.UTC(2026, 0, 1);
const ids = { now: () => at++, randomBytes };
const [user, other, agent] = [newId<UserId>(ids), newId<UserId>(ids), newId<DeviceId>(ids)];

function rowOf(userId: UserId, state: Run['state'] = 'completed'): RunRow {
  const run: Run = {
    ...{ id: newId<RunId>(ids), userId, projectId: newId<ProjectId>(ids), sessionId: newId<SessionId>(ids) },
    ...{ language: 'python', code: '1', state, createdAt: new Date(at).toISOString() },
    routedTo: { hostType: 'device', deviceId: agent, reason: 'availability', why: '' },
  };
  return { run, agent, sent: true, cancelRequested: false, outputWritten: true };
}
function said(run: Run, bytes: number): EventRow {
  const about = { id: newId(ids), runId: run.id, seq: 0, createdAt: new Date(at).toISOString() };
  return { event: { ...about, type: 'stdout', payload: { text: 'x' } } as RunEvent, received: 1, bytes };
}

test('of the runs of a person so many bytes are kept; the oldest that ended go first, and the newest stays whatever it has', async () => {
  const store = createSharedMemory(() => 0).open();
  const write = (batch: readonly StoreWrite[]): Promise<void> => store.write(batch, { sync: true });
  const rows = createRunRows({
    ...{ store, shared: null, bytesMax: 10_000 },
    log: { write, writeIf: ({ batch }) => write(batch).then(() => true) },
  });
  const end = async (row: RunRow, bytes: number): Promise<RunId> => {
    await rows.write(row, 1, [said(row.run, bytes)]);
    return row.run.id;
  };
  const kept = async (of: UserId): Promise<readonly RunId[]> =>
    (await Array.fromAsync(rows.list(of))).map(({ run }) => run.id);
  const goesOn = rowOf(user, 'running');
  await rows.begin(goesOn);
  const [first, second, third] = [rowOf(user), rowOf(user), rowOf(user)];
  const others = await end(rowOf(other), 9_000);
  await end(first, 4_000);
  await end(second, 4_000);
  expect(await kept(user)).toEqual([second.run.id, first.run.id, goesOn.run.id]);
  await end(third, 4_000);
  expect(await kept(user)).toEqual([third.run.id, second.run.id, goesOn.run.id]);
  expect(await Array.fromAsync(rows.events(user, first.run.id, 0))).toEqual([]);
  expect(await Array.fromAsync(rows.events(user, second.run.id, 0))).toHaveLength(1);
  const large = await end(rowOf(user), 50_000);
  expect(await kept(user)).toEqual([large, goesOn.run.id]);
  expect(await kept(other)).toEqual([others]);
});
