import {
  LIMITS,
  newId,
  type Run,
  type UserId,
  type ProjectId,
  type DeviceId,
  type RunId,
  type SessionId,
} from '@markco/protocol';
import { expect, test, vi } from 'vitest';
import { createRate } from '../accounts/rate.ts';
import { serveAgent } from './connection.ts';
import { progressOf, takeIn, type Incoming } from './progress.ts';

const ids = { now: () => 1_000, randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
const clock = { ids, name: 'attic' };
const agent = newId<DeviceId>(ids);
const run: Run = {
  ...{ id: newId<RunId>(ids), userId: newId<UserId>(ids), projectId: newId<ProjectId>(ids) },
  ...{ sessionId: newId<SessionId>(ids), language: 'python', code: '', state: 'scheduled' },
  ...{
    routedTo: { hostType: 'device', deviceId: agent, reason: 'availability' },
    createdAt: '2026-11-22T00:00:00.000Z',
  },
};
const begun = progressOf({ run, agent, sent: true, cancelRequested: false, outputWritten: false }, undefined);
const printed = (seq: number, content: string): Incoming => ({ seq, event: { event: 'stdout', data: { content } } });

test('messages count in their order, each once, and what is kept says where to go on', () => {
  const all = [printed(0, 'a'), printed(0, 'again'), printed(2, 'early'), printed(1, 'b')];
  const { at, said } = takeIn(begun, all, clock);
  expect(said.map(({ event }) => event.payload)).toEqual([{ text: 'a' }, { text: 'b' }]);
  expect([at.received, at.nextSeq, at.row.run.state]).toEqual([2, 2, 'running']);
  expect(progressOf(at.row, said.at(-1))).toEqual(at);
  const done = takeIn(at, [{ seq: 2, event: { event: 'done' } }, printed(3, 'late')], clock);
  expect(done.said.map(({ event }) => event.type)).toEqual(['result']);
  expect([done.at.received, done.at.row.run]).toMatchObject([4, { state: 'completed', ranOn: 'attic' }]);
});

test('a run that prints without end is kept up to its bound, is told so once, and ends as it ends', () => {
  const piece = 'x'.repeat(1024 * 1024);
  const count = LIMITS.runOutputBytesMax / piece.length + 10;
  const all = Array.from({ length: count }, (_, seq) => printed(seq, piece));
  const { at, said } = takeIn(begun, [...all, { seq: count, event: { event: 'done' } }], clock);
  const told = said.filter(({ event }) => event.type === 'stderr');
  expect(told).toHaveLength(1);
  expect(said.length).toBeLessThan(count - 5);
  expect(said.map(({ event }) => event.seq)).toEqual(said.map((_, seq) => seq));
  expect([at.row.run.state, at.received]).toEqual(['completed', count + 1]);
  // What it printed past the bound was heard all the same, and is not said again.
  const full = takeIn(begun, all, clock);
  expect(progressOf(full.at.row, full.said.at(-1)).received).toBe(count);
});

test('an agent that says nothing for 25 seconds is closed, and one that beats is not', () => {
  vi.useFakeTimers();
  try {
    let hear: (text: string) => void = () => undefined;
    const refused: string[] = [];
    const socket = {
      ...{ text: () => undefined, onBytes: () => undefined, onClose: () => undefined },
      onText: (listener: (text: string) => void) => void (hear = listener),
      refuse: ({ message }: Error) => void refused.push(message),
    };
    serveAgent(socket as never, {
      ...{ agent, userId: run.userId, name: 'attic', ids, rate: createRate(300, ids.now, 'Too often.') },
      onRegister: () => Promise.resolve({ resume: [], forget: [] }),
      ...{ onReady: () => undefined, onStream: () => 0, onRefused: () => undefined, onChange: () => undefined },
      ...{ onHello: () => undefined, onClose: () => undefined, onBad: () => undefined },
    });
    const say = (type: string): void =>
      hear(
        JSON.stringify({
          type,
          message_id: 'm',
          user_id: run.userId,
          timestamp: run.createdAt,
          instance: 'i',
          runtimes: [],
        }),
      );
    say('REGISTER');
    for (let beat = 0; beat < 5; beat++) {
      vi.advanceTimersByTime(20_000);
      say('HEARTBEAT');
    }
    expect(refused.filter((each) => each.includes('25 seconds'))).toEqual([]);
    vi.advanceTimersByTime(25_000);
    expect(refused.at(-1)).toContain('25 seconds');
  } finally {
    vi.useRealTimers();
  }
});
