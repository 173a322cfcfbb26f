import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../../../setup/trials.ts';

type Writer = { put(kind: number, text: string): void; isRead(): boolean; settle(): void };
type Reader = {
  take(onRecord: (kind: number, text: string) => void): number | null;
  release(position: number): void;
  begin(): void;
  rest(): boolean;
};
type Ring = {
  readonly PIECE_CHARS: number;
  newRing(): SharedArrayBuffer;
  createWriter(memory: SharedArrayBuffer): Writer;
  createReader(memory: SharedArrayBuffer): Reader;
};
type Sender = {
  createSender(memory: SharedArrayBuffer, socket: { write(text: string, done: () => void): void }): () => void;
};

const CHILD = new URL('child/', import.meta.url);
const ring = (await import(new URL('ring.mjs', CHILD).href)) as Ring;
const sender = (await import(new URL('sender.mjs', CHILD).href)) as Sender;
const [STDOUT, STDERR, BEGIN, MORE, END] = [1, 2, 3, 4, 5] as const;

test('what is put is taken, in order and to the letter, where the memory begins anew too', () => {
  const { numRuns, seed } = trials('records through the ring', 20_000);
  const random = chance(seed);
  const memory = ring.newRing();
  const writer = ring.createWriter(memory);
  const reader = ring.createReader(memory);
  const taken: string[] = [];
  const put: string[] = [];
  let waiting = 0;
  const take = (): void => {
    const position = reader.take((kind, text) => taken.push(`${kind}${text}`));
    if (position !== null) reader.release(position);
    waiting = 0;
  };
  for (let index = 0; index < numRuns; index++) {
    const length = Math.floor(random() ** 8 * ring.PIECE_CHARS);
    const text = `${index} é ☕ \ud83d ${'x'.repeat(length)}`.slice(0, ring.PIECE_CHARS);
    // Who writes waits while there is no room, and here nobody else would make any.
    if (waiting + text.length > 4 * ring.PIECE_CHARS || random() < 0.1) take();
    waiting += text.length + 2;
    const kind = 1 + Math.floor(random() * 5);
    writer.put(kind, text);
    put.push(`${kind}${text}`);
  }
  take();
  expect(taken.length).toBe(put.length);
  expect(taken.findIndex((record, index) => record !== put[index])).toBe(-1);
});

test('who writes waits for room, and goes on once there is some', async () => {
  const memory = ring.newRing();
  const count = 200;
  const code = `import { workerData } from 'node:worker_threads';
const { createWriter, PIECE_CHARS } = await import(${JSON.stringify(new URL('ring.mjs', CHILD).href)});
const ring = createWriter(workerData);
for (let i = 0; i < ${count}; i++) ring.put(1, String(i).padStart(PIECE_CHARS));
ring.settle();`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData: memory });
  let isOver = false;
  worker.once('exit', () => (isOver = true));
  const reader = ring.createReader(memory);
  const taken: number[] = [];
  while (!isOver) {
    const position = reader.take((_kind, text) => taken.push(Number(text)));
    if (position !== null) reader.release(position);
    await turn();
  }
  expect(taken).toEqual(Array.from({ length: count }, (_, index) => index));
});

test('neighboring prints are one line; an event that was cut off is none', () => {
  const memory = ring.newRing();
  const writer = ring.createWriter(memory);
  let sent = '';
  const call = sender.createSender(memory, { write: (text) => void (sent += text) });
  for (const [kind, text] of [
    [STDOUT, 'a'],
    [STDOUT, 'b\n'],
    [STDERR, 'c'],
    [BEGIN, '{"event":"cut'],
    [MORE, 'off'],
    [STDOUT, 'd'],
    [BEGIN, '{"event":'],
    [MORE, '"done"}'],
    [END, ''],
  ] as const)
    writer.put(kind, text);
  expect(writer.isRead()).toBe(false);
  call();
  expect(writer.isRead()).toBe(true);
  expect(sent.split('\n')).toEqual([
    '{"event":"text","stream":"stdout","text":"ab\\n"}',
    '{"event":"text","stream":"stderr","text":"c"}',
    '{"event":"text","stream":"stdout","text":"d"}',
    '{"event":"done"}',
    '',
  ]);
});
