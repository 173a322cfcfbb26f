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
  const [kernels, ...none] = await checkKernels(cliOf(home));
  expect(kernels).toMatchObject({ name: 'Kernels', state: 'ok', found: expect.stringContaining('shell (A shell)') });
  expect(none).toEqual([]);
  const servers = [{ name: 'lab', language: 'python', url: 'https://lab.example:8443', token: 'secret' }];
  await writeFile(join(home, 'runtimes.json'), JSON.stringify(servers), { mode: 0o600 });
  const [, attached] = await checkKernels(cliOf(home));
  expect(attached).toEqual({ name: 'Attached', state: 'ok', found: 'lab (lab.example:8443)' });
});

test('a list of servers that cannot be used says why, and breaks nothing else', async ({ home }) => {
  await writeFile(join(home, 'runtimes.json'), '{', { mode: 0o600 });
  const [kernels, attached] = await checkKernels(cliOf(home));
  expect(kernels?.name).toBe('Kernels');
  expect(attached).toMatchObject({ state: 'missing', found: expect.stringContaining('it is no JSON') });
});
