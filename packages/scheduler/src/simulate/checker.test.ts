import type { RunId, SessionId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { ask } from '../device.fixture.ts';
import { emptyQueue, stepQueue, type Priority } from '../queue.ts';
import { createChance } from './chance.ts';
import { createChecker } from './checker.ts';
import { createDevice, idOf } from './fleet.ts';
import type { Offer } from '../start/start-protocol.ts';

const run = (n: number) => idOf(n) as RunId;
/** The place of a server, which takes everything. */
const host = createDevice(0, 0, { place: 8, of: 10 }, createChance(1));
const offer = (n: number, session = n): Offer => ({
  type: 'offer',
  runId: run(n),
  fence: 1,
  sessionId: `session-${session}` as SessionId,
  priority: 'interactive',
  request: ask(),
  isGranted: false,
});

test('SIM-1 a run that starts twice, or after it ended', () => {
  const checker = createChecker(10);
  checker.begins(host, offer(1), 1, false);
  expect(() => checker.begins(host, offer(1), 1, false)).toThrow(/^SIM-1/);
  checker.ends(run(2), 'cancelled');
  expect(() => checker.begins(host, offer(2), 1, false)).toThrow(/^SIM-1/);
});

test('SIM-2 a run that ends twice, or completes without a start', () => {
  const checker = createChecker(10);
  checker.ends(run(1), 'failed');
  expect(() => checker.ends(run(1), 'failed')).toThrow(/^SIM-2/);
  expect(() => checker.ends(run(2), 'completed')).toThrow(/^SIM-2/);
});

test('SIM-3, SIM-4 a host that executes more than it takes, or what it refuses', () => {
  const checker = createChecker(10);
  const { maxConcurrentRuns } = host.capability.policy;
  expect(() => checker.begins(host, offer(1), maxConcurrentRuns + 1, false)).toThrow(/^SIM-3/);
  expect(() => checker.begins(host, { ...offer(2), request: ask({ needsGpu: true }) }, 1, false)).toThrow(/^SIM-4/);
});

test('SIM-5 a run of a session that starts before an earlier one', () => {
  const checker = createChecker(10);
  checker.begins(host, offer(2, 7), 1, true);
  expect(() => checker.begins(host, offer(1, 7), 1, true)).toThrow(/^SIM-5/);
});

test('SIM-5 a run that waits while one that came later starts', () => {
  const submit = (n: number, priority: Priority) =>
    ({ type: 'submit', runId: run(n), sessionId: `session-${n}` as SessionId, priority }) as const;
  const checker = createChecker(10);
  let queue = emptyQueue({ online: true, slots: 1 });
  for (const event of [submit(1, 'interactive'), submit(2, 'interactive'), submit(3, 'interactive')]) {
    queue = stepQueue(queue, event).queue;
    checker.queue(host, queue);
  }
  const [second, third] = queue.waiting;
  if (second === undefined || third === undefined) return expect.unreachable('two runs wait');
  expect(() => checker.queue(host, { ...queue, running: [third], waiting: [second] })).toThrow(/^SIM-5/);
});

test('SIM-6 a run of which nothing is shown, or that never ends', () => {
  const checker = createChecker(10);
  const silence = () => checker.sweep(run(1), null);
  for (let sweep = 0; sweep < 3; sweep++) silence();
  expect(silence).toThrow(/^SIM-6/);
  checker.sweep(run(1), 'waits for laptop');
  expect(silence).not.toThrow();
  expect(() => checker.neverEnded(run(1), 'running on laptop')).toThrow(/^SIM-6.*running on laptop/);
});
