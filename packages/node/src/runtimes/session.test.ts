import { lstat, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { kill } from 'node:process';
import { newId, type ProjectId, type SessionId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { eventsOf, eventually, finished, ids, testDevice } from '../runs/runs.fixture.ts';
import { findProcess } from './process-table.ts';
import { SessionRecordSchema, socketPathFor, writeRecord } from './session-record.ts';

test('one session a key, however many ask at once; its folder and socket are for this user alone', async () => {
  await using device = await testDevice();
  const key = { projectId: newId<ProjectId>(ids), language: 'python', name: 'default' } as const;
  const made = await Promise.all(Array.from({ length: 20 }, () => device.runs.sessions.ensure(key)));
  expect(new Set(made.map((session) => session.id)).size).toBe(1);
  expect(made[0]?.state).toBe('cold');
  const id = made[0]?.id ?? newId<SessionId>(ids);
  await device.runs.sessions.start(id, AbortSignal.timeout(20_000));
  const folder = path.join(device.home, 'sessions', id);
  expect((await lstat(folder)).mode & 0o777).toBe(0o700);
  expect((await lstat(await socketPathFor(folder))).mode & 0o777).toBe(0o600);
  expect(await device.runs.sessions.ensure({ ...key, name: 'other' })).not.toMatchObject({ id });
});

test('a worker is the leader of its own process session', async () => {
  await using device = await testDevice();
  const { text } = await finished(
    device.runs,
    device.request('import os; print(os.getpid() == os.getsid(0) == os.getpgid(0))'),
  );
  expect(text).toBe('True\n');
});

test('a long home gets its socket in a short folder that only this user may enter', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'markco-long-'));
  const home = path.join(root, 'a'.repeat(60), 'b'.repeat(60));
  const socket = await socketPathFor(home);
  expect(Buffer.byteLength(socket)).toBeLessThan(100);
  expect((await lstat(path.dirname(socket))).mode & 0o777).toBe(0o700);
  await using device = await testDevice({ home });
  expect((await finished(device.runs, device.request('1'))).run.state).toBe('completed');
  for (const session of device.runs.sessions.list()) await device.runs.sessions.remove(session.id);
  await rm(root, { recursive: true });
});

test('a process whose id was used again is not taken for ours', async () => {
  await using device = await testDevice();
  await finished(device.runs, device.request('1'));
  const [session] = device.runs.sessions.list();
  const folder = path.join(device.home, 'sessions', session?.id ?? '');
  const record = SessionRecordSchema.parse(JSON.parse(await readFile(path.join(folder, 'session.json'), 'utf8')));
  await device.runs.close({ keepSessions: false });
  const stranger = await findProcess(process.pid);
  expect(stranger).not.toBeNull();
  await writeRecord(folder, {
    ...record,
    process: { pid: process.pid, startedAt: 'another time', executable: 'x', since: record.createdAt },
  });
  const next = await device.host();
  await next.recover();
  expect((await finished(next, device.request('2'))).run.state).toBe('completed');
  expect(await findProcess(process.pid)).toEqual(stranger);
});

test('a session that dies while idle says so and starts again with the next run', async () => {
  await using device = await testDevice();
  const { text } = await finished(device.runs, device.request('import os; print(os.getpid())'));
  kill(Number(text), 'SIGKILL');
  await eventually(() => device.runs.sessions.list()[0]?.state === 'error');
  expect((await finished(device.runs, device.request('1'))).run.state).toBe('completed');
});

test('a session that is removed while runs ask for it is gone, and so is all that it started', async () => {
  await using device = await testDevice();
  for (let round = 0; round < 5; round += 1) {
    const first = await finished(device.runs, device.request('import os; print(os.getpid())'));
    const { sessionId } = first.run;
    const late = Array.from({ length: 3 }, () => device.request('1'));
    for (const request of late) await device.runs.submit(request);
    const removing = [device.runs.sessions.remove(sessionId), device.runs.sessions.remove(sessionId)];
    expect((await Promise.allSettled(removing)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    await Promise.all(late.map(({ id }) => eventsOf(device.runs, id)));
    await expect(lstat(path.join(device.home, 'sessions', sessionId))).rejects.toThrow('ENOENT');
    expect(device.runs.sessions.get(sessionId)).toBeNull();
    expect(await findProcess(Number(first.text))).toBeNull();
  }
});

test('interrupting a session with nothing to interrupt does nothing', async () => {
  await using device = await testDevice();
  await finished(device.runs, device.request('x = 1'));
  const [session] = device.runs.sessions.list();
  if (session === undefined) throw new Error('no session');
  expect(await device.runs.sessions.interrupt(session.id)).toMatchObject({ state: 'running' });
  const { text } = await finished(device.runs, device.request('import os, signal\nprint(x)'));
  expect(text).toBe('1\n');
});
