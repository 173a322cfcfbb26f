/** Who runs a language when a document names a kernel: what is found by its name, or an error that helps. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test as base } from 'vitest';
import { runtimeFor } from '../descriptor.ts';
import { NO_WISHES, type RuntimePlace } from '../runtime.ts';
import { listKernels } from './jupyter.ts';

const test = base.extend<{ home: string }>({
  home: async ({}, use) => {
    const home = await mkdtemp(path.join(tmpdir(), 'markco-kernels-'));
    await use(home);
    await rm(home, { recursive: true });
  },
});

const soon = (): AbortSignal => AbortSignal.timeout(10_000);
const session = { folder: '/s', socket: '/s/w' };

function placeOf(home: string, kernel: string | null): RuntimePlace {
  const env = { MARKCO_HOME: home, JUPYTER_PATH: home, PATH: '/bin' };
  return { env, projectFolder: path.join(home, 'project'), config: { ...NO_WISHES, kernel } };
}

async function install(home: string, name: string, language: string): Promise<string> {
  const folder = path.join(home, 'kernels', name);
  await mkdir(folder, { recursive: true });
  await writeFile(
    path.join(folder, 'kernel.json'),
    JSON.stringify({ argv: ['/bin/sh'], display_name: name, language }),
  );
  return folder;
}

const attach = (home: string, ...all: readonly object[]) =>
  writeFile(path.join(home, 'runtimes.json'), JSON.stringify(all), { mode: 0o600 });

test('a named kernel takes the place of the built-in interpreter, in any case of its name', async ({ home }) => {
  const folder = await install(home, 'mine', 'python');
  const place = placeOf(home, 'Mine');
  const row = runtimeFor('python');
  expect(await row?.detect(place, soon())).toEqual({ available: true, version: 'mine', executable: folder });
  expect(row?.command(session, folder, place).argv).toContain('jupyter');
});

test('a language whose interpreter is missing runs in its kernel, unless another interpreter is wished', async ({
  home,
}) => {
  const folder = await install(home, 'some', 'R');
  const place = placeOf(home, null);
  const without = { ...place, env: { ...place.env, PATH: home } };
  const row = runtimeFor('r');
  expect(await row?.detect(without, soon())).toEqual({ available: true, version: 'some', executable: folder });
  expect(row?.command(session, folder, without).argv).toContain('jupyter');
  expect(row?.command(session, '/usr/bin/R', without).argv).not.toContain('jupyter');
  const wished = { ...without, config: { ...without.config, path: 'bin/Rscript' } };
  expect(await row?.detect(wished, soon())).toMatchObject({ available: false });
});

test('a named server is attached without its token or address on a command line', async ({ home }) => {
  await attach(home, { name: 'lab', language: 'python', url: 'https://lab.example', token: 'secret' });
  const place = placeOf(home, 'LAB');
  const row = runtimeFor('python');
  const found = await row?.detect(place, soon());
  expect(found).toMatchObject({ available: true, version: 'lab' });
  const argv = row?.command(session, found?.available === true ? found.executable : '', place).argv ?? [];
  expect(argv).toContain('remote');
  expect(argv.join(' ')).not.toMatch(/secret|lab\.example/);
});

test('an unknown name, another language and a file that is wrong are errors that say what to do', async ({ home }) => {
  await install(home, 'mine', 'python');
  const hintOf = async (language: string, kernel: string): Promise<string> => {
    const found = await runtimeFor(language)?.detect(placeOf(home, kernel), soon());
    return found?.available === false ? found.hint : 'available';
  };
  expect(await hintOf('bash', 'your')).toMatch(/no kernel and no attached runtime called your\. There are: .*mine/);
  expect(await hintOf('python', 'http://169.254.169.254/')).toContain('no attached runtime called http://');
  await attach(home, { name: 'lab', language: 'julia', url: 'https://lab.example' });
  expect(await hintOf('python', 'lab')).toBe('The attached runtime lab runs julia, not Python. Name another.');
  expect(await hintOf('jl', 'lab')).toBe('available');
  await attach(home, { name: 'lab' });
  expect(await hintOf('python', 'lab')).toContain('entry 1 (lab)');
});

test('Julia runs in the first kernel of its language; without one, its row says how to get it', async ({ home }) => {
  const row = runtimeFor('julia');
  const found = await row?.detect(placeOf(home, null), soon());
  if (found?.available === false) expect(found.hint).toContain('Pkg.add("IJulia")');
  const folder = await install(home, 'julia-1.12', 'julia');
  expect(await row?.detect(placeOf(home, null), soon())).toMatchObject({ available: true, executable: folder });
});

test('kernels and servers are listed together; servers that cannot be used are left out', async ({ home }) => {
  await install(home, 'octave', 'octave');
  await attach(home, { name: 'lab', language: 'Python', url: 'https://lab.example:1' });
  const all = await listKernels(placeOf(home, null));
  expect(all).toContainEqual({ name: 'octave', label: 'octave', language: 'octave' });
  expect(all).toContainEqual({ name: 'lab', label: 'lab at lab.example:1', language: 'python' });
  await attach(home, {});
  expect((await listKernels(placeOf(home, null))).some(({ name }) => name === 'lab')).toBe(false);
});
