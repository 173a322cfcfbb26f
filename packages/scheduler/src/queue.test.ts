import { LIMITS, type RunId, type SessionId } from '@markco/protocol';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  emptyQueue,
  HANDICAP,
  positionOf,
  stepQueue,
  type HostQueue,
  type Priority,
  type QueueEffect,
  type QueuedRun,
  type QueueEvent,
} from './queue.ts';

const run = (n: number) => `run-${n}` as RunId;
const session = (n: number) => `session-${n}` as SessionId;
const submit = (n: number, of = n, priority: Priority = 'interactive'): QueueEvent => ({
  type: 'submit',
  runId: run(n),
  sessionId: session(of),
  priority,
});

function after(events: readonly QueueEvent[], queue = emptyQueue({ online: true, slots: 1 })) {
  const effects: QueueEffect[] = [];
  for (const event of events) {
    const step = stepQueue(queue, event);
    queue = step.queue;
    effects.push(...step.effects);
  }
  return { queue, effects };
}
const started = (effects: readonly QueueEffect[]) =>
  effects.filter(({ type }) => type === 'start').map(({ runId }) => runId);

test('a run starts where there is room, and else waits at a position', () => {
  const { queue, effects } = after([submit(1), submit(2), submit(3)]);
  expect(started(effects)).toEqual([run(1)]);
  expect([1, 2, 3].map((n) => positionOf(queue, run(n)))).toEqual([null, 0, 1]);
  expect(started(stepQueue(queue, { type: 'ended', runId: run(1) }).effects)).toEqual([run(2)]);
});

test('a host that is not there collects runs, and starts them in order once it is', () => {
  const away = emptyQueue({ online: false, slots: 2 });
  const { queue, effects } = after([submit(1, 1, 'background'), submit(2, 2, 'batch'), submit(3)], away);
  expect(effects).toEqual([]);
  expect([3, 2, 1].map((n) => positionOf(queue, run(n)))).toEqual([0, 1, 2]);
  expect(started(stepQueue(queue, { type: 'host', online: true, slots: 2 }).effects)).toEqual([run(3), run(2)]);
});

test('runs of one session start in the order they came in, one at a time, whatever their priority', () => {
  const { queue, effects } = after(
    [submit(1, 7), submit(2, 7, 'background'), submit(3, 7)],
    emptyQueue({ online: true, slots: 4 }),
  );
  expect(started(effects)).toEqual([run(1)]);
  const second = stepQueue(queue, { type: 'ended', runId: run(1) });
  expect(started(second.effects)).toEqual([run(2)]);
  expect(started(stepQueue(second.queue, { type: 'ended', runId: run(2) }).effects)).toEqual([run(3)]);
});

test('a waiting run is canceled at once, one that executes is told to stop and leaves when it has', () => {
  const { queue } = after([submit(1), submit(2)]);
  expect(stepQueue(queue, { type: 'cancel', runId: run(2) })).toMatchObject({
    queue: { waiting: [] },
    effects: [{ type: 'cancelled', runId: run(2) }],
  });
  expect(stepQueue(queue, { type: 'cancel', runId: run(1) })).toEqual({
    queue,
    effects: [{ type: 'stop', runId: run(1) }],
  });
});

test('the same run twice, a run nobody knows and one too many are refused and change nothing', () => {
  const { queue } = after(Array.from({ length: LIMITS.queuedRunsMax + 1 }, (_, n) => submit(n)));
  const refusals = [submit(5), submit(1_000), { type: 'cancel', runId: run(2_000) }, { type: 'ended', runId: run(5) }];
  expect(refusals.map((event) => stepQueue(queue, event as QueueEvent))).toEqual(
    ['known', 'full', 'unknown', 'unknown'].map((rule, at) => ({
      queue,
      effects: [{ type: 'refused', runId: [run(5), run(1_000), run(2_000), run(5)][at], rule }],
    })),
  );
});

test('a host that takes fewer at once lets those it has end', () => {
  const { queue } = after([submit(1), submit(2), submit(3)], emptyQueue({ online: true, slots: 2 }));
  const fewer = after(
    [
      { type: 'host', online: true, slots: 1 },
      { type: 'ended', runId: run(1) },
    ],
    queue,
  );
  expect(started(fewer.effects)).toEqual([]);
  expect(started(stepQueue(fewer.queue, { type: 'ended', runId: run(2) }).effects)).toEqual([run(3)]);
});

test('a run of low priority is overtaken by fewer runs than its handicap, however many come', () => {
  for (const priority of ['batch', 'background'] as const) {
    let { queue } = after([submit(0), submit(1, 1, priority)]);
    let overtakers = 0;
    for (let n = 2; positionOf(queue, run(1)) !== null && n < 500; n++) {
      queue = stepQueue(queue, submit(n)).queue;
      const next = stepQueue(queue, { type: 'ended', runId: queue.running[0]?.runId ?? run(0) });
      queue = next.queue;
      if (!started(next.effects).includes(run(1))) overtakers += 1;
    }
    expect(overtakers).toBe(HANDICAP[priority] - 1);
  }
});

