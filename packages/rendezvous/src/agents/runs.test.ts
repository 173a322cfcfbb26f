import type { Received, RunId, UserId } from '@markco/protocol';
import { expect, test, vi } from 'vitest';
import type { AgentConnection } from './connection.ts';
import { agent, ids, runOf, sessionId, userId } from './run.fixture.ts';
import type { RunRow, RunRows } from './run-rows.ts';
import { createAgentRuns } from './runs.ts';

/** One process with one agent, and a store that may refuse. */
function setUp() {
  const kept = new Map<string, RunRow>();
  const [handed, refused]: [string[], string[]] = [[], []];
  const acknowledged: Received[] = [];
  const now = { version: 1, isHere: true, storeFails: false };
  const rows = {
    async begin(row: RunRow) {
      kept.set(row.run.id, row);
      return true;
    },
    async write(row: RunRow) {
      if (now.storeFails) throw new Error('the database is away');
      kept.set(row.run.id, row);
    },
    read: async (_user: UserId, id: RunId) => kept.get(id),
    last: async () => undefined,
    open: async () => [...kept.values()].filter(({ run }) => run.state !== 'completed'),
  };
  const connection = {
    ...{ agent, userId, name: 'attic' },
    send: (_message: object, id: string) => void handed.push(id),
    refuse: ({ code }: { code: string }) => void refused.push(code),
    acknowledge: (received: readonly Received[]) => void acknowledged.push(...received),
  } as unknown as AgentConnection;
  const runs = createAgentRuns({
    ...{ rows: rows as unknown as RunRows, ids },
    connected: () => (now.isHere ? connection : undefined),
    isReady: () => now.isHere,
    isElsewhere: () => !now.isHere,
    versionOf: () => (now.isHere ? now.version : 0),
    fence: async () => now.version,
    awaySince: () => ids.now(),
    sessionOf: () => sessionId,
    nameOf: () => 'attic',
    placeOf: () => ({}),
    ...{ tell() {}, poke() {}, onEnd() {}, onTrouble() {} },
  });
  const begin = async (): Promise<RunId> => {
    const run = runOf('queued');
    await runs.begin(run, agent);
    return run.id;
  };
  return { runs, connection, acknowledged, kept, handed, refused, now, begin };
}

test('a run that could not be kept here and ended elsewhere keeps none waiting that come after it', async () => {
  const { runs, connection, kept, handed, refused, now, begin } = setUp();
  const first = await begin();
  await vi.waitFor(() => expect(handed).toEqual([first]));
  now.storeFails = true;
  runs.receive(connection, first, { seq: 0, event: { event: 'start', data: {} } } as never);
  await vi.waitFor(() => expect(refused).toEqual(['not_ready']));
  // Its agent goes on at another process, where the run ends, and comes back.
  now.isHere = false;
  await runs.gone(agent, 1);
  const row = kept.get(first) ?? expect.unreachable();
  kept.set(first, { ...row, run: { ...row.run, state: 'completed' } });
  Object.assign(now, { storeFails: false, isHere: true, version: 3 });
  expect(await runs.reconcile(connection, [], 3)).toEqual({ resume: [], forget: [] });
  const second = await begin();
  await vi.waitFor(() => expect(handed).toEqual([first, second]));
});

test('an agent that comes again is not asked for what was acknowledged, though nothing is shown of it', async () => {
  const { runs, connection, acknowledged, kept, handed, now, begin } = setUp();
  const id = await begin();
  await vi.waitFor(() => expect(handed).toEqual([id]));
  runs.receive(connection, id, { seq: 0, event: { event: 'start', data: {} } } as never);
  await vi.waitFor(() => expect(acknowledged).toEqual([{ request_id: id, next_seq: 1 }]));
  expect(kept.get(id)?.run.state).toBe('running');
  now.isHere = false;
  await runs.gone(agent, 1);
  Object.assign(now, { isHere: true, version: 2 });
  expect(await runs.reconcile(connection, [id], 2)).toEqual({ resume: [{ request_id: id, next_seq: 1 }], forget: [] });
  runs.receive(connection, id, { seq: 1, event: { event: 'result', data: {} } } as never);
  await vi.waitFor(() => expect(kept.get(id)?.run.state).toBe('completed'));
});
