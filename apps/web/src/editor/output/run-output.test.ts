import { newId, type RunEvent, type RunEventId, type RunId } from '@markco/protocol';
import { itemsOfFence } from '@markco/protocol/output/fence-items';
import { expect, test } from 'vitest';
import { fenceMatches } from './fence-matches.ts';
import { createRunOutput } from './run-output.ts';
import { foldTraceback } from './traceback.ts';

const ids = { now: () => 0, randomBytes: (length: number) => new Uint8Array(length) };
const runId = newId<RunId>(ids);
type Said = {
  [T in RunEvent['type']]: { type: T; payload: Extract<RunEvent, { type: T }>['payload'] };
}[RunEvent['type']];

function event(seq: number, said: Said): RunEvent {
  return { id: newId<RunEventId>(ids), runId, seq, createdAt: '2026-11-21T08:00:00.000Z', ...said } as RunEvent;
}

test('text in a row is one stream, and something else ends it', () => {
  const output = createRunOutput();
  output.fold(event(0, { type: 'stdout', payload: { text: 'a\n' } }));
  output.fold(event(1, { type: 'stderr', payload: { text: 'b\n' } }));
  output.fold(event(2, { type: 'display', payload: { data: { 'text/plain': 'x' }, metadata: {} } }));
  output.fold(event(3, { type: 'stdout', payload: { text: 'c\n' } }));
  expect(output.items.map((item) => item.kind)).toEqual(['stream', 'display', 'stream']);
});

test('an event that comes twice is shown once', () => {
  const output = createRunOutput();
  const said = event(0, { type: 'stdout', payload: { text: 'a\n' } });
  output.fold(said);
  output.fold(said);
  expect(output.items[0]?.kind === 'stream' && output.items[0].terminal.text()).toBe('a');
});

test('a question is open until it is answered, and a password is not shown', () => {
  const output = createRunOutput();
  output.fold(event(0, { type: 'stdin-request', payload: { prompt: 'Key: ', password: true } }));
  expect(output.question).toEqual({ prompt: 'Key: ', password: true });
  output.fold(event(1, { type: 'stdin-response', payload: {} }));
  expect(output.question).toBeNull();
  expect(output.items[0]?.kind === 'stream' && output.items[0].terminal.text()).toBe('Key: ••••');
});

test('keeps the last 200 displays and counts those before', () => {
  const output = createRunOutput();
  for (let seq = 0; seq < 250; seq++)
    output.fold(event(seq, { type: 'display', payload: { data: { 'text/plain': String(seq) }, metadata: {} } }));
  expect(output.items).toHaveLength(200);
  expect(output.earlierItems).toBe(50);
});

test('a fence is text, pictures of the project, and a link to the whole', () => {
  const items = itemsOfFence(
    'one\n![figure](_assets/generated/ab.png)\n… 10 lines in between: [whole output](_assets/generated/cd.txt)\ntwo',
  );
  expect(items.map((item) => item.kind)).toEqual(['stream', 'picture', 'link', 'stream']);
});

test('a picture of another site in a fence stays text', () => {
  expect(itemsOfFence('![x](https://evil.example/a.png)').map((item) => item.kind)).toEqual(['stream']);
});

test('a fence that somebody else wrote since is not what the run printed', () => {
  const output = createRunOutput();
  output.fold(event(0, { type: 'stdout', payload: { text: 'loss 0.31\n' } }));
  expect(fenceMatches('loss 0.31', output.items)).toBe(true);
  expect(fenceMatches('loss 0.99', output.items)).toBe(false);
});

test('frames of libraries are folded, frames of the person stay', () => {
  const parts = foldTraceback([
    'Traceback (most recent call last):',
    '  File "<cell>", line 2, in <module>',
    '    frame.merge(other)',
    '  File "/usr/lib/python3/site-packages/pandas/core/frame.py", line 10, in merge',
    '    return merge(self)',
    '  File "/usr/lib/python3/site-packages/pandas/core/merge.py", line 20, in merge',
    '    raise KeyError(key)',
    "KeyError: 'id'",
  ]);
  expect(parts.map(({ library, frames }) => [library, frames])).toEqual([
    [false, 1],
    [true, 2],
    [false, 0],
  ]);
});

test('a traceback in a fence is the error it was, with those it came from, and what follows is text again', () => {
  const [before, error, after] = itemsOfFence(
    [
      'printed',
      'Traceback (most recent call last):',
      '  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode',
      '    raise JSONDecodeError("Expecting value", s, err.value) from None',
      'json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)',
      '',
      'During handling of the above exception, another exception occurred:',
      '',
      'Traceback (most recent call last):',
      '  File "<cell 1>", line 4, in <module>',
      'KeyboardInterrupt',
      'printed later',
    ].join('\n'),
  );
  expect(before?.kind === 'stream' && before.terminal.text()).toBe('printed');
  expect(error).toMatchObject({ kind: 'error', type: 'KeyboardInterrupt', message: '' });
  expect(error?.kind === 'error' && error.traceback.length).toBe(10);
  expect(after?.kind === 'stream' && after.terminal.text()).toBe('printed later');
});

test('what only begins like a traceback stays text', () => {
  for (const text of ['Traceback (most recent call last):', 'Traceback (most recent call last):\nnot indented'])
    expect(itemsOfFence(text).map(({ kind }) => kind)).toEqual(['stream']);
});
