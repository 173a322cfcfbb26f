/** Events of a run as one answer, in bounded memory. */
import { expect, test } from 'vitest';
import {
  newId,
  type IdSource,
  type Run,
  type RunEvent,
  type RunEventId,
  type RunId,
  type SessionId,
} from '@markco/protocol';
import { createCollector } from './collect.ts';

let clock = 0;
const ids: IdSource = { now: () => ++clock, randomBytes: (length) => new Uint8Array(length).fill(clock) };
const run: Run = {
  id: newId<RunId>(ids),
  userId: newId<Run['userId']>(ids),
  projectId: newId<Run['projectId']>(ids),
  sessionId: newId<SessionId>(ids),
  language: 'python',
  code: 'import os\nos.no',
  state: 'completed',
  routedTo: { hostType: 'device', reason: 'session-affinity' },
  createdAt: '2026-01-01T00:00:00.000Z',
  startedAt: '2026-01-01T00:00:01.000Z',
  completedAt: '2026-01-01T00:00:03.500Z',
};
type Part = { [T in RunEvent['type']]: Pick<Extract<RunEvent, { type: T }>, 'type' | 'payload'> }[RunEvent['type']];

function answerTo(
  parts: readonly Part[],
  changed: Partial<Run> = {},
  limits = { textChars: 100, displayChars: 1_000 },
) {
  const collected = createCollector(limits);
  for (const [seq, part] of parts.entries())
    collected.take({ id: newId<RunEventId>(ids), runId: run.id, seq, createdAt: run.createdAt, ...part } as RunEvent);
  return collected.answer({ ...run, ...changed }, { assets: [], executionCount: 9 });
}

const done = (data: Record<string, unknown> | null): Part => ({
  type: 'result',
  payload: { data, executionCount: 4, durationMs: 12.4 },
});
const shows = (text: string, metadata: Record<string, unknown> = {}): Part => ({
  type: 'display',
  payload: { data: { 'text/plain': text }, metadata },
});

test('text of both streams, the value, the count and the time', () => {
  const answer = answerTo([
    { type: 'stdout', payload: { text: 'a\r' } },
    { type: 'stderr', payload: { text: 'warn\n' } },
    { type: 'stdout', payload: { text: 'b\n' } },
    { type: 'progress', payload: { fraction: 0.5 } },
    { type: 'stdin-request', payload: { prompt: '?', password: false } },
    { type: 'stdin-response', payload: { text: 'x' } },
    done({ 'text/plain': '6' }),
  ]);
  expect(answer).toEqual({
    success: true,
    stdout: 'a\rb\n',
    stderr: 'warn\n',
    result: '6',
    error: null,
    displayData: [],
    assets: [],
    executionCount: 4,
    duration: 12,
    imports: ['os'],
  });
});

test('an error has its place, and the count and the time of the session', () => {
  const traceback = [
    'Traceback (most recent call last):',
    '  File "<cell 2>", line 2, in <module>',
    'AttributeError: no',
  ];
  const answer = answerTo([{ type: 'error', payload: { type: 'AttributeError', message: 'no', traceback } }], {
    state: 'failed',
  });
  expect(answer).toMatchObject({
    success: false,
    result: null,
    error: { type: 'AttributeError', message: 'no', traceback, line: 2, column: null },
    executionCount: 9,
    duration: 2_500,
  });
});

test('text past its bound is left out, with how much', () => {
  const answer = answerTo([
    { type: 'stdout', payload: { text: 'x'.repeat(90) } },
    { type: 'stdout', payload: { text: 'y'.repeat(2_000) } },
    { type: 'stdout', payload: { text: 'z' } },
    done(null),
  ]);
  expect(answer.stdout).toBe(
    `${'x'.repeat(90)}${'y'.repeat(10)}\n[… 1,991 more characters: they are in the events of the run, /api/runs/EXEC_ID/events]\n`,
  );
});

test('displays past their bound are left out, and stderr says so; an update takes the place of what it updates', () => {
  const displays: Part[] = Array.from({ length: 100 }, (_, at) => shows(`${at}`.padStart(40)));
  const full = answerTo([...displays, done(null)]);
  expect(JSON.stringify(full.displayData).length).toBeLessThan(1_100);
  expect(full.stderr).toContain(`[${100 - full.displayData.length} displays are left out:`);
  const updates: Part[] = Array.from({ length: 1_000 }, (_, at) =>
    shows(`${at}`, { displayId: 'one', update: at > 0 }),
  );
  const updated = answerTo([shows('before'), ...updates, shows('after'), done(null)]);
  expect(updated.displayData.map(({ data }) => data['text/plain'])).toEqual(['before', '999', 'after']);
  expect(updated.stderr).toBe('');
});

test('a value with more than text is a display too', () => {
  const data = { 'text/plain': 'T', 'text/html': '<i>T</i>' };
  expect(answerTo([done(data)])).toMatchObject({ result: 'T', displayData: [{ data, metadata: {} }] });
  expect(answerTo([done({ 'image/png': 'AA==' })])).toMatchObject({ result: null, displayData: [{}] });
});

test('a run whose events are gone says what its row says', () => {
  expect(answerTo([])).toMatchObject({ success: true, stdout: '', executionCount: 9 });
  expect(answerTo([], { state: 'failed', error: { type: 'NameError', message: 'x' } })).toMatchObject({
    success: false,
    error: { type: 'NameError', message: 'x', traceback: [], line: null, column: null },
  });
});
