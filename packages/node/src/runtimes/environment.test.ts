import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test as base } from 'vitest';
import { finished, testDevice } from '../runs/runs.fixture.ts';
import { environmentHash, workingFolder } from './environment.ts';
import { NO_WISHES } from './runtime.ts';

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'markco-environment-'));
    await use(folder);
    await rm(folder, { recursive: true });
  },
});

test('the hash of an environment changes with the interpreter and with what the project pins', async ({ folder }) => {
  const python = { executable: '/usr/bin/python3', version: '3.11.2' };
  const bare = await environmentHash(python, folder);
  expect(await environmentHash(python, folder)).toBe(bare);
  expect(await environmentHash({ ...python, version: '3.11.3' }, folder)).not.toBe(bare);
  await writeFile(path.join(folder, 'uv.lock'), 'a = 1');
  const pinned = await environmentHash(python, folder);
  await writeFile(path.join(folder, 'uv.lock'), 'a = 2');
  expect(new Set([bare, pinned, await environmentHash(python, folder)]).size).toBe(3);
});

test('a working folder is inside of the project, also behind links', async ({ folder }) => {
  await mkdir(path.join(folder, 'src'));
  await symlink('/tmp', path.join(folder, 'out'));
  expect(await workingFolder(folder, null)).toBe(folder);
  expect(await workingFolder(folder, 'src')).toMatch(/\/src$/);
  for (const wish of ['..', '/etc', 'out', 'nowhere']) expect(await workingFolder(folder, wish)).toBeNull();
});

test('a session runs where its configuration says, and says so when it cannot', async () => {
  await using device = await testDevice();
  await mkdir(path.join(device.project, 'src'));
  const where = (cwd: string, name: string) => {
    const request = device.request('import os; print(os.path.basename(os.getcwd()))');
    if (!('projectId' in request.session)) throw new Error('no key');
    return { ...request, session: { ...request.session, name, config: { ...NO_WISHES, cwd } } };
  };
  expect((await finished(device.runs, where('src', 'a'))).text).toBe('src\n');
  expect((await finished(device.runs, where('gone', 'b'))).run.error?.message).toContain('no folder gone');
  expect(device.runs.sessions.list()[0]?.environmentHash).toMatch(/^[0-9a-f]{64}$/);
});
