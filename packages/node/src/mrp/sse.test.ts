/** Frames of server-sent events, and a stream that waits for its reader. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MrpEvent } from './events.ts';
import { frameOf, sseResponse } from './sse.ts';

test('whatever is printed, a frame is one event line, one data line and one empty line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (content) => {
      const frame = frameOf({ event: 'stdout', data: { content } });
      const [event, data, ...rest] = frame.split(/\r\n|\n|\r/);
      expect([event, rest]).toEqual(['event: stdout', ['', '']]);
      expect(JSON.parse((data ?? '').slice('data: '.length))).toEqual({ content });
    }),
  );
  expect(frameOf({ event: 'done', data: {} })).toBe('event: done\ndata: {}\n\n');
});

test('events are taken as they are read, and one that leaves ends the source', async () => {
  let taken = 0;
  let ended = false;
  async function* source(): AsyncGenerator<MrpEvent> {
    try {
      for (;;) yield { event: 'stdout', data: { content: String(taken++) } };
    } finally {
      ended = true;
    }
  }
  const stop = new AbortController();
  const reader = sseResponse(source(), stop).body?.getReader();
  await reader?.read();
  await reader?.read();
  expect(taken).toBeLessThan(6);
  await reader?.cancel();
  expect(stop.signal.aborted).toBe(true);
  await expect.poll(() => ended).toBe(true);
});

test('a stream with nothing to say says that it is there, and loses nothing by it', async () => {
  const go = Promise.withResolvers<void>();
  async function* source(): AsyncGenerator<MrpEvent> {
    await go.promise;
    yield { event: 'done', data: {} };
  }
  const reader = sseResponse(source(), new AbortController(), 5).body?.pipeThrough(new TextDecoderStream()).getReader();
  expect(await reader?.read()).toEqual({ done: false, value: ': still here\n\n' });
  go.resolve();
  let all = '';
  for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) all += read.value;
  expect(all.replaceAll(': still here\n\n', '')).toBe('event: done\ndata: {}\n\n');
});
