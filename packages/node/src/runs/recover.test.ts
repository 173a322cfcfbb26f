import { appendFile, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { kill } from 'node:process';
import { expect, test } from 'vitest';
import { findProcess } from '../runtimes/process-table.ts';
import { eventsOf, eventually, finished, firstEvent, testDevice, textOf, type TestDevice } from './runs.fixture.ts';

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

/** The session's record is written beside its start. */
async function workerPid(device: TestDevice): Promise<number> {
  const [session] = device.runs.sessions.list();
  const file = path.join(device.home, 'sessions', session?.id ?? '', 'session.json');
  let noted: { pid: number } | null = null;
  await eventually(async () => {
    noted = (JSON.parse(await readFile(file, 'utf8')) as { process: { pid: number } | null }).process;
    return noted !== null;
  });
  return (noted as { pid: number } | null)?.pid ?? 0;
}

test('a run goes on while there is no host, and the next host finds all of it', async () => {
  await using device = await testDevice();
  const request = device.inDocument('import time\nfor i in range(30):\n    print(i)\n    time.sleep(0.02)\nx = 5');
  const queued = device.request('x');
  await device.runs.submit(request);
  await device.runs.submit(queued);
  await firstEvent(device.runs, request.id, () => true);
  await device.runs.close({ keepSessions: true });
  expect((await device.runs.get(request.id))?.state).toBe('running');

  const next = await device.host();
  expect(await next.recover()).toEqual({ resumed: 2 });
  const events = await eventsOf(next, request.id);
  expect(textOf(events)).toBe(Array.from({ length: 30 }, (_, index) => `${index}\n`).join(''));
  expect((await next.get(request.id))?.state).toBe('completed');
  expect((await eventsOf(next, queued.id)).at(-1)).toMatchObject({ payload: { data: { 'text/plain': '5' } } });
  await eventually(() => device.written.has(request.id));
});

test('a run that ended while there was no host is found ended', async () => {
  await using device = await testDevice();
  const request = device.request('import time\nprint("on")\ntime.sleep(0.2)\n1');
  await device.runs.submit(request);
  await firstEvent(device.runs, request.id, () => true);
  await device.runs.close({ keepSessions: true });
  const spool = path.join(device.home, 'runs', request.id, 'events.jsonl');
  await eventually(async () => (await readFile(spool, 'utf8')).includes('"result"'));
  const next = await device.host();
  await next.recover();
  expect((await eventsOf(next, request.id)).map((event) => event.type)).toEqual(['stdout', 'result']);
  expect((await next.get(request.id))?.state).toBe('completed');
});

test('a run whose worker died without a host is lost, its output kept, a torn line taken back', async () => {
  await using device = await testDevice();
  const request = device.request('import time\nprint("kept")\ntime.sleep(60)');
  const waits = device.request('1');
  await device.runs.submit(request);
  await device.runs.submit(waits);
  await firstEvent(device.runs, request.id, () => true);
  const pid = await workerPid(device);
  await device.runs.close({ keepSessions: true });
  kill(-pid, 'SIGKILL');
  await appendFile(path.join(device.home, 'runs', request.id, 'events.jsonl'), '{"id":"torn');
  const next = await device.host();
  await next.recover();
  const events = await eventsOf(next, request.id);
  expect(events).toMatchObject([
    { seq: 0, payload: { text: 'kept\n' } },
    { seq: 1, type: 'error', payload: { type: 'lost' } },
  ]);
  expect(await next.get(request.id)).toMatchObject({ state: 'failed', error: { type: 'lost' } });
  await eventsOf(next, waits.id);
  expect((await next.get(waits.id))?.state).toBe('failed');
  expect((await finished(next, device.request('1'))).run.state).toBe('completed');
});

test('a run found running by the next host can be cancelled', async () => {
  await using device = await testDevice();
  const request = device.request('print(1)\nwhile True: pass');
  await device.runs.submit(request);
  await firstEvent(device.runs, request.id, () => true);
  await device.runs.close({ keepSessions: true });
  const next = await device.host();
  await next.recover();
  expect((await next.cancel(request.id, soon())).state).toBe('cancelled');
});

test('removing a session leaves no process and no folder, a session without a folder ends itself', async () => {
  await using device = await testDevice();
  const { text } = await finished(
    device.runs,
    device.request('import subprocess\nprint(subprocess.Popen(["sleep", "100"]).pid)'),
  );
  const pid = await workerPid(device);
  const [session] = device.runs.sessions.list();
  if (session === undefined) throw new Error('no session');
  await device.runs.sessions.remove(session.id);
  expect(await findProcess(pid)).toBeNull();
  await eventually(async () => (await findProcess(Number(text))) === null);
  expect(device.runs.sessions.list()).toEqual([]);

  await finished(device.runs, device.request('1'));
  const second = await workerPid(device);
  await device.runs.close({ keepSessions: true });
  await rm(device.home, { recursive: true });
  await eventually(async () => (await findProcess(second)) === null, 15_000);
});
