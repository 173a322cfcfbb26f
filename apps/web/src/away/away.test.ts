import type { Connection, RunFollower } from '@markco/client';
import { RunIdSchema, type Run, type RunEvent, type RunId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { createAway, type Away } from './away.ts';

const runId = RunIdSchema.parse('019a8f3c-0000-7000-8000-000000000001');
const run = { id: runId } as Pick<Run, 'id' | 'documentId'>;
/** The device's clock is ten minutes ahead of the page's. */
const AHEAD = 600_000;

function eventOf(seq: number, pageAt: number, text = `line ${seq}\n`): RunEvent {
  return {
    seq,
    type: 'stdout',
    payload: { text },
    createdAt: new Date(pageAt + AHEAD).toISOString(),
  } as unknown as RunEvent;
}

function world(kept = new Map<string, string>(), start = 1_000_000) {
  let clock = start;
  let tell: (connection: Connection) => void = () => undefined;
  const followers = new Map<RunId, { from: number; follower: RunFollower }>();
  const away: Away = createAway({
    client: {
      followRun: (id, from, follower) => {
        followers.set(id, { from, follower });
        return () => followers.delete(id);
      },
      connection: {
        get: () => ({ state: 'online', since: 0 }),
        subscribe: (listener) => {
          tell = listener;
          return () => undefined;
        },
      },
    },
    storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) },
    now: () => clock,
    later: (work) => work(),
  });
  return {
    away,
    kept,
    followers,
    now: () => clock,
    pass: (ms: number) => void (clock += ms),
    offline: () => tell({ state: 'offline', since: clock, reason: 'gone' }),
    online: () => tell({ state: 'online', since: clock }),
  };
}

const lines = ({ missed }: Away): readonly (readonly [number, number])[] =>
  missed.value.map((one) => [one.from, one.lines]);

test('what came while the device was out of reach was missed, what comes after it was not', () => {
  const { away, now, pass, offline, online } = world();
  away.note(run, eventOf(0, now()));
  const left = now();
  offline();
  pass(60_000);
  online();
  for (let seq = 1; seq <= 30; seq++) away.note(run, eventOf(seq, left + seq * 1_000));
  pass(1_000);
  away.note(run, eventOf(31, now()));
  expect(lines(away)).toEqual([[1, 30]]);
  away.dismiss(runId);
  expect(lines(away)).toEqual([]);
});

test('a hiccup of the network is no absence', () => {
  const { away, now, pass, offline, online } = world();
  away.note(run, eventOf(0, now()));
  offline();
  pass(1_000);
  online();
  away.note(run, eventOf(1, now() - 500));
  expect(lines(away)).toEqual([]);
});

test('after a reload the run is told from its first event, and only what is new was missed', () => {
  const before = world();
  before.away.note(run, eventOf(0, before.now()));
  before.away.note(run, eventOf(1, before.now()));
  const left = before.now();
  const { away } = world(before.kept, left + 60_000);
  for (let seq = 0; seq < 10; seq++) away.note(run, eventOf(seq, left + seq * 1_000));
  away.note(run, eventOf(10, left + 61_000));
  expect(lines(away)).toEqual([[2, 8]]);
});

test('of a run that ended meanwhile, what was not seen is counted once', () => {
  const before = world();
  before.away.note(run, eventOf(0, before.now()));
  const { away, followers } = world(before.kept);
  away.recall(run);
  const followed = followers.get(runId);
  expect(followed?.from).toBe(1);
  for (let seq = 1; seq <= 5; seq++) followed?.follower.onEvent(eventOf(seq, 0, 'a\nb\n'));
  followed?.follower.onEnd(run as Run);
  expect(lines(away)).toEqual([[1, 10]]);
  followers.clear();
  away.recall(run);
  expect(followers.size).toBe(0);
});

test('what is kept is checked, bounded, and of runs that go on', () => {
  for (const bad of ['{', '[1]', '[["x",{}]]', 'null'])
    expect(lines(world(new Map([['seen-runs', bad]])).away)).toEqual([]);
  const { away, kept, now } = world();
  for (let at = 0; at < 80; at++) {
    const id = RunIdSchema.parse(`019a8f3c-0000-7000-8000-${String(at).padStart(12, '0')}`);
    away.note({ id }, eventOf(0, now()));
  }
  expect((JSON.parse(kept.get('seen-runs') ?? '') as unknown[]).length).toBe(50);
  away.note(run, { ...eventOf(1, now()), type: 'result' } as unknown as RunEvent);
  expect(kept.get('seen-runs')).not.toContain(runId);
});
