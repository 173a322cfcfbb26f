import type { RunEvent, RunEventId, RunId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { writeEvent } from './event-output.ts';

type Body = RunEvent extends infer E ? (E extends RunEvent ? Pick<E, 'type' | 'payload'> : never) : never;

/** What goes to each stream. */
function shown(...bodies: readonly Body[]): { out: string; err: string } {
  const streams = { out: '', err: '' };
  const output = (name: 'out' | 'err') => ({
    write: (text: string) => void (streams[name] += text),
    isTerminal: false,
  });
  bodies.forEach((body, seq) => {
    const event = { id: '' as RunEventId, runId: '' as RunId, seq, createdAt: '', ...body } as RunEvent;
    writeEvent({ out: output('out'), err: output('err') }, event);
  });
  return streams;
}

test('what a program writes goes to the stream it wrote to, as it wrote it', () => {
  expect(shown({ type: 'stdout', payload: { text: '\ra' } }, { type: 'stderr', payload: { text: 'b' } })).toEqual({
    out: '\ra',
    err: 'b',
  });
});

test('a value is shown as text with a line end, nothing as nothing, a picture by its kind', () => {
  const result = (data: Record<string, unknown> | null): Body => ({
    type: 'result',
    payload: { data, executionCount: 1, durationMs: 1 },
  });
  expect(shown(result({ 'text/plain': '2' })).out).toBe('2\n');
  expect(shown(result(null)).out).toBe('');
  expect(shown(result({ 'text/plain': '<Plot>', 'image/svg+xml': '<svg/>' })).out).toBe('[image/svg+xml]\n');
  expect(shown({ type: 'display', payload: { data: { 'text/html': '<b>' }, metadata: {} } }).out).toBe('[text/html]\n');
});

test('an error is the traceback on stderr, or its type and message where there is none', () => {
  expect(shown({ type: 'error', payload: { type: 'E', message: 'm', traceback: ['one', 'two'] } }).err).toBe(
    'one\ntwo\n',
  );
  expect(shown({ type: 'error', payload: { type: 'lost', message: 'gone', traceback: [] } }).err).toBe('lost: gone\n');
});
