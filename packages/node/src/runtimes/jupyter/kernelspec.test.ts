import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test as base } from 'vitest';
import { NO_WISHES } from '../runtime.ts';
import { findKernelspecs, kernelArgv, kernelEnv, readKernelspec } from './kernelspec.ts';

const test = base.extend<{ folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'markco-kernelspec-'));
    await use(folder);
    await rm(folder, { recursive: true });
  },
});

const spec = { argv: ['/bin/sh', '-c', 'exit', '{connection_file}'], display_name: 'A shell', language: 'sh' };

async function install(data: string, name: string, written: unknown): Promise<string> {
  const folder = path.join(data, 'kernels', name);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'kernel.json'), typeof written === 'string' ? written : JSON.stringify(written));
  return folder;
}

function place(folder: string) {
  return { env: { HOME: path.join(folder, 'home'), PATH: '/bin' }, projectFolder: folder, config: NO_WISHES };
}

test('the environment of the project comes before the folder of the user, on each system', async ({ folder }) => {
  const own = await install(path.join(folder, '.venv', 'share', 'jupyter'), 'One', spec);
  await install(path.join(folder, 'home', '.local', 'share', 'jupyter'), 'one', spec);
  const users = await install(path.join(folder, 'home', '.local', 'share', 'jupyter'), 'two', spec);
  const macs = await install(path.join(folder, 'home', 'Library', 'Jupyter'), 'three', spec);
  const linux = await findKernelspecs(place(folder), 'linux');
  expect(linux.find(({ name }) => name === 'one')?.folder).toBe(own);
  expect(linux.find(({ name }) => name === 'two')?.folder).toBe(users);
  expect(linux.find(({ name }) => name === 'three')).toBeUndefined();
  const mac = await findKernelspecs(place(folder), 'darwin');
  expect(mac.find(({ name }) => name === 'three')).toMatchObject({ folder: macs, label: 'A shell', language: 'sh' });
});

test('JUPYTER_PATH names further folders; a relative one is passed over', async ({ folder }) => {
  await install(path.join(folder, 'more'), 'extra', spec);
  const env = { ...place(folder).env, JUPYTER_PATH: `relative:${folder}/more` };
  const found = await findKernelspecs({ ...place(folder), env });
  expect(found.map(({ name }) => name)).toContain('extra');
});

test('the kernel of R is found in its package, where nobody has registered it', async ({ folder }) => {
  const made = async (version: string): Promise<string> => {
    const own = path.join(folder, 'home', 'R', 'x86_64-library', version, 'IRkernel', 'kernelspec');
    await mkdir(own, { recursive: true });
    await writeFile(path.join(own, 'kernel.json'), JSON.stringify({ ...spec, language: 'R' }));
    return own;
  };
  await made('4.9');
  const newest = await made('4.10');
  const registered = (await findKernelspecs(place(folder))).find(({ name }) => name === 'ir');
  // This machine may have one that is registered, which then comes first.
  expect([newest, '/usr/share/jupyter/kernels/ir', '/usr/local/share/jupyter/kernels/ir']).toContain(
    registered?.folder,
  );
  const named = await install(path.join(folder, 'home', '.local', 'share', 'jupyter'), 'ir', spec);
  expect((await findKernelspecs(place(folder), 'linux')).filter(({ name }) => name === 'ir')).toMatchObject([
    { folder: named },
  ]);
});

test('what cannot be read or started is left out', async ({ folder }) => {
  const data = path.join(folder, 'home', '.local', 'share', 'jupyter');
  await install(data, 'garbage', '{');
  await install(data, 'no-argv', { language: 'x' });
  await install(data, 'empty', { argv: [] });
  await install(data, 'numbers', { argv: [1] });
  await install(data, 'large', { ...spec, metadata: 'x'.repeat(70_000) });
  await install(data, 'missing', { ...spec, argv: ['/nowhere/program'] });
  await install(data, 'odd name', spec);
  await install(data, 'good', spec);
  const names = (await findKernelspecs(place(folder), 'linux')).filter((each) => each.folder.startsWith(folder));
  expect(names.map(({ name }) => name)).toEqual(['good']);
});

test('arguments and environment are filled in; `python` is that of its own environment', async ({ folder }) => {
  const prefix = path.join(folder, 'env');
  await mkdir(path.join(prefix, 'bin'), { recursive: true });
  await writeFile(path.join(prefix, 'bin', 'python3'), '#!/bin/sh\n', { mode: 0o755 });
  const made = await install(path.join(prefix, 'share', 'jupyter'), 'py', {
    argv: ['python3', '-f', '{connection_file}', '{resource_dir}/x', '{other}'],
    language: 'python',
    env: { PLACE: '${HOME}/y', NOTHING: '[${UNKNOWN}]', NUMBER: 1 },
    interrupt_mode: 'message',
  });
  const read = await readKernelspec(made);
  if (read === null) throw new Error('not read');
  expect(kernelArgv(read, '/c.json')).toEqual([`${prefix}/bin/python3`, '-f', '/c.json', `${made}/x`, '{other}']);
  expect(kernelEnv(read, { HOME: '/h', GONE: undefined })).toEqual({ HOME: '/h', PLACE: '/h/y', NOTHING: '[]' });
  expect(read.interrupt).toBe('message');
});
