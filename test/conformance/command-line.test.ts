/** The command line against a real device, each command as a program of its own. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionHere } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import { endSessions } from './end-sessions.ts';

const main = join(import.meta.dirname, '../../apps/cli/src/main.ts');

type Answer = { readonly code: number; readonly out: string; readonly err: string };
type Up = { readonly child: ChildProcess; readonly out: () => string };
type Machine = {
  /** The folder of the project, and the only one that is open. */
  readonly project: string;
  readonly home: string;
  /** Starts a device and resolves when it has printed all its lines. */
  up(...dirs: string[]): Promise<Up>;
  markco(words: readonly string[], stdin?: string): Promise<Answer>;
  /** Starts a command and leaves it running. */
  start(...words: string[]): ChildProcess;
};

const test = base.extend<{ machine: Machine }>({
  machine: async ({}, use) => {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'markco-line-')));
    const home = join(root, 'home');
    const project = join(root, 'notes');
    await mkdir(project);
    const env = { ...process.env, MARKCO_HOME: home, MARKCO_PORT: '0', LOG_LEVEL: 'warn', NO_COLOR: '1' };
    const started: ChildProcess[] = [];
    const start = (...words: string[]) => {
      const child = spawn(process.execPath, [main, ...words], { cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'] });
      started.push(child);
      return child;
    };
    await use({
      home,
      project,
      start,
      up: async (...dirs) => {
        const child = start('up', '--no-browser', ...dirs);
        return { child, out: await outputUntil(child, 'Ctrl-C') };
      },
      markco: (words, stdin = '') =>
        new Promise((resolve) => {
          const child = execFile(process.execPath, [main, ...words], { cwd: project, env }, (error, out, err) =>
            resolve({ code: error === null ? 0 : Number(error.code), out, err }),
          );
          child.stdin?.end(stdin);
        }),
    });
    for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await endSessions(home);
    await rm(root, { recursive: true, force: true });
  },
});

/** Resolves when `mark` was written to stdout; the answer reads what has been written since. */
async function outputUntil(child: ChildProcess, mark: string): Promise<() => string> {
  let out = '';
  let err = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    if (out.includes(mark)) resolve();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.once('exit', (code) => reject(new Error(`ended with ${code} before it said "${mark}": ${out}${err}`)));
  await promise;
  return () => out;
}

const cells = (...codes: readonly string[]) =>
  `# Page\n\n${codes.map((code) => `\`\`\`python\n${code}\n\`\`\`\n`).join('\n')}`;

test('from a folder to a run and its output, in the terminal and in the file', async ({ machine }) => {
  const file = join(machine.project, 'page.md');
  await writeFile(file, cells('x = 20', 'print("out")\nimport sys\nprint("err", file=sys.stderr)\nx + 22'));
  const { out } = await machine.up(machine.project);
  expect(out()).toMatch(/^MarkCo \d\S* · http:\/\/localhost:\d+\/p\/notes#token=\S{32,} · folder /);
  expect(out()).toMatch(/^Python \d\S* ✓/m);

  expect(await machine.markco(['docs'])).toMatchObject({ code: 0, out: expect.stringContaining('page.md') });
  expect(await machine.markco(['run', 'page.md'])).toEqual({ code: 0, out: 'out\n42\n', err: 'err\n' });
  expect(await readFile(file, 'utf8')).toMatch(/x \+ 22\n```\n\n```output\nout\nerr\n42\n```\n/);

  const runs = JSON.parse((await machine.markco(['runs', '--json'])).out) as { runs: { id: string; state: string }[] };
  expect(runs.runs.map((run) => run.state)).toEqual(['completed', 'completed']);
  const [newest] = runs.runs;
  expect(await machine.markco(['logs', newest?.id ?? ''])).toEqual({ code: 0, out: 'out\n42\n', err: 'err\n' });
  const events = (await machine.markco(['logs', newest?.id ?? '', '--json'])).out.trim().split('\n');
  expect(events.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual(events.map((_, index) => index));
  expect(await machine.markco(['sessions'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/notes +python +running/),
  });
});

test('a cell that fails ends the run of the file with 1, and the next cell is not run', async ({ machine }) => {
  await writeFile(join(machine.project, 'page.md'), cells('1/0', 'print("never")'));
  await machine.up(machine.project);
  const { code, out, err } = await machine.markco(['run', 'page.md']);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain('ZeroDivisionError');
  expect(await machine.markco(['run', 'page.md', '--cell', '2'])).toMatchObject({ code: 0, out: 'never\n' });
  expect(await machine.markco(['run', 'page.md', '--cell', '3'])).toMatchObject({
    code: 1,
    err: '✗ page.md has no cell 3; its last is cell 2.\n',
  });
});

