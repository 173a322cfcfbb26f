import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test as base } from 'vitest';
import { leanEnvironment } from './lean.mjs';

const run = promisify(execFile);
const here = import.meta.dirname;

/** A tiny checkout: the setup scripts, a lock file and what npm would have left behind. `npm` is a script that notes its calls. */
const test = base.extend<{ checkout: Checkout }>({
  checkout: async ({}, use) => {
    const root = await mkdtemp(join(tmpdir(), 'markco-setup-'));
    await cp(here, join(root, 'setup'), { recursive: true, filter: (path) => !path.endsWith('.ts') });
    await writeFile(join(root, 'package.json'), '{"type":"module"}');
    await writeFile(join(root, 'package-lock.json'), lock({ a: '1.0.0' }));
    await writeFile(join(root, 'hello.mjs'), 'console.log("hello", ...process.argv.slice(2)); process.exitCode = 3;');
    const bin = join(root, 'bin');
    await mkdir(bin);
    await writeFile(
      join(bin, 'npm'),
      `#!/bin/sh\necho "$@" >> npm-calls\nsleep 0.3\nmkdir -p node_modules\ncp package-lock.json node_modules/.package-lock.json\n`,
      { mode: 0o755 },
    );
    const start = async (...args: string[]) => {
      const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };
      try {
        return {
          code: 0,
          ...(await run(process.execPath, [join(root, 'setup/run.mjs'), ...args], { cwd: root, env })),
        };
      } catch (error) {
        return error as { code: number; stdout: string; stderr: string };
      }
    };
    const installs = async () =>
      (await readFile(join(root, 'npm-calls'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    await use({ root, start, installs });
    await rm(root, { recursive: true, force: true });
  },
});

type Checkout = {
  readonly root: string;
  start(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  installs(): Promise<string[]>;
};

const lock = (versions: Record<string, string>) =>
  JSON.stringify({
    packages: {
      '': {},
      'packages/own': { version: '0.1.0' },
      'node_modules/@markco/own': { link: true },
      'node_modules/for-another-system': { version: '1.0.0', optional: true },
      ...Object.fromEntries(Object.entries(versions).map(([name, version]) => [`node_modules/${name}`, { version }])),
    },
  });

test('the first start installs, says so on stderr, and passes arguments, output and exit code through', async ({
  checkout,
}) => {
  const answer = await checkout.start('hello.mjs', 'a', '--b');
  expect(answer).toMatchObject({ code: 3, stdout: 'hello a --b\n' });
  expect(answer.stderr).toContain('Installing what MarkCo needs');
});

test('the second start installs nothing and says nothing', async ({ checkout }) => {
  await checkout.start('hello.mjs');
  expect(await checkout.start('hello.mjs')).toMatchObject({ code: 3, stdout: 'hello\n', stderr: '' });
  expect(await checkout.installs()).toHaveLength(1);
});

test('a lock file that asks for another version is installed once more', async ({ checkout }) => {
  await checkout.start('hello.mjs');
  await writeFile(join(checkout.root, 'package-lock.json'), lock({ a: '1.0.1' }));
  expect((await checkout.start('hello.mjs')).stderr).toContain('node_modules/a');
  await checkout.start('hello.mjs');
  expect(await checkout.installs()).toHaveLength(2);
});

test('of several starts at once one installs and the others wait for it', async ({ checkout }) => {
  const answers = await Promise.all([1, 2, 3, 4].map((n) => checkout.start('hello.mjs', String(n))));
  expect(answers.map((answer) => answer.stdout)).toEqual([1, 2, 3, 4].map((n) => `hello ${n}\n`));
  expect(await checkout.installs()).toHaveLength(1);
});

test('an install that fails says what failed and what to do, and runs nothing', async ({ checkout }) => {
  await writeFile(join(checkout.root, 'bin/npm'), '#!/bin/sh\necho "npm error network" >&2\nexit 1\n', { mode: 0o755 });
  const answer = await checkout.start('hello.mjs');
  expect(answer).toMatchObject({ code: 1, stdout: '' });
  expect(answer.stderr).toMatch(
    /npm error network[^]*`npm ci`\) failed: it ended with 1\.\n.*run the same command again/,
  );
});

test('a program that is not named is wrong usage', async ({ checkout }) => {
  expect(await checkout.start()).toMatchObject({ code: 1, stderr: expect.stringContaining('Use: node setup/run.mjs') });
});

const noGlibc = 'what is set is read by the allocator of Linux';

test('a program that runs for long is told so, and another one is not', async ({ checkout, skip }) => {
  if (process.platform !== 'linux') return skip(noGlibc);
  await writeFile(
    join(checkout.root, 'own.mjs'),
    'const { MALLOC_ARENA_MAX, MARKCO_LEAN } = process.env; console.log(JSON.stringify([process.execArgv.length > 0, MALLOC_ARENA_MAX, MARKCO_LEAN?.split(",").length]));',
  );
  const said = async (...args: string[]): Promise<unknown> => JSON.parse((await checkout.start(...args)).stdout);
  expect(await said('own.mjs')).toEqual([false, null, null]);
  expect(await said('--lean', 'own.mjs')).toEqual([true, '2', 3]);
});

test('what is set for the memory of a device is named, once, and nothing that somebody has set', ({ skip }) => {
  if (process.platform !== 'linux') return skip(noGlibc);
  const once = leanEnvironment({ MALLOC_ARENA_MAX: '4' });
  expect(once['MALLOC_ARENA_MAX']).toBeUndefined();
  const names = Object.keys(once).filter((name) => name !== 'MARKCO_LEAN');
  expect(once['MARKCO_LEAN']?.split(',').toSorted()).toEqual(names.toSorted());
  expect(leanEnvironment({ MALLOC_ARENA_MAX: '4', ...once })).toEqual(once);
});
