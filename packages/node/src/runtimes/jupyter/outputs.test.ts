import { expect, test } from 'vitest';
import { createOutputs, errorOf } from './outputs.ts';

function recorded() {
  const events: unknown[] = [];
  const outputs = createOutputs({
    text: (stream, text) => events.push([stream, text]),
    display: ({ data, metadata }) => events.push(['display', data, metadata['displayId'], metadata['update']]),
  });
  outputs.begin('run');
  const take = (type: string, content: Readonly<Record<string, unknown>>): void => outputs.take({ type, content });
  return { events, outputs, take };
}

test('streams and displays come out in order; a display with an id can be updated', () => {
  const { events, take } = recorded();
  take('stream', { name: 'stdout', text: 'a' });
  take('stream', { name: 'stderr', text: 'b' });
  take('display_data', { data: { 'text/plain': '1' }, transient: { display_id: 'mine' } });
  take('update_display_data', { data: { 'text/plain': '2' }, transient: { display_id: 'mine' } });
  take('comm_open', { comm_id: 'x' });
  expect(events).toEqual([
    ['stdout', 'a'],
    ['stderr', 'b'],
    ['display', { 'text/plain': '1' }, 'mine', false],
    ['display', { 'text/plain': '2' }, 'mine', true],
  ]);
});

test('a plot that is drawn again after a clear takes its old place', () => {
  const { events, take } = recorded();
  for (const frame of ['1', '2', '3']) {
    take('display_data', { data: { 'text/plain': frame } });
    take('clear_output', { wait: true });
  }
  expect(events).toEqual([
    ['display', { 'text/plain': '1' }, 'run-1', false],
    ['display', { 'text/plain': '2' }, 'run-1', true],
    ['display', { 'text/plain': '3' }, 'run-1', true],
  ]);
});

test('text is cleared as a terminal does, at once or with the next output', () => {
  const { events, take } = recorded();
  take('clear_output', { wait: false });
  expect(events).toEqual([]);
  take('stream', { name: 'stdout', text: 'one' });
  take('clear_output', { wait: true });
  expect(events).toHaveLength(1);
  take('stream', { name: 'stdout', text: 'two' });
  expect(events.map((event) => (event as string[])[1])).toEqual(['one', '\x1b[2J\x1b[3J\x1b[H', 'two']);
});

test('a widget keeps its text, lines are joined, and the last result is the result', () => {
  const { events, outputs, take } = recorded();
  const widget = { 'application/vnd.jupyter.widget-view+json': {}, 'text/plain': 'IntSlider()' };
  take('display_data', { data: widget });
  take('display_data', { data: { 'application/vnd.jupyter.widget-view+json': {} } });
  take('execute_result', { data: { 'text/plain': ['a\n', 'b'] } });
  expect(outputs.end(true)).toEqual({ 'text/plain': 'a\nb' });
  take('execute_result', { data: { 'text/plain': '2' } });
  expect(outputs.end(true)).toEqual({ 'text/plain': '2' });
  expect(events.map((event) => (event as unknown[])[1])).toEqual([
    { 'text/plain': 'IntSlider()' },
    { 'text/plain': '[a widget]' },
    { 'text/plain': 'a\nb' },
  ]);
  outputs.begin('next');
  expect(outputs.end(true)).toBeNull();
});

test('of a kernel that sends values as displays, the last thing a cell does is its result', () => {
  const { events, outputs, take } = recorded();
  const value = (text: string) => take('display_data', { data: { 'text/plain': text } });
  outputs.holdValues();
  value('1');
  take('stream', { name: 'stdout', text: 'a' });
  value('2');
  value('3');
  expect(outputs.end(true)).toEqual({ 'text/plain': '3' });
  expect(events.map((event) => (event as unknown[])[1])).toEqual([{ 'text/plain': '1' }, 'a', { 'text/plain': '2' }]);
  outputs.begin('failed');
  value('4');
  expect(outputs.end(false)).toBeNull();
  expect(events.at(-1)).toEqual(['display', { 'text/plain': '4' }, 'failed-1', false]);
  outputs.begin('picture');
  take('display_data', { data: { 'image/png': 'AA', 'text/plain': 'plot' } });
  expect(events.at(-1)).toMatchObject(['display', { 'image/png': 'AA' }, 'picture-1', false]);
  expect(outputs.end(true)).toBeNull();
});

test('an error keeps its colored traceback as lines, whatever the kernel made of it', () => {
  expect(errorOf({ ename: 'E', evalue: '\x1b[31mred\x1b[0m', traceback: ['a\nb', 'c'] })).toEqual({
    type: 'E',
    message: 'red',
    traceback: ['a', 'b', 'c'],
  });
  expect(errorOf({ evalue: 4, traceback: 'no list' })).toEqual({ type: 'Error', message: '', traceback: [] });
});
