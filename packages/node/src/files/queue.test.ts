import { expect, test } from 'vitest';
import type { DocumentId } from '@markco/protocol';
import { createQueue } from './queue.ts';
import { createVirtualTimer } from './timer-virtual.ts';

const ids = Array.from({ length: 100 }, (_, i) => `document-${i}` as DocumentId);

test('at most eight documents run at once, each once, and all of them in the end', async () => {
  const timer = createVirtualTimer();
  let running = 0;
  let most = 0;
  const ran: DocumentId[] = [];
  const queue = createQueue({
    timer,
    run: async (id) => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => void timer.after(10, resolve));
      running--;
      ran.push(id);
    },
  });
  for (const id of [...ids, ...ids]) queue.touch(id);
  await timer.drain();
  expect([most, ran.length, new Set(ran).size]).toEqual([8, 100, 100]);
});

test('a document that is touched without end runs every 200 ms', async () => {
  const timer = createVirtualTimer();
  const ranAt: number[] = [];
  const [id] = ids;
  if (id === undefined) throw new Error('no id');
  const queue = createQueue({ timer, run: () => Promise.resolve(void ranAt.push(timer.now())) });
  for (let now = 0; now < 1_000; now += 20) {
    queue.touch(id);
    await timer.drain(20);
  }
  expect(ranAt.length).toBeGreaterThanOrEqual(4);
  expect(ranAt[0]).toBeLessThanOrEqual(200);
});

test('what fails is tried again, at the latest every five seconds, until it succeeds', async () => {
  const timer = createVirtualTimer();
  const triedAt: number[] = [];
  const [id] = ids;
  if (id === undefined) throw new Error('no id');
  const queue = createQueue({
    timer,
    run: () => {
      triedAt.push(timer.now());
      return timer.now() < 30_000 ? Promise.reject(new Error('the disk is full')) : Promise.resolve();
    },
  });
  await expect(queue.runNow(id)).rejects.toThrow('the disk is full');
  await timer.drain();
  const pauses = triedAt.slice(1).map((at, i) => at - (triedAt[i] ?? 0));
  expect(Math.max(...pauses)).toBeLessThanOrEqual(5_000);
  expect(triedAt.at(-1)).toBeGreaterThanOrEqual(30_000);
  expect(queue.pending()).toEqual([]);
});

test('a closed queue refuses whoever waits', async () => {
  const timer = createVirtualTimer();
  const [id] = ids;
  if (id === undefined) throw new Error('no id');
  const queue = createQueue({ timer, run: () => Promise.resolve() });
  await queue.close(new Error('closed'));
  await expect(queue.runNow(id)).rejects.toThrow('closed');
});
