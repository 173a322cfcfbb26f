import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { chance, trials } from '../../../../setup/trials.ts';
import { POINTS, type Point } from './points.fixture.ts';
import { eventsOf, eventually, fileStore, finished, testDevice, textOf } from './runs.fixture.ts';

const HOST = fileURLToPath(new URL('killed-host.fixture.ts', import.meta.url));
const LINES = 40;
const KILLS = 50;
/** Hosts that are killed beside each other: most of the time one waits for its program. */
const LANES = 3;
/** About as long as a host takes from its first word to the end of the run. */
const LIFE_MS = 500;

type Kill = { readonly point: Point } | { readonly afterMs: number };

/** What still belongs to a home, whoever started it: by its arguments, or by the folder it is in. */
async function processesOf(home: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const folder = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (command.includes(home) || folder.startsWith(home)) found.push(`${pid} ${command.replaceAll('\0', ' ')}`);
  }
  return found;
}

async function expectNoProcess(home: string): Promise<void> {
  await eventually(async () => (await processesOf(home)).length === 0).catch(async () =>
    expect(await processesOf(home)).toEqual([]),
  );
}

/** Kills a host once, lets another one take over, and says how the run ended. */
async function killOnce(kill: Kill): Promise<string> {
  const home = await mkdtemp(path.join(tmpdir(), 'markco-kill-'));
  await using device = await testDevice({ home, store: fileStore(path.join(home, 'rows')) });
  const code = `import time\nwith open("starts", "a") as f: f.write("x")\nfor i in range(${LINES}):\n    print(i)\n    time.sleep(0.005)`;
  const request = device.request(code);
  const point = 'point' in kill ? [kill.point] : [];
  const host = spawn(process.execPath, [HOST, home, JSON.stringify(request), ...point], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(host, 'exit');
  if ('afterMs' in kill) {
    await once(host.stdout, 'data');
    await delay(kill.afterMs);
    host.kill('SIGKILL');
  }
  const [code_, signal] = (await gone) as [number | null, string | null];
  // One that killed itself was at its point; one that was killed late had ended by itself.
  if ('point' in kill) expect([kill.point, signal]).toEqual([kill.point, 'SIGKILL']);
  else expect([code_, signal]).toContainEqual(signal === null ? 0 : 'SIGKILL');

  const next = await device.host();
  await next.recover();
  const events = await eventsOf(next, request.id);
  const run = await next.get(request.id);
  const starts = await readFile(path.join(device.project, 'starts'), 'utf8').catch(() => '');
  const end = run?.state === 'completed' ? 'completed' : `${run?.state} ${run?.error?.type}`;
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index));
  expect(events.filter(({ type }) => type === 'result' || type === 'error')).toEqual(events.slice(-1));
  if (run?.state === 'completed') {
    expect(starts).toBe('x');
    expect(textOf(events)).toBe(Array.from({ length: LINES }, (_, index) => `${index}\n`).join(''));
  } else {
    // Killed after `running` was on disk and before the code was sent, or while the interpreter was starting.
    expect([kill, end]).toEqual([kill, expect.stringMatching(/^failed (lost|SessionEnded)$/)]);
    expect(run?.error?.message).toMatch(/\w{3}/);
    expect([kill, starts]).toEqual([kill, '']);
  }
  expect((await next.submit(request)).state).toBe(run?.state);
  expect((await finished(next, device.request('1'))).run.state).toBe('completed');
  await next.close({ keepSessions: false });
  await expectNoProcess(home);
  await device[Symbol.asyncDispose]();
  await expectNoProcess(home);
  return `${'point' in kill ? kill.point : 'at random'}: ${end}`;
}

test(
  'R11 R14 R15 a host killed at each point and at any moment: the run starts at most once, its output is whole or it is lost with a reason, no process is left',
  { timeout: 600_000 },
  async () => {
    const { numRuns, seed } = trials('R15 kills of a host', KILLS);
    const random = chance(seed);
    const kills = Array.from({ length: numRuns }, (_, at): Kill => {
      const point = at % 2 === 0 ? POINTS[(at / 2) % POINTS.length] : undefined;
      return point === undefined ? { afterMs: random() * LIFE_MS } : { point };
    });
    const ends = new Map<string, number>();
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        for (let kill = kills.shift(); kill !== undefined; kill = kills.shift()) {
          const end = await killOnce(kill);
          ends.set(end, (ends.get(end) ?? 0) + 1);
        }
      }),
    );
    console.log(`  ${JSON.stringify(Object.fromEntries([...ends].toSorted(([a], [b]) => (a < b ? -1 : 1))), null, 1)}`);
    expect([...ends.keys()].filter((end) => end.endsWith('completed')).length).toBeGreaterThan(0);
  },
);
