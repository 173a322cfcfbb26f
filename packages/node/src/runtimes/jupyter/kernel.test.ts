/** Real kernels, without a keeper: what they print and answer is what the sink and the questions get. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { env, kill } from 'node:process';
import { newId, type QuestionKind, type RunId } from '@markco/protocol';
import { expect, onTestFinished, test, type TestContext } from 'vitest';
import { eventually, ids } from '../../runs/runs.fixture.ts';
import type { Interpreter, LastWord } from '../keeper/interpreter.ts';
import { NO_WISHES } from '../runtime.ts';
import { startJupyterKernel } from './kernel.ts';
import { findKernelspecs, type Kernelspec } from './kernelspec.ts';

type Event = readonly [type: string, payload: unknown];

async function specOf(context: TestContext, implementation: 'ipykernel' | 'IRkernel'): Promise<Kernelspec> {
  const specs = await findKernelspecs({ env, projectFolder: tmpdir(), config: NO_WISHES });
  const found = specs.find(({ argv }) => argv.some((part) => part.includes(implementation)));
  return found ?? context.skip(`${implementation} is not installed`);
}

async function started(executable: string, options: { readonly folder?: string } = {}) {
  const root = await mkdtemp(path.join(tmpdir(), 'markco-kernel-'));
  const folder = options.folder === undefined ? root : path.join(root, options.folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const events: Event[] = [];
  const kernel = await startJupyterKernel(
    { executable, cwd: root, folder, config: NO_WISHES },
    {
      text: (stream, text) => events.push([stream, text]),
      display: (payload) => events.push(['display', payload]),
      progress: (payload) => events.push(['progress', payload]),
      ask: (payload) => events.push(['ask', payload]),
    },
    AbortSignal.timeout(50_000),
  );
  onTestFinished(async () => {
    kernel.close();
    await kernel.gone;
    await rm(root, { recursive: true, force: true });
  });
  const textOf = (stream: string): string => events.map(([type, text]) => (type === stream ? text : '')).join('');
  return { kernel, folder, root, events, textOf };
}

const run = (kernel: Interpreter, code: string): Promise<LastWord> => kernel.execute(newId<RunId>(ids), code);
const ask = (kernel: Interpreter, kind: QuestionKind, question: unknown = {}) => kernel.ask(kind, question);
const result = (text: string) => ({ type: 'result', data: expect.objectContaining({ 'text/plain': text }) as unknown });

test('IPython: output in order, state, results, errors, an empty cell and a syntax error', async (context) => {
  const { kernel, events, textOf, folder } = await started((await specOf(context, 'ipykernel')).folder);
  expect((await stat(path.join(folder, 'kernel.json'))).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toContain('kernel-1');
  expect(await run(kernel, 'x = 5\nx + 1')).toEqual(result('6'));
  expect(await run(kernel, 'import sys\nprint("ä😀")\nprint("e", file=sys.stderr)\nprint("z")')).toEqual({
    type: 'result',
    data: null,
  });
  expect(textOf('stdout')).toBe('ä😀\nz\n');
  expect(textOf('stderr')).toBe('e\n');
  expect(await run(kernel, 'x')).toEqual(result('5'));
  expect(await run(kernel, '1/0')).toMatchObject({
    type: 'error',
    payload: { type: 'ZeroDivisionError', message: 'division by zero' },
  });
  expect(await run(kernel, 'def')).toMatchObject({ type: 'error', payload: { type: 'SyntaxError' } });
  expect(await run(kernel, '')).toEqual({ type: 'result', data: null });
  events.length = 0;
  await run(
    kernel,
    'from IPython.display import *\nh = display(HTML("<b>1</b>"), display_id=True)\nh.update(HTML("2"))',
  );
  expect(events.map(([, payload]) => (payload as { metadata: { update: boolean } }).metadata.update)).toEqual([
    false,
    true,
  ]);
});

test('IPython: kernels that start at the same moment share no history', async (context) => {
  const { folder } = await specOf(context, 'ipykernel');
  const kernels = await Promise.all([started(folder), started(folder), started(folder)]);
  const code = 'x = 1\nget_ipython().history_manager.hist_file';
  for (const { kernel, textOf } of kernels) {
    expect(await run(kernel, code)).toEqual(result("':memory:'"));
    expect(textOf('stderr')).toBe('');
  }
});

test('IPython: what a program and its children write past the interpreter is there once', async (context) => {
  const { kernel, textOf } = await started((await specOf(context, 'ipykernel')).folder);
  await run(kernel, 'import os\nos.write(1, b"raw\\n")\nos.system("echo child")');
  // IPython publishes it from a thread of its own, which may be behind the end of the cell.
  await eventually(() => textOf('stdout').includes('child'));
  expect(textOf('stdout')).toBe('raw\nchild\n');
});

test('IPython: ten megabytes come whole and in order', async (context) => {
  const { kernel, textOf } = await started((await specOf(context, 'ipykernel')).folder);
  await run(kernel, 'for i in range(10):\n    print(str(i) * 1_000_000)\nfor i in range(20_000): print(i)');
  const expected = [...Array.from({ length: 10 }, (_, i) => String(i).repeat(1_000_000)), ...Array(20_000).keys()];
  expect(textOf('stdout') === `${expected.join('\n')}\n`).toBe(true);
});

test.for(['signal', 'message'] as const)('IPython: an interrupt by %s keeps the state', async (mode, context) => {
  const spec = await specOf(context, 'ipykernel');
  const written = JSON.parse(await readFile(path.join(spec.folder, 'kernel.json'), 'utf8')) as object;
  const folder = await mkdtemp(path.join(tmpdir(), 'markco-spec-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(
    path.join(folder, 'kernel.json'),
    JSON.stringify({ ...written, argv: spec.argv, interrupt_mode: mode }),
  );
  const { kernel, textOf } = await started(folder);
  for (const code of [
    'print("on", flush=True)\nwhile True: pass',
    'import time\nprint("on", flush=True)\ntime.sleep(60)',
  ]) {
    const before = textOf('stdout').length;
    const running = run(kernel, `kept = 7\n${code}`);
    await eventually(() => textOf('stdout').length > before);
    kernel.interrupt();
    expect(await running).toMatchObject({ type: 'error', payload: { type: 'KeyboardInterrupt' } });
  }
  expect(await run(kernel, 'kept')).toEqual(result('7'));
});

test('IPython: an interrupt that comes before the code has begun still stops it', async (context) => {
  const { kernel } = await started((await specOf(context, 'ipykernel')).folder);
  const running = run(kernel, 'while True: pass');
  kernel.interrupt();
  expect((await running).type).toBe('error');
  expect(await run(kernel, '1')).toEqual(result('1'));
});

test('IPython: asks for a line and for a password, and an interrupt takes the question back', async (context) => {
  const { kernel, events } = await started((await specOf(context, 'ipykernel')).folder);
  const asked = (count: number) => eventually(() => events.filter(([type]) => type === 'ask').length === count);
  expect(kernel.input('nobody asked')).toBe(false);
  const line = run(kernel, 'input("name? ")');
  await asked(1);
  expect(kernel.input('Zoë')).toBe(true);
  expect(await line).toEqual(result("'Zoë'"));
  const hidden = run(kernel, 'import getpass\ngetpass.getpass("pass? ")');
  await asked(2);
  expect(events.filter(([type]) => type === 'ask')).toEqual([
    ['ask', { prompt: 'name? ', password: false }],
    ['ask', { prompt: 'pass? ', password: true }],
  ]);
  kernel.input('secret');
  expect(await hidden).toEqual(result("'secret'"));
  const left = run(kernel, 'input()');
  await asked(3);
  kernel.interrupt();
  expect((await left).type).toBe('error');
  expect(kernel.input('too late')).toBe(false);
});

test('IPython: questions are answered, also while a cell runs, and leave no trace', async (context) => {
  const { kernel, events, textOf } = await started((await specOf(context, 'ipykernel')).folder);
  await run(kernel, 'table = {"a": [1, 2]}\n40 + 2');
  const answers = async () => {
    expect(await ask(kernel, 'complete', { code: '😀;tab', cursor: 6 })).toMatchObject({
      matches: [{ label: 'table', kind: 'variable' }],
      cursorStart: 3,
      cursorEnd: 6,
    });
    const variables = (await ask(kernel, 'variables')) as { variables: { name: string }[] };
    expect(variables.variables.map(({ name }) => name)).toEqual(['table']);
    expect(await ask(kernel, 'variable', { name: 'table', path: ['a'] })).toMatchObject({
      type: 'list',
      children: [{ value: '1' }, { value: '2' }],
    });
    expect(await ask(kernel, 'hover', { code: 'table', cursor: 2 })).toMatchObject({ found: true, type: 'dict' });
    expect(await ask(kernel, 'inspect', { code: 'len', cursor: 2, detail: 1 })).toMatchObject({ found: true });
    expect(await ask(kernel, 'isComplete', { code: 'for i in x:' })).toEqual({ status: 'incomplete', indent: '    ' });
  };
  await answers();
  const running = run(kernel, 'import time\nprint("on", flush=True)\ntime.sleep(60)');
  await eventually(() => textOf('stdout') === 'on\n');
  await answers();
  kernel.interrupt();
  await running;
  await expect(ask(kernel, 'variable', { name: 'nothing' })).rejects.toThrow('no variable nothing');
  expect(await ask(kernel, 'complete', { code: '%timei', cursor: 6 })).toMatchObject({
    matches: expect.arrayContaining([expect.objectContaining({ label: '%timeit' })]) as unknown,
  });
  expect(await run(kernel, '_, len(In)')).toEqual(result('(42, 4)'));
  await ask(kernel, 'reset');
  expect(await ask(kernel, 'variables')).toMatchObject({ variables: [], count: 0 });
  expect(events.filter(([type]) => type === 'display')).toEqual([]);
});

test('IPython: when it dies, it says how', async (context) => {
  const { kernel, textOf } = await started((await specOf(context, 'ipykernel')).folder);
  void run(kernel, 'import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)');
  await eventually(() => textOf('stdout').endsWith('\n'));
  kill(Number(textOf('stdout')), 'SIGKILL');
  expect(await kernel.gone).toBe('signal SIGKILL');
});

test('IPython: closing ends it with everything it started', async (context) => {
  const { kernel, textOf } = await started((await specOf(context, 'ipykernel')).folder);
  await run(kernel, 'import os, subprocess\nc = subprocess.Popen(["sleep", "600"])\nprint(os.getpid(), c.pid)');
  const pids = textOf('stdout').trim().split(' ').map(Number);
  expect(pids).toHaveLength(2);
  kernel.close();
  for (const pid of pids) await eventually(() => isGone(pid));
});

test('a folder whose path is too long for a socket gets ports instead', async (context) => {
  const { kernel, folder } = await started((await specOf(context, 'ipykernel')).folder, { folder: 'x'.repeat(90) });
  expect(JSON.parse(await readFile(path.join(folder, 'kernel.json'), 'utf8'))).toMatchObject({
    transport: 'tcp',
    ip: '127.0.0.1',
  });
  expect(await run(kernel, '1 + 1')).toEqual(result('2'));
});

test('a kernel that does not start says why, and one that is gone says so', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'markco-spec-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await expect(started(folder)).rejects.toThrow('There is no Jupyter kernel in');
  const argv = ['/bin/sh', '-c', 'echo "cannot find my module" >&2; exit 3'];
  await writeFile(path.join(folder, 'kernel.json'), JSON.stringify({ argv, language: 'sh' }));
  await expect(started(folder)).rejects.toThrow(/did not start \(exit code 3: cannot find my module\)/);
});

test('R: output, state, errors, plots, input, an interrupt and questions', async (context) => {
  const { kernel, events, textOf } = await started((await specOf(context, 'IRkernel')).folder);
  await run(kernel, 'x <- 5\ncat("hé\\n")\nmessage("warned")');
  expect(textOf('stdout')).toBe('hé\n');
  expect(textOf('stderr')).toContain('warned');
  expect(await run(kernel, 'x + 1')).toEqual(result('[1] 6'));
  expect(await run(kernel, 'stop("bad")')).toMatchObject({
    type: 'error',
    payload: { message: expect.stringContaining('bad') as unknown },
  });
  await run(kernel, 'plot(1:3)');
  expect(events.at(-1)).toMatchObject(['display', { data: { 'image/png': expect.any(String) as unknown } }]);
  const line = run(kernel, 'answer <- readline("name? ")');
  await eventually(() => events.at(-1)?.[0] === 'ask');
  kernel.input('Zoë');
  await line;
  const running = run(kernel, 'cat("on\\n")\nflush.console()\nwhile (TRUE) Sys.sleep(0.1)');
  await eventually(() => textOf('stdout').endsWith('on\n'));
  await expect(ask(kernel, 'variables')).rejects.toThrow('runs a cell');
  kernel.interrupt();
  expect(await running).toMatchObject({ type: 'error', payload: { type: 'Interrupted' } });
  await run(kernel, 'df <- data.frame(a = 1:3, b = c("x", "y", "z"))');
  const shown = events.length;
  expect(await ask(kernel, 'variables', { filter: { excludePrivate: true } })).toMatchObject({
    variables: [
      { name: 'answer', value: '"Zoë"' },
      { name: 'df', type: 'data.frame', shape: [3, 2], keys: ['a', 'b'], expandable: true },
      { name: 'x', type: 'numeric', value: '5' },
    ],
    count: 3,
    truncated: false,
  });
  expect(await ask(kernel, 'variable', { name: 'df', path: ['b'] })).toMatchObject({ name: 'b', type: 'character' });
  await expect(ask(kernel, 'variable', { name: 'df', path: ['c'] })).rejects.toThrow('has nothing called c');
  expect(await ask(kernel, 'hover', { code: 'x', cursor: 1 })).toMatchObject({ found: true, value: '5' });
  expect(await ask(kernel, 'hover', { code: 'q(1)', cursor: 4 })).toMatchObject({ found: false });
  expect(await ask(kernel, 'isComplete', { code: 'f <- function(' })).toMatchObject({ status: 'incomplete' });
  expect(await ask(kernel, 'complete', { code: 'data.fra', cursor: 8 })).toMatchObject({
    matches: expect.arrayContaining([expect.objectContaining({ label: 'data.frame' })]) as unknown,
  });
  await ask(kernel, 'reset');
  expect(await ask(kernel, 'variables')).toMatchObject({ count: 0 });
  expect(events.length).toBe(shown);
});

function isGone(pid: number): boolean {
  try {
    kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
