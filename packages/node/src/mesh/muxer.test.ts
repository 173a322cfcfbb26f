/** Streams on a connection that breaks. */
import { expect, test } from 'vitest';
import { thriftyYamux } from './muxer.ts';

const silence = (): void => undefined;
const silent = Object.assign(silence, { trace: silence, error: silence, newScope: (): unknown => silent });

test('a connection that breaks while a stream is opened on it ends the stream, and nothing else', async () => {
  const uncaught: unknown[] = [];
  const onUncaught = (error: unknown): void => void uncaught.push(error);
  const connection = Object.assign(new EventTarget(), {
    ...{ log: silent, direction: 'outbound' },
    send() {
      throw new Error('Cannot write to a stream that is closed');
    },
  });
  const factory = thriftyYamux()({} as never);
  const muxer = factory.createStreamMuxer(connection as never);
  process.prependListener('uncaughtException', onUncaught);
  try {
    const stream = await muxer.createStream();
    await new Promise((resolve) => setImmediate(resolve));
    expect(stream.status).toBe('aborted');
    expect(muxer.streams).toEqual([]);
    expect(uncaught).toEqual([]);
  } finally {
    process.removeListener('uncaughtException', onUncaught);
  }
});
