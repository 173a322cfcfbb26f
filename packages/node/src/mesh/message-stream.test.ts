import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { Stream } from '@libp2p/interface';
import { createReader } from '@markco/client/mesh/message-stream';
import { messageStream } from './message-stream.ts';

/** As a sender writes it. */
function written(payload: Uint8Array, isText: boolean): number[] {
  const out: number[] = [];
  let rest = payload.length * 2 + (isText ? 1 : 0);
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  return [...out, rest, ...payload];
}

test('messages come whole and in order, however the bytes were cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ maxLength: 200 })), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 50 }),
      (messages, cuts) => {
        const bytes = messages.flatMap((message) =>
          typeof message === 'string' ? written(new TextEncoder().encode(message), true) : written(message, false),
        );
        const read = createReader(1_000);
        const got: (Uint8Array | string)[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = cuts[turn % cuts.length] ?? 1;
          got.push(...read(Uint8Array.from(bytes.slice(at, at + size))));
          at += size;
        }
        expect(got).toEqual(messages);
      },
    ),
  );
});

test('a message that is too large, or a length without an end, is refused before it is read', () => {
  const read = (bytes: readonly number[]) => [...createReader(10)(Uint8Array.from(bytes))];
  expect(() => read(written(new Uint8Array(11), false))).toThrow('at most 10 bytes');
  expect(read(written(new Uint8Array(10), false))).toEqual([new Uint8Array(10)]);
  expect(() => read([0xff, 0xff, 0xff, 0xff, 0xff])).toThrow('could not be read');
});

/** What a stream through a relay does when the connection to the relay breaks: it is open, and throws at what is sent. */
class BrokenBelow extends EventTarget {
  status = 'open';
  writeStatus = 'writable';
  readStatus = 'readable';
  writeBufferLength = 0;
  send(): never {
    const error = new Error('Cannot write to a stream that is closed');
    this.abort(error);
    throw error;
  }
  abort(error: Error): void {
    if (this.status !== 'open') return;
    this.status = 'aborted';
    this.writeStatus = 'closed';
    this.dispatchEvent(Object.assign(new Event('close'), { error }));
  }
}

test('a connection that broke below a stream ends the stream, and throws at nobody who sends', () => {
  const stream = messageStream(new BrokenBelow() as unknown as Stream);
  const closed = vi.fn();
  stream.onClose(closed);
  stream.sendText('to one who is gone');
  expect(closed).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'not_ready' }));
  stream.sendBytes(Uint8Array.of(1));
  expect(closed).toHaveBeenCalledOnce();
});

test('a side that had left before anybody listened is left too, once what it said was handed on', async () => {
  const left = Object.assign(new BrokenBelow(), { remoteWriteStatus: 'closed', close: vi.fn(async () => undefined) });
  const stream = messageStream(left as unknown as Stream);
  const said = vi.fn();
  stream.onMessage(said);
  queueMicrotask(() => left.dispatchEvent(Object.assign(new Event('message'), { data: Uint8Array.of(3, 97) })));
  await expect.poll(() => left.close.mock.calls.length).toBe(1);
  expect(said).toHaveBeenCalledExactlyOnceWith('a');
  expect(said.mock.invocationCallOrder[0]).toBeLessThan(left.close.mock.invocationCallOrder[0] ?? 0);
});

test('what was sent is the caller’s again at once', () => {
  const kept: Uint8Array[] = [];
  const open = Object.assign(new BrokenBelow(), { send: (bytes: Uint8Array) => kept.push(bytes) > 0 });
  const stream = messageStream(open as unknown as Stream);
  const buffer = new Uint8Array(100_000).fill(1);
  stream.sendBytes(buffer);
  buffer.fill(2);
  stream.sendBytes(buffer);
  const read = createReader(100_000);
  expect(kept.flatMap((bytes) => [...read(bytes)].map((message) => [message.length, message[0]]))).toEqual([
    [100_000, 1],
    [100_000, 2],
  ]);
});
