/** T8: code that takes what it can get slows the device down a little at most, and can always be ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runMachine, type Run, type RunEvent, type RuntimeSession } from '@markco/protocol';
import { afterAll, expect, test } from 'vitest';
import { chooseLimits } from '@markco/node/runtimes/limits/choose';
import { eventually, messagesOf, newRunId, startDevice, type Device } from '../../conformance/device.fixture.ts';
import { smallDisk, withTemporaryFolder } from '../small-disk.ts';
import { HOGS, type Hog } from './hogs.fixture.ts';

const DISK_BYTES = 256 * 1024 * 1024;
/** How long each has its way before it is cancelled; those that meet a limit have longer, for a busy machine. */
const WAY_MS = 3_000;
const LIMIT_MS = 90_000;
const ORPHANS_MS = 5_000;
const CANCEL_MS = 15_000;
const ANSWER_MS_P95 = 50;
const RESIDENT_MB = 300;
const LOOK_MS = 20;
const LIMITS = { MARKCO_SESSION_MEMORY_MB: '600', MARKCO_SESSION_PROCESSES: '200' };

type Watch = {
  /** Milliseconds to each answer of the device, and of a server that does nothing else. */
  readonly answers: number[];
  readonly others: number[];
  residentMb: number;
  stop(): Promise<void>;
};

const ANSWERS = "const s = require('node:http').createServer((_, answer) => answer.end('ok'))";
const idle = spawn(process.execPath, [
  '-e',
  `${ANSWERS}.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + s.address().port))`,
]);
const [address] = (await once(idle.stdout, 'data')) as [Buffer];
const other = String(address).trim();

/** Asks the device all the time whether it is there, and looks how large it is. */
async function watchDevice(device: Device): Promise<Watch> {
  const { pid } = JSON.parse(await readFile(join(device.home, 'device.json'), 'utf8')) as { pid: number };
  let on = true;
  const watch: Watch = {
    answers: [],
    others: [],
    residentMb: 0,
    async stop() {
      on = false;
      await looking;
    },
  };
  const looking = (async () => {
    while (on) {
      const began = performance.now();
      const { status } = await device.ask('/health', { token: null });
      if (status === 200) watch.answers.push(performance.now() - began);
      const then = performance.now();
      await (await fetch(other)).text();
      watch.others.push(performance.now() - then);
      const text = await readFile(`/proc/${pid}/status`, 'utf8');
      watch.residentMb = Math.max(watch.residentMb, Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1_000);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  })();
  return watch;
}

const p95 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? Number.POSITIVE_INFINITY;

/** What a hog has started and what is still there: by its name, or by the folder it is in; without the session itself. */
async function leftBy(device: Device): Promise<readonly string[]> {
  const { sessions } = await device.get<{ sessions: RuntimeSession[] }>('/api/sessions');
  const known = new Set(sessions.map(({ hostRuntimeId }) => hostRuntimeId));
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || known.has(pid)) continue;
    const name = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const state = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ') Z');
    if (/\) Z/.test(state)) continue;
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (folder === device.folder || name.startsWith('markco-hog')) found.push(`${pid} ${name.replaceAll('\0', ' ')}`);
  }
  return found;
}

async function none(what: string, left: () => Promise<readonly string[]>): Promise<void> {
  await eventually(async () => (await left()).length === 0, what, ORPHANS_MS).catch(async () =>
    expect([what, (await left()).slice(0, 5)]).toEqual([what, []]),
  );
}