test('the code of a program is the code of its run, a cell has a label, and what takes too long ends with 124', async ({
  machine,
}) => {
  const fence = (language: string, code: string) => `\`\`\`${language}\n${code}\n\`\`\`\n`;
  await writeFile(
    join(machine.project, 'codes.md'),
    [
      fence('python', '#| label: setup\nprint("set up")'),
      fence('bash', 'echo before\nexit 3'),
      fence('python', 'import time\nprint("slow", flush=True)\ntime.sleep(600)'),
    ].join('\n'),
  );
  await machine.up(machine.project);
  expect(await machine.markco(['run', 'codes.md', '--cell', 'setup'])).toEqual({ code: 0, out: 'set up\n', err: '' });
  expect(await machine.markco(['run', 'codes.md', '--all'])).toMatchObject({ code: 3, out: 'set up\nbefore\n' });
  expect(await machine.markco(['run', 'codes.md', '--cell', 'other'])).toMatchObject({
    code: 1,
    err: '✗ codes.md has no cell called other. Its labels: setup.\n',
  });
  expect(await machine.markco(['run', 'codes.md', '--cell', '3', '--timeout', '1.5'])).toMatchObject({
    code: 124,
    err: expect.stringContaining('not done in time'),
  });
  expect(await machine.markco(['run', 'codes.md', '--cell', '1', '--all'])).toMatchObject({ code: 2, out: '' });
});

test('a cell runs where and whether its options say, and one that cannot be read is named', async ({ machine }) => {
  await writeFile(
    join(machine.project, 'page.md'),
    cells('#| eval: false\nprint("not this")', '#| timeout: soon\nprint("this")', '#| on: gpu-box\nprint("elsewhere")'),
  );
  await machine.up(machine.project);
  const { code, out, err } = await machine.markco(['run', 'page.md']);
  expect([code, out]).toEqual([1, 'this\n']);
  expect(err).toContain('The option `timeout` cannot be "soon"; its default is used.');
  expect(err).toContain('No device here is called gpu-box.');
});

