import type { Run } from '@markco/protocol';
import { expect, test, vi } from 'vitest';
import { createLook } from './look.ts';
import { agent, runOf } from './run.fixture.ts';
import type { RunRow } from './run-rows.ts';

const rowOf = (state: Run['state']): RunRow => ({
  ...{ run: runOf(state), agent, sent: true, cancelRequested: false, outputWritten: true },
});

/** One process that reads what others did, and what it told of it. */
function setUp(rows: readonly RunRow[], onRead: () => void = () => undefined) {
  const told: RunRow[] = [];
  const troubles: unknown[] = [];
  const { look, begun } = createLook({
    rows: {
      open: async () => [],
      read: async (_user, id) => {
        onRead();
        return rows.find(({ run }) => run.id === id);
      },
    },
    held: { read: async () => undefined },
    isHere: () => false,
    cameElsewhere() {},
    adopt: async () => undefined,
    tell: (each) => void told.push(each),
    onTrouble: (_doing, cause) => void troubles.push(cause),
  });
  return { look, begun, told, troubles };
}

test('a run that was begun here and is over elsewhere before it was looked for is told once', async () => {
  const row = rowOf('completed');
  const { look, begun, told, troubles } = setUp([row]);
  begun(agent, { ...row.run, state: 'queued' });
  look(agent);
  await vi.waitFor(() => expect(told).toEqual([row]));
  look(agent);
  look(agent);
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual([row]);
  expect(troubles).toEqual([]);
});

test('one that is begun while it is looked for others is told by the next look', async () => {
  const [first, second] = [rowOf('completed'), rowOf('running')];
  const { look, begun, told } = setUp([first, second], () => begun(agent, second.run));
  begun(agent, { ...first.run, state: 'queued' });
  look(agent);
  await vi.waitFor(() => expect(told).toEqual([first]));
  look(agent);
  await vi.waitFor(() => expect(told).toEqual([first, second]));
});

test('what cannot be read is asked for again until it can, and said to be wrong once', async () => {
  const row = rowOf('completed');
  let failures = 3;
  const { look, begun, told, troubles } = setUp([row], () => {
    if (failures-- > 0) throw new Error('the database is away');
  });
  begun(agent, { ...row.run, state: 'queued' });
  look(agent);
  await vi.waitFor(() => expect(told).toEqual([row]), 5_000);
  expect(troubles).toHaveLength(1);
});
