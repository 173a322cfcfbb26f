/** What a session takes is bounded and counted, by each kind of limit this machine can have. */
import { glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { kill } from 'node:process';
import { newId, type SessionId } from '@markco/protocol';
import { expect, test } from 'vitest';
import { eventsOf, eventually, finished, firstEvent, ids, quiet, testDevice } from '../../runs/runs.fixture.ts';
import { cgroupV2 } from './cgroup-v2.ts';
import { chooseLimits } from './choose.ts';
import { processSession } from './process-session.ts';

const MB = 1024 * 1024;
const limits = { memoryBytes: 300 * MB, processes: 40, cpus: null };
const strongest = await chooseLimits(kill);
const held = strongest.name.startsWith('cgroup');

test('a session that comes near its memory says so before it meets it, and the log says what was done', async (context) => {
  if (!held) return context.skip(`this machine gives ${strongest.name} only`);
  const said: unknown[] = [];
  const log = { ...quiet, info: (event: string, fields: object) => event === 'session.resources' && said.push(fields) };
  await using device = await testDevice({ limits, log });
  const request = device.request('x = b"x" * (240 * 1024 ** 2)\nprint("on", flush=True)\ninput()');
  await device.runs.submit(request);
  await firstEvent(device.runs, request.id, (event) => event.type === 'stdin-request');
  await device.runs.sessions.look();
  await firstEvent(
    device.runs,
    request.id,
    (event) => event.type === 'stderr' && event.payload.text.includes('300 MB'),
  );
  await device.runs.input(request.id, '', AbortSignal.timeout(10_000));
  await eventsOf(device.runs, request.id);
  expect(said).toContainEqual(expect.objectContaining({ what: 'migrate', did: 'told its run' }));
});

test('code that takes too much memory ends alone, and its run says which limit it met', async (context) => {
  if (!held) return context.skip(`this machine gives ${strongest.name} only`);
  await using device = await testDevice({ limits });
  const { run } = await finished(device.runs, device.request('print("on", flush=True)\nx = bytearray(10**9)'));
  expect(run).toMatchObject({ state: 'failed', error: { type: 'MemoryLimit' } });
  expect(run.error?.message).toContain('may use 300 MB');
  expect((await finished(device.runs, device.request('print(1)'))).text).toBe('1\n');
});

test.for([
  ['bash', "echo on\nprintf -v x '%*s' 1000000000 y"],
  ['js', 'console.log("on"); const x = Buffer.alloc(1e9, 1)'],
] as const)(
  '%s that takes too much memory says so too, though a keeper was its worker',
  async ([language, code], context) => {
    if (!held) return context.skip(`this machine gives ${strongest.name} only`);
    await using device = await testDevice({ limits: { ...limits, processes: 200 } });
    const request = device.request(code);
    const session = { ...request.session, language } as typeof request.session;
    const { run, text } = await finished(device.runs, { ...request, session });
    expect(text).toContain('on\n');
    expect(run).toMatchObject({ state: 'failed', error: { type: 'MemoryLimit' } });
    expect(run.error?.message).toContain('may use 300 MB');
    expect((await finished(device.runs, { ...device.request('echo=1'), session })).run.state).toBe('completed');
  },
);

test('a session that was told of a program that took too much says why it ended all the same', async (context) => {
  if (!held) return context.skip(`this machine gives ${strongest.name} only`);
  await using device = await testDevice({ limits });
  const code = `import subprocess, sys
subprocess.call([sys.executable, "-c", "x = bytearray(10**9)"])
print("on", flush=True)
input()
x = bytearray(10**9)`;
  const request = device.request(code);
  await device.runs.submit(request);
  await firstEvent(device.runs, request.id, (event) => event.type === 'stdin-request');
  await device.runs.sessions.look();
  await firstEvent(
    device.runs,
    request.id,
    (event) => event.type === 'stderr' && event.payload.text.includes('300 MB'),
  );
  await device.runs.input(request.id, '', AbortSignal.timeout(10_000));
  const events = await eventsOf(device.runs, request.id);
  expect(events.at(-1)).toMatchObject({ type: 'error', payload: { type: 'MemoryLimit' } });
});

test('a session gets no more processes than it may have, and is told so while it runs', async (context) => {
  if (!held) return context.skip(`this machine gives ${strongest.name} only`);
  await using device = await testDevice({ limits });
  const code = `import subprocess, time
ps = []
try:
    for _ in range(100): ps.append(subprocess.Popen(["sleep", "60"]))
except OSError as e: print(len(ps), flush=True)
time.sleep(3)`;
  const { text } = await finished(device.runs, device.request(code));
  expect(text).toContain('This session has 40 processes and threads, the most it may have.');
});

test('a session keeps no more cores busy than it may, and its run is told so once', async (context) => {
  if (!held) return context.skip(`this machine gives ${strongest.name} only`);
  await using device = await testDevice({ limits: { ...limits, cpus: 0.5 } });
  const code = `import time, os
began = time.monotonic()
while sum(os.times()[:2]) < 2.5: pass
print(round(time.monotonic() - began))`;
  const { run, text } = await finished(device.runs, device.request(code));
  const lines = text.split('\n').filter(Boolean);
  expect(run.state).toBe('completed');
  expect(lines.filter((line) => line.includes('keeps 0.5 cores busy'))).toHaveLength(1);
  expect(Number(lines.at(-1))).toBeGreaterThanOrEqual(4);
});

/** Starts what leaves the session's process group; its id. */
const LEAVES =
  'import os, subprocess\np = subprocess.Popen(["sleep", "1000"], start_new_session=True)\nprint(p.pid, os.getpid())';

const alive = (pid: string | undefined): Promise<boolean> =>
  readFile(`/proc/${pid?.trim()}/stat`, 'latin1').then(
    (stat) => !stat.includes(') Z '),
    () => false,
  );

const groupsOf = (id: string): Promise<string[]> => Array.fromAsync(glob(`/sys/fs/cgroup/**/markco-${id}`));

test('what left its process group ends with the session all the same', async (context) => {
  if (!held) return context.skip(`this machine gives ${strongest.name} only`);
  await using device = await testDevice({ limits });
  const { text } = await finished(device.runs, device.request(LEAVES));
  const [started] = text.split(' ');
  expect(await alive(started)).toBe(true);
  const [session] = device.runs.sessions.list();
  if (session === undefined) throw new Error('no session');
  expect(await groupsOf(session.id)).not.toEqual([]);
  await device.runs.sessions.remove(session.id);
  await eventually(async () => !(await alive(started)));
  await eventually(async () => (await groupsOf(session.id)).length === 0);
});

test('what a session started ends with it too where it ended while the device was off', async (context) => {
  if (!held) return context.skip(`this machine gives ${strongest.name} only`);
  await using device = await testDevice({ limits });
  const { text, run } = await finished(device.runs, device.request(LEAVES));
  const [started, worker] = text.split(' ');
  await device.runs.close({ keepSessions: true });
  kill(Number(worker), 'SIGKILL');
  await eventually(async () => !(await alive(worker)));
  expect(await alive(started)).toBe(true);
  const next = await device.host();
  await next.recover();
  await eventually(async () => !(await alive(started)));
  await eventually(async () => (await groupsOf(run.sessionId)).length === 0);
  expect((await finished(next, device.request('1'))).run.state).toBe('completed');
});

test('a session that cannot start leaves no group behind', async (context) => {
  if (!held) return context.skip(`this machine gives ${strongest.name} only`);
  await using device = await testDevice({ limits: { ...limits, memoryBytes: MB } });
  const { run } = await finished(device.runs, device.request('1'));
  expect(run).toMatchObject({ state: 'failed', error: { type: 'runtime_missing' } });
  expect(await groupsOf(run.sessionId)).toEqual([]);
});

test.each([strongest, processSession])('$name: a session is counted with what it started', async (limitKind) => {
  await using device = await testDevice({ limits: { ...limits, memoryBytes: 2_000 * MB, processes: 200 }, limitKind });
  const code = 'import subprocess\nx = bytearray(100 * 1024**2)\np = subprocess.Popen(["sleep", "1000"])';
  await finished(device.runs, device.request(code));
  const [session] = device.runs.sessions.list();
  const cost = await device.runs.sessions.cost(session?.id ?? newId<SessionId>(ids));
  expect(cost?.processes).toBe(2);
  expect(cost?.memoryBytes).toBeGreaterThan(100 * MB);
  expect(cost?.memoryBytes).toBeLessThan(400 * MB);
});

test('without control groups, memory is bounded in each process, and the code is told', async () => {
  await using device = await testDevice({ limits, limitKind: processSession });
  const { run } = await finished(device.runs, device.request('x = bytearray(10**9)'));
  expect(run).toMatchObject({ state: 'failed', error: { type: 'MemoryError' } });
});

test('version 2: groups are made where the system lets this user, and nowhere else', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'markco-cgroup-'));
  const slice = path.join(root, 'user.slice');
  await mkdir(path.join(slice, 'login.scope'), { recursive: true });
  const membership = '0::/user.slice/login.scope\n';
  expect(await cgroupV2(membership, root)).toBeNull();
  await writeFile(path.join(slice, 'cgroup.subtree_control'), 'cpu\n');
  expect(await cgroupV2(membership, root)).toBeNull();
  await writeFile(path.join(slice, 'cgroup.subtree_control'), 'cpu memory pids\n');
  const kind = await cgroupV2(membership, root);
  const id = newId<SessionId>(ids);
  const hold = kind?.hold(id, { ...limits, cpus: 1.5 });
  await hold?.add(4711);
  const group = path.join(slice, `markco-${id}`);
  const written = async (name: string) => readFile(path.join(group, name), 'utf8');
  expect(await written('memory.max')).toBe(String(300 * MB));
  expect(await written('pids.max')).toBe('40');
  expect(await written('cpu.max')).toBe('150000 100000');
  expect(await written('cgroup.procs')).toBe('4711');
  await writeFile(path.join(group, 'memory.events'), 'low 0\nmax 12\noom 1\noom_kill 2\n');
  await writeFile(path.join(group, 'pids.events'), 'max 3\n');
  await writeFile(path.join(group, 'cpu.stat'), 'usage_usec 1000\nnr_periods 9\nnr_throttled 4\n');
  expect(await hold?.met()).toEqual({ memory: 2, processes: 3, cpu: 4 });
  expect(await cgroupV2('4:memory:/x\n', root)).toBeNull();
  await rm(root, { recursive: true });
});