test('a session is interrupted, restarted and stopped by its language or its id', async ({ machine }) => {
  await writeFile(
    join(machine.project, 'page.md'),
    cells('kept = 1', 'import time\nprint("busy", flush=True)\ntime.sleep(600)', 'print(kept)'),
  );
  await machine.up(machine.project);
  const running = machine.start('run', 'page.md');
  await outputUntil(running, 'busy');
  const listed = async () =>
    (JSON.parse((await machine.markco(['sessions', '--json'])).out) as { sessions: SessionHere[] }).sessions;
  const [session] = await listed();
  expect(session?.currentRun).toBeDefined();
  const ended = once(running, 'exit');
  expect(await machine.markco(['sessions', 'interrupt', 'python'])).toMatchObject({ code: 0 });
  expect(await ended).toEqual([1, null]);
  expect(await machine.markco(['run', 'page.md', '--cell', '3'])).toMatchObject({ code: 0, out: '1\n' });
  expect(await machine.markco(['sessions', 'restart', session?.id.slice(0, 13) ?? ''])).toMatchObject({ code: 0 });
  expect(await machine.markco(['run', 'page.md', '--cell', '3'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('NameError'),
  });
  expect(await machine.markco(['sessions', 'stop', 'python'])).toMatchObject({ code: 0 });
  expect((await listed()).filter(({ state }) => state === 'running')).toEqual([]);
  expect(await machine.markco(['sessions', 'stop'])).toMatchObject({ code: 2, out: '' });
  expect(await machine.markco(['sessions', 'stop', 'cobol'])).toMatchObject({ code: 1 });
});

test('a program that asks is answered from stdin; without an answer its run is cancelled', async ({ machine }) => {
  await writeFile(join(machine.project, 'page.md'), cells('print("hello", input("who? "))'));
  await machine.up(machine.project);
  expect(await machine.markco(['run', 'page.md'], 'Ada\n')).toMatchObject({
    code: 0,
    out: expect.stringContaining('hello Ada'),
  });
  expect(await machine.markco(['run', 'page.md'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('there is none left'),
  });
});

test('what was just saved is what runs', async ({ machine }) => {
  const file = join(machine.project, 'page.md');
  await writeFile(file, cells('print("old")'));
  await machine.up(machine.project);
  await machine.markco(['run', 'page.md']);
  await expect.poll(() => readFile(file, 'utf8'), { timeout: 10_000 }).toContain('```output');
  await writeFile(file, cells('print("new")'));
  expect(await machine.markco(['run', 'page.md'])).toMatchObject({ code: 0, out: 'new\n' });
});

test('a run goes on without whoever follows it, and ends when it is cancelled', async ({ machine }) => {
  await writeFile(
    join(machine.project, 'page.md'),
    cells('import time\nwhile True:\n    print("tick", flush=True)\n    time.sleep(0.05)'),
  );
  await machine.up(machine.project);
  const running = machine.start('run', 'page.md');
  await outputUntil(running, 'tick');
  const { runs } = JSON.parse((await machine.markco(['runs', '--state', 'running', '--json'])).out) as {
    runs: { id: string }[];
  };
  const id = runs[0]?.id ?? expect.unreachable('no run is running');

  const following = machine.start('logs', id.slice(0, 13), '-f');
  await outputUntil(following, 'tick');
  following.kill('SIGINT');
  await once(following, 'exit');
  expect(await machine.markco(['logs', id])).toMatchObject({ code: 0, out: expect.stringContaining('tick\n') });

  const ended = once(running, 'exit');
  expect(await machine.markco(['cancel', id.slice(0, 13)])).toMatchObject({ code: 0 });
  expect(await ended).toEqual([1, null]);
});

test('Ctrl-C cancels the run of this terminal and exits 1', async ({ machine }) => {
  await writeFile(
    join(machine.project, 'page.md'),
    cells('import time\nprint("started", flush=True)\ntime.sleep(600)'),
  );
  await machine.up(machine.project);
  const running = machine.start('run', 'page.md');
  await outputUntil(running, 'started');
  running.kill('SIGINT');
  expect(await once(running, 'exit')).toEqual([1, null]);
  const { runs } = JSON.parse((await machine.markco(['runs', '--json'])).out) as { runs: { state: string }[] };
  expect(runs[0]?.state).toBe('cancelled');
});

test('up ends well on SIGTERM, keeps its secrets to its owner, and a second up joins the first', async ({
  machine,
}) => {
  const { child, out } = await machine.up(machine.project);
  expect((await stat(machine.home)).mode & 0o77).toBe(0);
  expect((await stat(join(machine.home, 'api-token'))).mode & 0o77).toBe(0);
  const second = await machine.markco(['up', '--no-browser']);
  expect(second).toMatchObject({
    code: 0,
    err: expect.stringMatching(/^Port \d+ is already MarkCo \(pid \d+\)\. Opening that one\.\n/),
  });
  expect(second.out.split(' · ')[1]).toBe(out().split(' · ')[1]);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(await machine.markco(['projects'])).toMatchObject({ code: 1, err: expect.stringContaining('markco up') });
});

test('a device that does not start says why, where its log is, and exits 1', async ({ machine }) => {
  await mkdir(machine.home);
  await writeFile(join(machine.home, 'runs'), 'in the way');
  const { code, out, err } = await machine.markco(['up', '--no-browser']);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain(`✗ The device did not start with the state folder ${machine.home}. Its log, here on stderr,`);
  expect(err).toMatch(/^ {2}because: EEXIST: .*\/runs'$/m);
  const logged = err.split('\n').find((line) => line.includes('"event":"device.not-started"')) ?? '{}';
  expect(JSON.parse(logged)).toMatchObject({ level: 'error', stack: expect.stringContaining('node.ts') });
  const asJson = (await machine.markco(['up', '--json'])).err.trim().split('\n').at(-1) ?? '';
  expect(JSON.parse(asJson)).toMatchObject({
    error: { code: 'internal', because: [expect.stringContaining('EEXIST')] },
  });
});

test('bad input changes nothing and says what to do', async ({ machine }) => {
  await writeFile(join(machine.project, 'page.md'), '# No cells\n');
  await machine.up(machine.project);
  expect(await machine.markco(['open', 'nowhere'])).toMatchObject({ code: 1, out: '' });
  await mkdir(join(machine.project, 'sub'));
  expect(await machine.markco(['open', 'sub'])).toEqual({
    code: 1,
    out: '',
    err: `✗ ${join(machine.project, 'sub')} is the folder "sub" of the open project "notes" (${machine.project}). Open its pages there, or close that project in the page first.\n`,
  });
  expect(await machine.markco(['run', 'nowhere.md'])).toMatchObject({
    code: 1,
    err: '✗ There is no file nowhere.md. Check the path; markco docs lists the pages that are open.\n',
  });
  expect(await machine.markco(['run', '/etc/hostname'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('markco open DIR'),
  });
  expect(await machine.markco(['run', 'page.md'])).toMatchObject({ code: 1, err: '✗ page.md has no cell to run.\n' });
  expect(await machine.markco(['run', 'page.md', '--on', 'moon'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('No device is called "moon"'),
  });
  expect(await machine.markco(['logs', 'ffff'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('No run is called "ffff"'),
  });
  const { projects } = JSON.parse((await machine.markco(['projects', '--json'])).out) as { projects: unknown[] };
  expect(projects).toHaveLength(1);
});
