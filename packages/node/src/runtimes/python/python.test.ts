import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { env } from 'node:process';
import type { SessionConfig } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import { runtimeFor } from '../descriptor.ts';
import { NO_WISHES } from '../runtime.ts';
import { pythonRuntime } from './python.ts';

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'markco-python-'));
    await use(folder);
    await rm(folder, { recursive: true });
  },
});

async function program(file: string, script: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

const soon = (): AbortSignal => AbortSignal.timeout(10_000);

test('a language is found by its name and its aliases', () => {
  expect(runtimeFor('Python')?.language).toBe('python');
  expect(runtimeFor('py')?.language).toBe('python');
  expect(runtimeFor('cobol')).toBeUndefined();
});

test('the .venv of the project comes before the python3 of the machine', async ({ folder }) => {
  const own = path.join(folder, '.venv', 'bin', 'python');
  await program(own, 'echo 3.12.1 "$0"');
  const place = { env, projectFolder: folder, config: NO_WISHES };
  expect(await pythonRuntime.detect(place, soon())).toEqual({
    available: true,
    version: '3.12.1',
    executable: own,
    virtualenv: path.join(folder, '.venv'),
  });
  const command = pythonRuntime.command({ folder: '/s', socket: '/s/w' }, own, place);
  expect(command.env['VIRTUAL_ENV']).toBe(path.join(folder, '.venv'));
  expect(command.env['PATH']?.startsWith(path.dirname(own))).toBe(true);
});

test('one that is too old is passed over for a newer one, or named', async ({ folder }) => {
  await program(path.join(folder, 'a', 'python3'), 'echo 2.7.18 "$0"');
  const old = { env: { PATH: path.join(folder, 'a') }, projectFolder: folder, config: NO_WISHES };
  expect(await pythonRuntime.detect(old, soon())).toMatchObject({
    available: false,
    hint: expect.stringContaining('Python 2.7.18; MarkCo needs 3.8'),
  });
  await program(path.join(folder, 'b', 'python'), 'echo 3.9.2 /opt/real/python3.9');
  const both = { env: { PATH: `${folder}/a:${folder}/b` }, projectFolder: folder, config: NO_WISHES };
  expect(await pythonRuntime.detect(both, soon())).toMatchObject({
    available: true,
    version: '3.9.2',
    executable: '/opt/real/python3.9',
  });
});

test('a broken link and a program that fails are passed over; none at all says how to get one', async ({ folder }) => {
  await mkdir(path.join(folder, '.venv', 'bin'), { recursive: true });
  await symlink('/nowhere/python', path.join(folder, '.venv', 'bin', 'python'));
  await program(path.join(folder, 'a', 'python3'), 'exit 1');
  const place = { env: { PATH: path.join(folder, 'a') }, projectFolder: folder, config: NO_WISHES };
  expect(await pythonRuntime.detect(place, soon())).toMatchObject({
    available: false,
    hint: expect.stringContaining('python.org'),
  });
});

test('what the project or document names comes first, and is named when it is not there', async ({ folder }) => {
  await program(path.join(folder, '.venv', 'bin', 'python'), 'echo 3.12.1 "$0"');
  await program(path.join(folder, 'envs', 'a', 'bin', 'python'), 'echo 3.11.4 "$0"');
  await program(path.join(folder, 'my-python'), 'echo 3.10.2 "$0"');
  const place = (wish: Partial<SessionConfig>) => ({
    env,
    projectFolder: folder,
    config: { ...NO_WISHES, ...wish },
  });
  const versionOf = async (wish: Partial<SessionConfig>) => {
    const found = await pythonRuntime.detect(place(wish), soon());
    return found.available ? found.version : found.hint;
  };
  expect(await versionOf({})).toBe('3.12.1');
  expect(await versionOf({ venv: 'envs/a' })).toBe('3.11.4');
  expect(await versionOf({ venv: 'envs/a', path: './my-python' })).toBe('3.10.2');
  expect(await versionOf({ venv: 'envs/b' })).toContain('no Python at envs/b');
});

test('an answer is kept only while the interpreter is the same', async ({ folder }) => {
  const own = path.join(folder, '.venv', 'bin', 'python');
  const place = { env, projectFolder: folder, config: NO_WISHES };
  await program(own, 'echo 3.9.1 "$0"');
  expect(await pythonRuntime.detect(place, soon())).toMatchObject({ version: '3.9.1' });
  await rm(own);
  await program(own, 'echo 3.13.0 "$0"');
  expect(await pythonRuntime.detect(place, soon())).toMatchObject({ version: '3.13.0' });
});
