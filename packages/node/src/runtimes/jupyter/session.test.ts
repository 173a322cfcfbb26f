/** Kernels kept by a keeper keep to what every runtime keeps to, and a document chooses among them by name. */
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { env, kill } from 'node:process';
import { expect, test } from 'vitest';
import { eventually, finished, testDevice } from '../../runs/runs.fixture.ts';
import { findProcess } from '../process-table.ts';
import { NO_WISHES } from '../runtime.ts';
import { runtimeContract } from '../runtime.contract.ts';
import { findKernelspecs } from './kernelspec.ts';

const missing = (language: string, how: string) => async () => {
  const specs = await findKernelspecs({ env, projectFolder: tmpdir(), config: NO_WISHES });
  return specs.some((spec) => spec.language.toLowerCase() === language)
    ? null
    : `there is no kernel of it here (${how})`;
};

const kernel = { ...NO_WISHES, kernel: 'python3' };

runtimeContract('ipython', {
  language: 'python',
  config: kernel,
  reason: missing('python', 'apt install python3-ipykernel'),
  words: {
    print: 'import sys\nprint("one")\nprint("two")\nprint("three", file=sys.stderr)',
    keep: 'x = 41',
    kept: 'print(x + 1)',
    fail: ['1 / 0', 'ZeroDivisionError'],
    syntax: 'if (',
    loop: 'print("busy", flush=True)\nwhile True: pass',
    sleep: 'import time\nprint("asleep", flush=True)\ntime.sleep(300)',
    slow: 'import time\nfor word in ("first", "second", "third"):\n    print(word, flush=True)\n    time.sleep(0.5)',
    much: 'for i in range(200000): print(str(i).ljust(49))',
    ask: 'print("<" + input() + ">")',
    askHidden: 'import getpass\nprint("<" + getpass.getpass("Word: ") + ">")',
    // The kernel's own thread sends what was printed: it needs a moment before the kernel is killed.
    crash: 'import os, time\nprint("last words", flush=True)\ntime.sleep(0.3)\nos.kill(os.getpid(), 9)',
    child: 'import subprocess\nprint(subprocess.Popen(["sleep", "300"]).pid)',
    // Past its own streams IPython (6.17) loses what comes after a character that was cut.
    cutCharacter: 'print("é")',
  },
});

const irkernel = { ...NO_WISHES, kernel: 'ir' };

runtimeContract('IRkernel', {
  language: 'r',
  config: irkernel,
  reason: missing('r', 'apt install r-cran-irkernel'),
  words: {
    print: 'cat("one\\n")\ncat("two\\n")\nmessage("three", appendLF = FALSE)',
    keep: 'x <- 41',
    kept: 'cat(x + 1, "\\n", sep = "")',
    fail: ['stop("bad")', 'ERROR'],
    syntax: 'if (',
    loop: 'cat("busy\\n")\nwhile (TRUE) {}',
    sleep: 'cat("asleep\\n")\nSys.sleep(300)',
    slow: 'cat("first\\n")\nSys.sleep(0.5)\ncat("second\\n")\nSys.sleep(0.5)\ncat("third\\n")',
    // What R itself prints passes a connection that takes minutes for so much, in every frontend.
    much: `system("awk 'BEGIN { for (i = 0; i < 200000; i++) printf \\"%-49s\\\\n\\", i }'")`,
    ask: 'cat("<", readline(), ">\\n", sep = "")',
    askHidden: null,
    crash: 'cat("last words\\n")\nSys.sleep(0.3)\ntools::pskill(Sys.getpid(), 9)',
    child: 'cat(system("sleep 300 >/dev/null & echo $!", intern = TRUE), "\\n", sep = "")',
    cutCharacter: `system("printf '\\\\303'; sleep 0.2; printf '\\\\251\\\\n'; sleep 0.2")`,
  },
});

test('a kernel that is not there is an error that names those that are', async () => {
  await using device = await testDevice();
  const made = device.request('1');
  const config = { ...NO_WISHES, kernel: 'no-such-kernel' };
  const { run, events } = await finished(device.runs, {
    ...made,
    session: { ...made.session, config } as typeof made.session,
  });
  expect(run.state).toBe('failed');
  expect(JSON.stringify(events.at(-1)?.payload)).toContain('no kernel and no attached runtime called no-such-kernel');
});

test('a project that names a kernel runs in it, with its questions', async (context) => {
  const why = await missing('python', 'apt install python3-ipykernel')();
  if (why !== null) context.skip(why);
  await using device = await testDevice();
  const made = device.request('get_ipython().__class__.__name__');
  const { events } = await finished(device.runs, {
    ...made,
    session: { ...made.session, config: kernel } as typeof made.session,
  });
  expect(events.at(-1)).toMatchObject({ type: 'result', payload: { data: { 'text/plain': "'ZMQInteractiveShell'" } } });
  const [session] = device.runs.sessions.list();
  if (session === undefined) throw new Error('there is no session');
  expect(
    await device.runs.sessions.ask(session.id, 'isComplete', { code: '%time 1' }, AbortSignal.timeout(10_000)),
  ).toEqual({ status: 'complete', indent: '' });
});

test('a language without a runtime of ours runs in the first kernel of it (here one of Python that says it is Julia)', async (context) => {
  const why = await missing('python', 'apt install python3-ipykernel')();
  if (why !== null) context.skip(why);
  await using device = await testDevice();
  const made = device.request('print(6 * 7)');
  const folder = path.join(device.project, '.venv', 'share', 'jupyter', 'kernels', 'julia-1.12');
  await mkdir(folder, { recursive: true });
  const specs = await findKernelspecs({ env, projectFolder: device.project, config: NO_WISHES });
  const argv = specs.find(({ name }) => name === kernel.kernel)?.argv;
  await writeFile(
    path.join(folder, 'kernel.json'),
    JSON.stringify({ argv, display_name: 'Julia 1.12', language: 'julia' }),
  );
  const session = { ...made.session, language: 'julia' } as typeof made.session;
  const { run, text } = await finished(device.runs, { ...made, session });
  expect([run.state, text]).toEqual(['completed', '42\n']);
  expect(device.runs.sessions.list()).toMatchObject([{ language: 'julia', state: 'running' }]);
});

test('a kernel does not outlive its keeper, even one that looks after nothing itself', async (context) => {
  const why = await missing('r', 'apt install r-cran-irkernel')();
  if (why !== null) context.skip(why);
  await using device = await testDevice();
  const made = device.request('cat(Sys.getpid())');
  const { text } = await finished(device.runs, {
    ...made,
    session: { ...made.session, language: 'r', config: irkernel } as typeof made.session,
  });
  const [session] = device.runs.sessions.list();
  expect(await findProcess(Number(text))).not.toBeNull();
  kill(Number(session?.hostRuntimeId), 'SIGKILL');
  await eventually(async () => (await findProcess(Number(text))) === null);
});
