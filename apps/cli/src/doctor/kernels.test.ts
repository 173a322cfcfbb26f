import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test as base } from 'vitest';
import type { Cli } from '../cli.ts';
import { checkKernels } from './kernels.ts';

const test = base.extend<{ home: string }>({
  home: async ({}, use) => {
    const home = await mkdtemp(join(tmpdir(), 'markco-kernels-'));
    await use(home);
    await rm(home, { recursive: true });
  },
});

const cliOf = (home: string): Cli =>
  ({ env: { MARKCO_HOME: home, JUPYTER_PATH: home, PATH: '/bin' }, cwd: home }) as unknown as Cli;

test('kernels and attached servers are listed by the names that documents may use', async ({ home }) => {
  await mkdir(join(home, 'kernels', 'shell'), { recursive: true });
  const spec = { argv: ['/bin/sh'], display_name: 'A shell', language: 'sh' };
  await writeFile(join(home, 'kernels', 'shell', 'kernel.json'), JSON.stringify(spec));
  const checks = await checkKernels(cliOf(home));
  expect(checks[0]).toMatchObject({ name: 'Kernels', state: 'ok', found: expect.stringContaining('shell (A shell)') });
  expect(checks.some(({ name }) => name === 'Attached')).toBe(false);
  const servers = [{ name: 'lab', language: 'python', url: 'https://lab.example:8443', token: 'secret' }];
  await writeFile(join(home, 'runtimes.json'), JSON.stringify(servers), { mode: 0o600 });
  expect((await checkKernels(cliOf(home))).at(-1)).toEqual({
    name: 'Attached',
    state: 'ok',
    found: 'lab (lab.example:8443)',
  });
});

test('a language that only a kernel runs says how to get one, also where its program is', async ({ home }) => {
  await mkdir(join(home, 'kernels', 'julia-1.12'), { recursive: true });
  const before = await checkKernels(cliOf(home));
  const julia = before.find(({ name }) => name === 'Julia kernel');
  if (julia !== undefined) expect(julia).toMatchObject({ state: 'missing', fix: expect.stringContaining('IJulia') });
  const spec = { argv: ['/bin/sh'], display_name: 'Julia 1.12', language: 'julia' };
  await writeFile(join(home, 'kernels', 'julia-1.12', 'kernel.json'), JSON.stringify(spec));
  expect((await checkKernels(cliOf(home))).some(({ name }) => name === 'Julia kernel')).toBe(false);
});

test('a list of servers that cannot be used says why, and breaks nothing else', async ({ home }) => {
  await writeFile(join(home, 'runtimes.json'), '{', { mode: 0o600 });
  expect((await checkKernels(cliOf(home))).at(-1)).toMatchObject({
    name: 'Attached',
    state: 'missing',
    found: expect.stringContaining('it is no JSON'),
  });
});
