import { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { LIMITS } from '@markco/protocol';
import { expect, test } from 'vitest';
import type { ConnectedWebSocket } from './connected-web-socket.ts';
import { createConnection, type OpenConnection } from './connection.ts';
import { createJoinMessages } from './join-messages.ts';
import { createTurnEnd } from './turn-end.ts';

/** A socket whose writes are counted, and which is read only when a test says so. */
function setUp() {
  const at = 0;
  const writes: number[] = [];
  let reading: (() => void) | undefined;
  let reads = true;
  const socket = new Duplex({
    read() {},
    write: (chunk: Uint8Array, _encoding, done) => take([chunk], done),
    writev: (chunks, done) =>
      take(
        chunks.map(({ chunk }) => chunk as Uint8Array),
        done,
      ),
  });
  function take(chunks: readonly Uint8Array[], done: () => void): void {
    writes.push(chunks.length);
    if (reads) done();
    else reading = done;
  }
  const closed: [number, string][] = [];
  const asked: string[] = [];
  const troubles: string[] = [];
  const ended: string[] = [];
  const open = new Set<OpenConnection>();
  const ws = Object.assign(new EventEmitter(), {
    OPEN: 1,
    readyState: 1,
    ping: () => void asked.push('ping'),
    terminate: () => void asked.push('end'),
    send: (text: string) => socket.write(Buffer.from(text)),
    close: (code: number, reason: string) => void closed.push([code, reason]),
  });
  const connection = createConnection(
    socket,
    ws as unknown as ConnectedWebSocket,
    {
      open,
      join: createJoinMessages(),
      atTurnEnd: createTurnEnd(),
      onTrouble: (reason) => void troubles.push(reason),
      onClose: (kind) => void ended.push(kind),
      nextPing: () => 7,
      now: () => at,
    },
    'stream',
  );
  return {
    connection,
    writes,
    closed,
    ws,
    asked,
    troubles,
    ended,
    open,
    stop: () => void (reads = false),
    read() {
      reads = true;
      reading?.();
    },
    end: () => ws.emit('close'),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('the first after a silence leaves at once, and whatever else is written in one turn in one write', async () => {
  const { connection, writes, end } = setUp();
  connection.write(Uint8Array.of(0));
  expect(writes.splice(0)).toEqual([1]);
  for (let i = 0; i < 40; i++) connection.write(Uint8Array.of(i));
  expect(writes).toEqual([]);
  await turn();
  expect(writes).toEqual([1]);
  // Too much to be copied together: still one write, of many pieces.
  for (let i = 0; i < 40; i++) connection.write(new Uint8Array(4_096));
  await turn();
  expect(writes).toEqual([1, 40]);
  end();
});

test('a reader that is behind by more than the limit is told of once it has caught up', async () => {
  const { connection, stop, read, end } = setUp();
  let drained = 0;
  connection.onDrain(() => drained++);
  stop();
  connection.write(new Uint8Array(LIMITS.socketBacklogBytesMax));
  await turn();
  expect(connection.behind()).toBe(false);
  connection.write(new Uint8Array(1));
  expect(connection.behind()).toBe(true);
  await turn();
  expect(drained).toBe(0);
  read();
  await turn();
  expect(drained).toBe(1);
  expect(connection.behind()).toBe(false);
  end();
});

test('what a client did wrong fits into the close frame, in whole letters', () => {
  const { connection, closed, end } = setUp();
  connection.close(1008, 'é'.repeat(200));
  expect(Buffer.byteLength(closed[0]?.[1] ?? '')).toBeLessThanOrEqual(123);
  expect(closed[0]?.[1]).toMatch(/^é+$/);
  end();
});

test('who has not answered when it is asked again is gone, and whoever heard of it is told that it closed', () => {
  const { connection, ws, asked, troubles, ended, open, end } = setUp();
  const ping = () => open.forEach((each) => each.ping());
  let closed = 0;
  connection.onClose(() => closed++);
  ping();
  ws.emit('pong');
  ping();
  ws.emit('message', Buffer.from('{}'), false);
  ping();
  expect(asked.splice(0)).toEqual(['ping', 'ping', 'ping']);
  ping();
  expect(asked).toEqual(['end']);
  expect(troubles).toEqual(['silent']);
  end();
  expect(closed).toBe(1);
  expect(ended).toEqual(['stream']);
  expect(open.size).toBe(0);
});
