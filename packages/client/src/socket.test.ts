import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createReconnecting, type Socket } from './socket.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type FakeSocket = Socket & { closed: boolean; sent: unknown[] };

function setUp({ refused = async () => false }: { refused?: () => Promise<boolean> } = {}) {
  const sockets: FakeSocket[] = [];
  const told: string[] = [];
  let chance = 0.5;
  const reconnecting = createReconnecting({
    connect() {
      const socket: FakeSocket = {
        binaryType: '',
        closed: false,
        sent: [],
        send: (data) => void socket.sent.push(data),
        close: () => (socket.closed = true),
        onopen: null,
        onclose: null,
        onerror: null,
        onmessage: null,
      };
      sockets.push(socket);
      return socket;
    },
    refused,
    now: () => Date.now(),
    chance: () => chance,
    onOpen: () => void told.push('open'),
    onClose: () => void told.push('close'),
    onText: (text) => void told.push(`text ${text}`),
    onBytes: (bytes) => void told.push(`bytes ${bytes.join()}`),
  });
  return {
    reconnecting,
    sockets,
    told,
    setChance: (value: number) => void (chance = value),
    last: () => sockets.at(-1) as FakeSocket,
    /** Milliseconds until the next try. */
    async untilNextTry(): Promise<number> {
      const before = sockets.length;
      await vi.advanceTimersByTimeAsync(0);
      for (let waited = 0; waited <= 20_000; waited += 5) {
        if (sockets.length > before) return waited;
        await vi.advanceTimersByTimeAsync(5);
      }
      return Number.POSITIVE_INFINITY;
    },
  };
}

test('tries are 0.25 s apart at first, twice as far each time and at most 10 s, and start over once one has succeeded', async () => {
  const { last, untilNextTry, reconnecting } = setUp();
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    last().onclose?.({});
    waits.push(await untilNextTry());
  }
  expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  last().onopen?.({});
  expect(reconnecting.connection.get()).toMatchObject({ state: 'online' });
  last().onclose?.({});
  await vi.advanceTimersByTimeAsync(0);
  expect(reconnecting.connection.get()).toMatchObject({
    state: 'offline',
    reason: 'not-reachable',
    retryAt: Date.now() + 250,
  });
  expect(await untilNextTry()).toBe(250);
});

test('many pages do not come back in the same instant', async () => {
  for (const [chance, wait] of [
    [0, 190],
    [0.999, 315],
  ] as const) {
    const { last, untilNextTry, setChance } = setUp();
    setChance(chance);
    last().onclose?.({});
    expect(await untilNextTry()).toBe(wait);
  }
});

test('a device that refuses the sign-in is not asked again, until somebody asks for it', async () => {
  const { last, sockets, untilNextTry, reconnecting } = setUp({ refused: async () => true });
  last().onclose?.({});
  expect(await untilNextTry()).toBe(Number.POSITIVE_INFINITY);
  expect(reconnecting.connection.get()).toMatchObject({ state: 'offline', refused: true, reason: 'signed-out' });
  reconnecting.reconnect();
  expect(sockets).toHaveLength(2);
});

test('a connection that was open and broke is no refusal, whatever the device says', async () => {
  let asked = 0;
  const { last, untilNextTry } = setUp({
    refused: async () => {
      asked++;
      return true;
    },
  });
  last().onopen?.({});
  last().onclose?.({});
  expect(await untilNextTry()).toBe(250);
  expect(asked).toBe(0);
});

test('only an open socket is written to; text and bytes arrive as such; nothing follows a close', async () => {
  const { last, told, sockets, reconnecting, untilNextTry } = setUp();
  reconnecting.send('early');
  expect(last().sent).toEqual([]);
  last().onopen?.({});
  reconnecting.send('now');
  expect(last().sent).toEqual(['now']);
  last().onmessage?.({ data: '{}' });
  last().onmessage?.({ data: Uint8Array.of(1, 2).buffer });
  expect(told).toEqual(['open', 'text {}', 'bytes 1,2']);
  reconnecting.close();
  expect(last().closed).toBe(true);
  last().onclose?.({});
  expect(await untilNextTry()).toBe(Number.POSITIVE_INFINITY);
  expect(sockets).toHaveLength(1);
});

test('trying again at once does not make a second socket beside one that is being opened', async () => {
  const { last, sockets, reconnecting, untilNextTry } = setUp();
  reconnecting.reconnect();
  expect(sockets).toHaveLength(1);
  last().onclose?.({});
  await vi.advanceTimersByTimeAsync(10);
  reconnecting.reconnect();
  expect(sockets).toHaveLength(2);
  expect(await untilNextTry()).toBe(Number.POSITIVE_INFINITY);
});

test('who can ask only once waits for the try that is under way, and for no later one', async () => {
  const { last, reconnecting } = setUp();
  const tried = vi.fn();
  void reconnecting.tried().then(tried);
  await vi.advanceTimersByTimeAsync(100);
  expect(tried).not.toHaveBeenCalled();
  last().onclose?.({});
  await reconnecting.tried();
  expect(reconnecting.isOpen()).toBe(false);
  reconnecting.reconnect();
  const opened = reconnecting.tried().then(reconnecting.isOpen);
  last().onopen?.({});
  expect(await opened).toBe(true);
  expect(tried).toHaveBeenCalledOnce();
});
