import { expect, test } from 'vitest';
import { id } from '../device.fixture.ts';
import { NEW_RUN, stepRun, type CoordinatedRun, type CoordinatorEvent } from './coordinator.ts';
import { CLAIM_MS, CLOCK_MARGIN_MS } from './start-protocol.ts';

const [host, other] = [id(2), id(3)];
const runId = 'run-1' as never;
const placed = (to = host, holdsSession = false): CoordinatorEvent => ({ type: 'placed', host: to, holdsSession });
const claim = (n = 1, fence = 1): CoordinatorEvent => ({
  type: 'message',
  from: host,
  message: { type: 'claim', runId, fence, claim: n },
});
const started: CoordinatorEvent = { type: 'message', from: host, message: { type: 'started', runId, fence: 1 } };
const voided: CoordinatorEvent = {
  type: 'message',
  from: host,
  message: { type: 'void', runId, fence: 1, why: 'unknown', host: {} as never },
};
const ended = (end: 'completed' | 'cancelled' | 'lost'): CoordinatorEvent => ({
  type: 'message',
  from: host,
  message: { type: 'ended', runId, fence: 1, end },
});
const check = (isHostSilent: boolean): CoordinatorEvent => ({ type: 'check', isHostSilent });

function after(events: readonly CoordinatorEvent[], nowMs = 0, run: CoordinatedRun = NEW_RUN) {
  let last = { run, effects: [] as ReturnType<typeof stepRun>['effects'] };
  for (const event of events) last = stepRun(last.run, event, nowMs);
  return { ...last, did: last.effects.map((effect) => (effect.type === 'send' ? effect.message.type : effect.type)) };
}

test('a run is offered, granted to whoever claims it, and ends as its host says', () => {
  expect(after([placed()])).toMatchObject({ run: { phase: 'offered', fence: 1 }, did: ['offer'] });
  expect(after([placed(), claim()])).toMatchObject({ run: { phase: 'granted' }, did: ['grant'] });
  expect(after([placed(), claim(), started])).toMatchObject({ run: { phase: 'running' } });
  expect(after([placed(), claim(), started, ended('completed')])).toMatchObject({
    run: { end: 'completed' },
    did: ['end'],
  });
});

test('a host that falls silent loses a run that was never granted, under a higher fence', () => {
  const { run, did } = after([placed(), check(true)]);
  expect([run.phase, did]).toEqual(['queued', ['place']]);
  const next = after([placed(other)], 0, run);
  expect(next.run).toMatchObject({ host: other, fence: 2 });
  expect(after([claim()], 0, next.run).did).toEqual(['withdraw']);
});

test('what carries messages to a host that answers nothing is made anew once, and the host is asked by it', () => {
  const silence = [check(false), check(false), check(false), check(false)];
  const { run, did } = after([placed(), claim(), ...silence]);
  expect([run.phase, did]).toEqual(['unreachable', ['distrust', 'ask']]);
  const next = after([check(false)], 0, run);
  expect([next.run.phase, next.did]).toEqual(['unreachable', ['ask']]);
  expect(after([check(false), check(false), check(false)], 0, next.run).did).toEqual(['distrust', 'ask']);
  // Nor is one that was away and is back distrusted before it could answer.
  const away = after([placed(), claim(), ...silence, check(true), check(false)]);
  expect([away.run.phase, away.did]).toEqual(['unreachable', ['ask']]);
});

test.for([
  ['granted', [placed(), claim()]],
  ['given to the host of its session', [placed(host, true)]],
  ['started', [placed(), claim(), started]],
] as const)('a run that was %s is unreachable while its host is silent, and goes nowhere else', ([, events]) => {
  const { run, did } = after([...events, check(true)]);
  expect([run.phase, run.host, did]).toEqual(['unreachable', host, ['ask']]);
  expect(after([started], 0, run).run.phase).toBe('running');
  expect(after([ended('lost')], 0, run).run.end).toBe('lost');
});

test('a host that is heard and does not answer counts as silent in the end', () => {
  const { run } = after([placed(), claim(), check(false), check(false), check(false), check(false)]);
  expect(run.phase).toBe('unreachable');
  const offered = after([placed(), check(false), check(false), check(false), check(false)]);
  expect([offered.run.phase, offered.did]).toEqual(['queued', ['distrust', 'place']]);
});

test('what a host says to be void is placed anew', () => {
  expect(after([placed(), claim(), check(true), voided])).toMatchObject({ run: { phase: 'queued' }, did: ['place'] });
});

test('a cancel is final at once while nothing was granted', () => {
  expect(after([{ type: 'cancel' }])).toMatchObject({ run: { end: 'cancelled' }, did: ['end'] });
  expect(after([placed(), { type: 'cancel' }])).toMatchObject({ run: { end: 'cancelled' }, did: ['withdraw', 'end'] });
  expect(after([placed(), { type: 'cancel' }, claim()]).did).toEqual(['withdraw']);
});

test('a cancel after a grant is final once the grant can start nothing any more', () => {
  const asked = after([placed(), claim(), { type: 'cancel' }]);
  expect([asked.run.phase, asked.did]).toEqual(['granted', ['cancel']]);
  expect(after([claim(2)], 1, asked.run).did).toEqual(['withdraw']);
  const last = CLAIM_MS + CLOCK_MARGIN_MS;
  expect(after([check(true)], last, asked.run).run.phase).toBe('unreachable');
  expect(after([check(true)], last + 1, asked.run).run.end).toBe('cancelled');
});

test.for([
  ['started', [placed(), claim(), started]],
  ['given to the host of its session', [placed(host, true)]],
] as const)('a cancel of a run that was %s waits for the word of its host', ([, events]) => {
  const { run } = after([...events, { type: 'cancel' }]);
  expect(after([check(true)], 3_600_000, run).run).toMatchObject({ phase: 'unreachable', end: null });
  expect(after([ended('cancelled')], 0, run).run.end).toBe('cancelled');
});

test('a run ends once, whatever is said afterwards', () => {
  const { run } = after([placed(), { type: 'cancel' }]);
  for (const event of [started, ended('completed'), voided, check(true), placed(), { type: 'cancel' } as const])
    expect(after([event], 0, run)).toMatchObject({ run, did: [] });
});
