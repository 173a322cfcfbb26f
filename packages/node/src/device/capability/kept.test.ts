import { expect, test } from 'vitest';
import { keep } from './kept.ts';

function counted(staleMs?: number) {
  const clock = { now: 0 };
  let looks = 0;
  const wait = { until: Promise.resolve() };
  const look = async () => {
    const mine = ++looks;
    await wait.until;
    return mine;
  };
  const ask = keep(look, { now: () => clock.now, freshMs: 30, ...(staleMs === undefined ? {} : { staleMs }) });
  return { ask, clock, looks: () => looks, wait };
}

test('who asks at once shares one look, and who asks soon gets what is known', async () => {
  const t = counted();
  expect(await Promise.all([t.ask(), t.ask(), t.ask()])).toEqual([1, 1, 1]);
  t.clock.now = 30;
  expect([await t.ask(), t.looks()]).toEqual([1, 1]);
});

test('who asks later gets what is known while it is looked for again, and does not wait', async () => {
  const t = counted();
  await t.ask();
  const { promise, resolve } = Promise.withResolvers<void>();
  t.wait.until = promise;
  t.clock.now = 31;
  expect([await t.ask(), await t.ask(), t.looks()]).toEqual([1, 1, 2]);
  resolve();
  await expect.poll(t.ask).toBe(2);
});

test('what is too old is waited for, also where the clock was set back', async () => {
  const t = counted(100);
  await t.ask();
  t.clock.now = 101;
  expect(await t.ask()).toBe(2);
  t.clock.now = 0;
  expect(await t.ask()).toBe(3);
});

test('a look that fails is told to who waits for it, and the next one looks anew', async () => {
  let fails = true;
  const ask = keep(
    async () => {
      if (fails) throw new Error('no');
      return 'yes';
    },
    { now: () => 0, freshMs: 30 },
  );
  await expect(ask()).rejects.toThrow('no');
  fails = false;
  expect(await ask()).toBe('yes');
});
