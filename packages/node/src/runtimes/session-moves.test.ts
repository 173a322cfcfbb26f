/** Sessions that leave a device and come to another one: nothing is over before it is said to be. */
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunId, SessionId } from '@markco/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { finished, testDevice, type TestDevice } from '../runs/runs.fixture.ts';

const SOON = AbortSignal.timeout(60_000);

async function device() {
  const made = await testDevice();
  onTestFinished(() => made[Symbol.asyncDispose]());
  const { moves } = made.runs.sessions;
  return Object.assign(made, {
    moves,
    run: async (code: string) => (await finished(made.runs, made.request(code))).text,
    sessions: () => made.runs.sessions.list(),
    only: (): SessionId => made.runs.sessions.list()[0]?.id as SessionId,
    /** In its folder of sessions: no more than one for each session. */
    files: () => readdir(path.join(made.home, 'sessions')),
  });
}
const come = (to: TestDevice, ...input: Parameters<TestDevice['runs']['sessions']['moves']['come']>) =>
  to.runs.sessions.moves.come(...input);
const options = { source: 'laptop', replace: false, signal: SOON };

test('a session that leaves stands still until it stays or has left, and is as it was when it stays', async () => {
  const laptop = await device();
  await laptop.run('x = [1]');
  const { packed, stay } = await laptop.moves.leave(laptop.only(), SOON);
  expect(packed).toMatchObject({ language: 'python', name: 'default', kept: 1, lost: [], lostCount: 0 });
  expect(laptop.sessions()).toMatchObject([{ state: 'migrating' }]);
  await expect(laptop.runs.submit(laptop.request('x'))).rejects.toMatchObject({
    code: 'not_ready',
    message: expect.stringContaining('is being moved'),
  });
  await expect(laptop.moves.leave(laptop.only(), SOON)).rejects.toMatchObject({ code: 'not_ready' });
  await stay();
  expect(laptop.sessions()).toMatchObject([{ state: 'running' }]);
  expect(await laptop.run('x.append(2)\nprint(x)')).toBe('[1, 2]\n');

  const again = await laptop.moves.leave(laptop.only(), SOON);
  // Somebody restarts it meanwhile: it is another one, and nobody may end it.
  await laptop.runs.sessions.restart(laptop.only(), SOON);
  await expect(again.left()).rejects.toMatchObject({ code: 'conflict' });
  expect(laptop.sessions()).toMatchObject([{ state: 'running' }]);
});

test('one that comes has its values or is not there, and what was there of its name ends when it is kept', async () => {
  const [laptop, box] = [await device(), await device()];
  await laptop.run('x = [1]\ny = x');
  await box.run('x = "of the box"');
  const { packed, parts } = await laptop.moves.leave(laptop.only(), SOON);
  // As on both devices of a person.
  const to = { ...packed, projectId: box.sessions()[0]?.projectId ?? packed.projectId };

  await expect(come(box, to, parts(), options)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('--replace'),
  });
  const broken = { ...to, hash: '0'.repeat(64) };
  const replace = { ...options, replace: true };
  await expect(come(box, broken, parts(), replace)).rejects.toMatchObject({ code: 'bad_request' });
  await expect(come(box, { ...to, bytes: to.bytes - 1 }, parts(), replace)).rejects.toMatchObject({
    code: 'bad_request',
  });
  await expect(come(box, { ...to, bytes: 2 ** 40 }, parts(), replace)).rejects.toMatchObject({ code: 'too_large' });
  expect(await box.files()).toEqual([box.only()]);
  expect(await box.run('print(x)')).toBe('of the box\n');

  const first = await come(box, to, parts(), replace);
  expect(box.sessions()).toHaveLength(2);
  await first.undo();
  expect(await box.files()).toEqual([box.only()]);
  const second = await come(box, to, parts(), replace);
  await second.keep();
  await second.undo().catch(() => undefined);
  expect(await box.files()).toEqual([]);

  const third = await come(box, to, parts(), options);
  await third.keep();
  expect(box.runs.sessions.isMoved(box.only())).toBe(true);
  expect(await box.run('print(x is y)')).toMatch(/This session was moved here from laptop\..*True\n$/s);
});

test('what is busy, empty or of a language that keeps no values does not leave', async () => {
  const laptop = await device();
  const asks = laptop.request('input("? ")');
  await laptop.runs.submit(asks);
  await expect.poll(async () => (await laptop.runs.get(asks.id as RunId))?.state, { timeout: 30_000 }).toBe('running');
  await expect(laptop.moves.leave(laptop.only(), SOON)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('--wait'),
  });
  await laptop.runs.sessions.remove(laptop.only());
  await laptop.runs.sessions.ensure(laptop.request('').session as never);
  await expect(laptop.moves.leave(laptop.only(), SOON)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('nothing to move'),
  });
});

test('values that a device did not live to receive go at its next start', async () => {
  const box = await device();
  await writeFile(path.join(box.home, 'sessions', 'half.values'), 'half');
  await box.host();
  expect(await box.files()).toEqual([]);
});
