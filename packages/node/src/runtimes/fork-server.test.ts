/** Sessions forked from a warm Python: told apart, found again, and no worse off when their server is gone. */
import { readFile } from 'node:fs/promises';
import { kill } from 'node:process';
import { expect, test } from 'vitest';
import { eventually, finished, testDevice, type TestDevice } from '../runs/runs.fixture.ts';

const WHO = 'import os; print(os.getpid(), os.getppid(), os.getsid(0), os.getcwd(), __name__, sep="|")';

function other(device: TestDevice, name: string, code: string) {
  const request = device.request(code);
  if (!('projectId' in request.session)) throw new Error('no key');
  return { ...request, session: { ...request.session, name } };
}

test('each session is a process session of its own, forked from one server, in the folder of its project', async () => {
  await using device = await testDevice();
  const texts = await Promise.all(
    Array.from({ length: 5 }, async (_, index) => (await finished(device.runs, other(device, `s${index}`, WHO))).text),
  );
  const fields = texts.map((text) => text.trim().split('|'));
  expect(new Set(fields.map(([pid]) => pid)).size).toBe(5);
  expect(new Set(fields.map(([, parent]) => parent)).size).toBe(1);
  for (const [pid, parent, leader, cwd, name] of fields) {
    expect([leader, cwd, name]).toEqual([pid, device.project, '__main__']);
    expect(await readFile(`/proc/${parent}/cmdline`, 'utf8')).toContain('forkserver.py');
  }
});

test('names of one session are in no other, and chance differs', async () => {
  await using device = await testDevice();
  const draw = 'import random, uuid; x = 1; print(random.random(), uuid.uuid4())';
  const [a, b] = await Promise.all(['a', 'b'].map((name) => finished(device.runs, other(device, name, draw))));
  expect(a?.text).not.toBe(b?.text);
  expect((await finished(device.runs, other(device, 'c', 'x'))).run.error?.type).toBe('NameError');
});

test('a server that is killed takes no session with it, and the next session gets a new one', async () => {
  await using device = await testDevice();
  const first = (await finished(device.runs, other(device, 'a', `x = 1\n${WHO}`))).text.split('|');
  kill(Number(first[1]), 'SIGKILL');
  expect((await finished(device.runs, other(device, 'a', 'print(x)'))).text).toBe('1\n');
  const second = (await finished(device.runs, other(device, 'b', WHO))).text.split('|');
  expect(second[1]).not.toBe(first[1]);
});

test('a session that was killed says by what', async () => {
  await using device = await testDevice();
  const { run } = await finished(device.runs, device.request('import os; os.kill(os.getpid(), 9)'));
  expect(run.error?.message).toContain('signal SIGKILL');
});

test('a server ends with its host', async () => {
  await using device = await testDevice();
  const [, server] = (await finished(device.runs, device.request(WHO))).text.split('|');
  await device.runs.close({ keepSessions: true });
  await eventually(() =>
    readFile(`/proc/${server}/stat`, 'utf8').then(
      (stat) => stat.includes(') Z '),
      () => true,
    ),
  );
});
