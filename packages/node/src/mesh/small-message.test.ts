/** What a small message between two devices costs: a write each, which wakes the other one once. */
import { Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import { testHost } from './host.fixture.ts';

const PROTOCOL = '/markco/test/1.0.0';
const MESSAGES = 40;

test('a small message is one write, and the other side says nothing of it', async () => {
  await using one = await testHost();
  await using two = await testHost();
  let came = Promise.withResolvers<unknown>();
  await two.handle(PROTOCOL, (stream) => stream.onMessage((message) => came.resolve(message)));
  await one.connect(two.peerId, two.addresses(), AbortSignal.timeout(10_000));
  const stream = await one.open(two.peerId, PROTOCOL, AbortSignal.timeout(10_000));
  const say = async (text: string): Promise<void> => {
    came = Promise.withResolvers();
    stream.sendText(text);
    expect(await came.promise).toBe(text);
  };
  await say('the first one opens the stream there');
  const writes = vi.spyOn(Socket.prototype, 'write');
  for (let at = 0; at < MESSAGES; at++) await say(`key ${at}`);
  // libp2p may say something of its own meanwhile.
  expect(writes.mock.calls.length).toBeLessThan(MESSAGES * 1.5);
  expect(writes.mock.calls.length).toBeGreaterThanOrEqual(MESSAGES);
  writes.mockRestore();
});