const anyEvent = fc.oneof(
  { weight: 5, arbitrary: fc.constant('submit') },
  { weight: 4, arbitrary: fc.constant('ended') },
  { weight: 1, arbitrary: fc.constant('cancel') },
  { weight: 1, arbitrary: fc.constant('host') },
);
const anyStep = fc.record({
  type: anyEvent,
  pick: fc.nat(1_000),
  session: fc.nat(5),
  priority: fc.constantFrom<Priority>('interactive', 'batch', 'background'),
  online: fc.boolean(),
  slots: fc.nat(4),
});

type AnyStep = typeof anyStep extends fc.Arbitrary<infer Step> ? Step : never;

test('whatever happens, the invariants of the queue hold', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 150 }), (steps) => {
      let queue = emptyQueue({ online: true, slots: 2 });
      const model = createModel();
      for (const [n, step] of steps.entries()) {
        const event = eventOf(queue, n, step);
        const next = stepQueue(queue, event);
        model.check(queue, event, next.effects, next.queue);
        queue = next.queue;
      }
      // Once the host is there and runs end, everything that waits has its turn.
      queue = stepQueue(queue, { type: 'host', online: true, slots: 1 }).queue;
      for (let left = queue.running.length + queue.waiting.length; left > 0; left--) {
        const ending = queue.running[0]?.runId ?? expect.unreachable('runs wait and none executes');
        queue = stepQueue(queue, { type: 'ended', runId: ending }).queue;
      }
      expect([queue.running, queue.waiting]).toEqual([[], []]);
    }),
    { numRuns: 1_000 },
  );
});

function eventOf(queue: HostQueue, n: number, { type, pick, ...step }: AnyStep): QueueEvent {
  const of = (runs: HostQueue['running']) => runs[pick % Math.max(1, runs.length)]?.runId ?? run(-1);
  switch (type) {
    case 'ended':
      return { type, runId: of(queue.running) };
    case 'cancel':
      return { type, runId: of([...queue.running, ...queue.waiting]) };
    case 'host':
      return { type, online: step.online, slots: step.slots };
    default:
      return submit(n, step.session, step.priority);
  }
}

/** What the rules say, kept from the events alone: it never looks at a turn. */
function createModel() {
  const came: { runId: RunId; sessionId: SessionId; held: number; overtaken: number }[] = [];
  /** Its own handicap, or what holds up the run of its session that waits before it. */
  const heldBy = ({ sessionId, priority }: QueuedRun) =>
    Math.max(HANDICAP[priority], came.findLast((each) => each.sessionId === sessionId)?.held ?? 0);
  return {
    check(before: HostQueue, event: QueueEvent, effects: readonly QueueEffect[], queue: HostQueue): void {
      if (event.type === 'submit' && !effects.some(({ type }) => type === 'refused'))
        came.push({ runId: event.runId, sessionId: event.sessionId, held: heldBy(event), overtaken: 0 });
      const busy = new Set(
        before.running
          .filter((each) => queue.running.some((now) => now.runId === each.runId))
          .map(({ sessionId }) => sessionId),
      );
      for (const effect of effects) {
        const at = came.findIndex(({ runId }) => runId === effect.runId);
        if (effect.type === 'cancelled') came.splice(at, 1);
        if (effect.type !== 'start') continue;
        expect(before.online || event.type === 'host').toBe(true);
        const next = came[at] ?? expect.unreachable('a run started that does not wait');
        for (const [arrived, waiting] of came.entries()) {
          if (arrived >= at) break;
          expect(waiting.sessionId, 'a session starts in order').not.toBe(next.sessionId);
          if (!busy.has(waiting.sessionId)) expect(++waiting.overtaken).toBeLessThan(waiting.held);
        }
        busy.add(next.sessionId);
        came.splice(at, 1);
      }
      const sessions = queue.running.map(({ sessionId }) => sessionId);
      expect(new Set(sessions).size, 'one run a session').toBe(sessions.length);
      expect(queue.running.length).toBeLessThanOrEqual(Math.max(queue.slots, before.running.length));
      expect(queue.waiting.length).toBeLessThanOrEqual(LIMITS.queuedRunsMax);
      expect(queue.waiting.map(({ runId }) => runId).toSorted()).toEqual(came.map(({ runId }) => runId).toSorted());
      if (queue.online && queue.running.length < queue.slots)
        expect(
          queue.waiting.every(({ sessionId }) => sessions.includes(sessionId)),
          'no slot idles',
        ).toBe(true);
    },
  };
}
