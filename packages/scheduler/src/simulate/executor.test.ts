import { LIMITS, type DeviceId, type RunId, type SessionId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { ask, device, id } from '../device.fixture.ts';
import { ownRefusalOf } from '../refuse.ts';
import { createExecutor } from './executor.ts';
import { CLAIM_MS, type Offer, type ToCoordinator } from '../start/start-protocol.ts';

const coordinator = id(1);
const run = (n: number) => `run-${n}` as RunId;

function host(policy: object = {}) {
  let facts = device(2, { policy: { maxConcurrentRuns: 1, ...policy } });
  let nowMs = 0;
  const said: ToCoordinator[] = [];
  const begun: RunId[] = [];
  const claims: [RunId, number][] = [];
  const executor = createExecutor({
    now: () => nowMs,
    send: (_to: DeviceId, message) => said.push(message),
    capability: () => facts.capability,
    refuses: ({ request }) => ownRefusalOf(facts, request),
    begin: ({ runId }) => begun.push(runId),
    stop: (runId) => executor.ended(runId, 'cancelled'),
    later: (runId, claim) => claims.push([runId, claim]),
  });
  return {
    executor,
    begun,
    claims,
    said: () => said.splice(0).map(({ type }) => type),
    offer: (n: number, changes: Partial<Offer> = {}) =>
      executor.receive(coordinator, {
        type: 'offer',
        runId: run(n),
        fence: 1,
        sessionId: `session-${n}` as SessionId,
        priority: 'interactive',
        request: ask(),
        isGranted: false,
        ...changes,
      }),
    grant: (n: number, claim: number, fence = 1) =>
      executor.receive(coordinator, { type: 'grant', runId: run(n), fence, claim }),
    say: (type: 'withdraw' | 'cancel' | 'ask', n: number, fence = 1) =>
      executor.receive(coordinator, { type, runId: run(n), fence }),
    pass: (ms: number) => (nowMs += ms),
    setPolicy(changes: object) {
      facts = device(2, { policy: { maxConcurrentRuns: 1, ...changes } });
      executor.rulesChanged();
    },
  };
}

test('a run is claimed when its turn comes, and starts on the grant', () => {
  const it = host();
  it.offer(1);
  expect([it.begun, it.said()]).toEqual([[], ['claim']]);
  it.grant(1, 1);
  expect([it.begun, it.said()]).toEqual([[run(1)], ['started']]);
});

test('a grant that comes too late is void, and the run is claimed again', () => {
  const it = host();
  it.offer(1);
  it.pass(CLAIM_MS);
  it.grant(1, 1);
  expect(it.begun).toEqual([]);
  it.executor.lapse(run(1), 1);
  it.grant(1, 1);
  expect(it.begun).toEqual([]);
  it.grant(1, 2);
  expect(it.begun).toEqual([run(1)]);
});

test('nothing that is said twice starts a run twice', () => {
  const it = host();
  it.offer(1);
  it.grant(1, 1);
  it.grant(1, 1);
  it.offer(1);
  it.offer(1, { isGranted: true, fence: 2 });
  it.executor.ended(run(1), 'completed');
  it.offer(1, { isGranted: true, fence: 3 });
  it.executor.restart();
  it.offer(1, { isGranted: true, fence: 4 });
  expect(it.begun).toEqual([run(1)]);
});

test('a session of its own starts on the offer, and survives a crash while it waits', () => {
  const it = host();
  it.offer(1, { isGranted: true });
  it.offer(2, { isGranted: true });
  expect(it.begun).toEqual([run(1)]);
  it.executor.restart();
  expect(it.said()).toEqual(['started', 'waits', 'ended', 'started']);
  expect(it.begun).toEqual([run(1), run(2)]);
});

test('what it said to be void under a fence it never starts under it', () => {
  const it = host();
  it.say('ask', 1);
  it.offer(1, { isGranted: true });
  expect([it.said(), it.begun]).toEqual([['void', 'void'], []]);
  it.offer(1, { isGranted: true, fence: 2 });
  expect(it.begun).toEqual([run(1)]);
});

test('a claim that nobody answers lets the next run go', () => {
  const it = host();
  it.offer(1);
  it.offer(2);
  for (const claim of [1, 2, 3]) it.executor.lapse(run(1), claim);
  expect(it.claims).toEqual([
    [run(1), 1],
    [run(1), 2],
    [run(1), 3],
    [run(2), 4],
  ]);
  it.grant(1, 3);
  expect(it.begun).toEqual([]);
});

test('a run is withdrawn while it waits, and goes on once it runs; a cancel stops it', () => {
  const it = host();
  it.offer(1, { isGranted: true });
  it.offer(2);
  it.say('withdraw', 2);
  it.say('withdraw', 1);
  expect(it.said()).toEqual(['started', 'waits', 'void', 'started']);
  it.say('cancel', 1);
  expect(it.said()).toEqual(['ended']);
});

test('what its owner takes no more is given back', () => {
  const it = host();
  it.offer(1);
  it.offer(2);
  it.setPolicy({ allowRemoteExecution: false });
  it.grant(1, 1);
  expect([it.begun, it.said()]).toEqual([[], ['claim', 'waits', 'void', 'void', 'void']]);
});

test('a claim does not outlive the slot it was for', () => {
  const it = host({ maxConcurrentRuns: 2 });
  it.offer(1);
  it.offer(2);
  it.setPolicy({ maxConcurrentRuns: 1 });
  it.grant(1, 1);
  it.grant(2, 2);
  expect(it.begun).toHaveLength(1);
});

test('a full queue refuses, and says how full it is', () => {
  const it = host();
  for (let n = 0; n <= LIMITS.queuedRunsMax; n++) it.offer(n);
  it.said();
  it.offer(1_000);
  expect(it.said()).toEqual(['void']);
  expect(it.executor.state()).toMatchObject({ runningRuns: 1, queuedRuns: LIMITS.queuedRunsMax });
});