/** Lets it have its way, then ends it. Says how it ended. */
async function endure(device: Device, hog: Hog): Promise<string> {
  const run = await device.get<Run>('/api/runs', {
    body: { id: newRunId(), projectId: device.project.id, language: 'python', code: hog.code },
  });
  const socket = device.socket(`/api/runs/${run.id}/events`);
  const following = messagesOf(socket);
  let said = '';
  socket.on('message', (data) => {
    const event = JSON.parse(String(data)) as RunEvent;
    if (event.type === 'stderr') said += event.payload.text;
    if (event.type === 'error') said += `${event.payload.type}: ${event.payload.message}`;
  });
  const over = async (): Promise<boolean> =>
    runMachine.isTerminal((await device.get<Run>(`/api/runs/${run.id}`)).state);
  const { limit } = hog;
  if (limit === undefined) {
    await once(socket, 'message');
    await eventually(over, 'its own end', WAY_MS).catch(() => false);
  } else {
    await eventually(() => limit.test(said), `${limit} to be said`, LIMIT_MS).catch(() =>
      expect([hog.name, said.slice(0, 1_000)]).toEqual([hog.name, expect.stringMatching(limit)]),
    );
  }
  const began = performance.now();
  const cancelled = device.ask(`/api/runs/${run.id}/cancel`, { method: 'POST' });
  // The end of a run is on disk before anybody hears of it: on a full one it waits for room.
  if (hog.fillsDisk === true) await rm(join(device.folder, 'ballast'));
  await cancelled;
  const ended = await device.get<Run>(`/api/runs/${run.id}`);
  expect([hog.name, runMachine.isTerminal(ended.state), performance.now() - began < CANCEL_MS]).toEqual([
    hog.name,
    true,
    true,
  ]);
  const { code, messages } = await following;
  expect([hog.name, code, messages.at(-1)]).toMatchObject([
    hog.name,
    1000,
    { type: expect.stringMatching(/^(result|error)$/) },
  ]);
  if (hog.leavesDaemon !== true) await none(`nothing to be left of what ${hog.name}`, () => leftBy(device));
  await device.ask(`/api/sessions/${run.sessionId}`, { method: 'DELETE' });
  await none(`nothing to be left of the session that ${hog.name}`, () => leftBy(device));
  return `${ended.state} ${ended.error?.type ?? ''}: ${ended.error?.message.slice(0, 80) ?? ''}`;
}

/** Whatever the device left: the next hog must not suffer from it. */
async function endByForce(device: Device): Promise<void> {
  for (const one of await leftBy(device)) {
    try {
      process.kill(Number(one.split(' ')[0]), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

const start = (): ReturnType<typeof startDevice> =>
  startDevice({ files: { 'page.md': '# Page\n' }, env: { LOG_LEVEL: 'warn', ...LIMITS } });
const shared = await start();
const { name: kind } = await chooseLimits((pid, signal) => void process.kill(pid, signal));
afterAll(async () => {
  idle.kill();
  await endByForce(shared);
  await shared[Symbol.asyncDispose]();
});

test.for(HOGS)(
  `T8 one that $name: the device answers within ${ANSWER_MS_P95} ms, stays below ${RESIDENT_MB} MB, ends it and leaves nothing`,
  async (hog, context) => {
    if (process.platform !== 'linux') return context.skip('what is left of a program is only known on Linux');
    if (!kind.startsWith('cgroup') && (hog.limit !== undefined || hog.leavesDaemon === true))
      return context.skip(`this machine gives ${kind} only`);
    await using disk = hog.fillsDisk === true ? await smallDisk(DISK_BYTES) : undefined;
    if (hog.fillsDisk === true && disk === undefined)
      return context.skip('a disk of its own can only be mounted by root');
    await using own = disk === undefined ? undefined : await withTemporaryFolder(disk.folder, start);
    const device = own ?? shared;
    const watch = await watchDevice(device);
    try {
      const end = await endure(device, hog);
      await watch.stop();
      const [slow, resident] = [p95(watch.answers), watch.residentMb];
      console.log(`  ${hog.name}: ${end} · answers p95 ${slow.toFixed(1)} ms, ${resident.toFixed(0)} MB`);
      // What others do on this machine is none of its doing.
      expect(slow - p95(watch.others)).toBeLessThan(ANSWER_MS_P95);
      expect(resident).toBeLessThan(RESIDENT_MB);
    } finally {
      await watch.stop();
      await endByForce(device);
    }
    const after = await device.get<Run>('/api/runs', {
      body: { id: newRunId(), projectId: device.project.id, language: 'python', code: '1' },
    });
    await messagesOf(device.socket(`/api/runs/${after.id}/events`));
    expect(await device.get<Run>(`/api/runs/${after.id}`)).toMatchObject({ state: 'completed' });
  },
);
