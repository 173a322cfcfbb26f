/**
 * The Jupyter kernels of this machine, found as `jupyter kernelspec list` finds them but without Jupyter:
 * `kernels/NAME/kernel.json` in the data folders of the project's environment, of the user and of the system.
 *
 * R's kernel registers itself only where Jupyter is installed, so its package is looked for besides.
 *
 * 1. The project's own environment comes first: a project that has one means it. Else the first folder that has a name wins.
 */
import { existsSync } from 'node:fs';
import { access, constants, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { platform as thisPlatform } from 'node:process';
import type { RuntimePlace } from '../runtime.ts';

export type Kernelspec = {
  /** The name of its folder, in lower case. */
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  /** For people. */
  readonly label: string;
  /** As the kernel says it: `python`, `R`, `julia`, `octave`. */
  readonly language: string;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly interrupt: 'signal' | 'message';
};

type Environment = RuntimePlace['env'];

const SPECS_MAX = 200;
const SPEC_BYTES_MAX = 64 * 1024;
const NAME = /^[a-z0-9._-]{1,100}$/;

/** Every kernel that could be started, by the rule above; at most 200. What cannot be read is left out. */
export async function findKernelspecs(
  place: Pick<RuntimePlace, 'env' | 'projectFolder' | 'config'>,
  platform: NodeJS.Platform = thisPlatform,
): Promise<readonly Kernelspec[]> {
  const found = new Map<string, Kernelspec>();
  for (const folder of kernelFolders(place, platform)) {
    const names = await readdir(folder).catch((): string[] => []);
    for (const name of names.toSorted()) {
      if (found.size >= SPECS_MAX) return [...found.values()];
      if (!NAME.test(name.toLowerCase()) || found.has(name.toLowerCase())) continue;
      const spec = await readKernelspec(path.join(folder, name));
      if (spec !== null && (await isThere(spec.argv[0], place.env))) found.set(spec.name, spec);
    }
  }
  for (const library of found.has('ir') ? [] : await rLibraries(place.env)) {
    const spec = await readKernelspec(path.join(library, 'IRkernel', 'kernelspec'));
    if (spec === null || !(await isThere(spec.argv[0], place.env))) continue;
    return [...found.values(), { ...spec, name: 'ir' }];
  }
  return [...found.values()];
}

/** Where R keeps packages; of a user the newest version's first. */
async function rLibraries(env: Environment): Promise<readonly string[]> {
  const home = env['HOME'];
  const own = home === undefined ? [] : await Promise.all((await foldersIn(path.join(home, 'R'))).map(foldersIn));
  const named = [env['R_LIBS'], env['R_LIBS_USER'], env['R_LIBS_SITE']].flatMap((all) =>
    (all ?? '').split(path.delimiter),
  );
  const system = ['/usr/local/lib/R/site-library', '/usr/lib/R/site-library', '/usr/lib/R/library'];
  const all = [...named, ...own.flat(), ...system, '/Library/Frameworks/R.framework/Resources/library'];
  return all.filter((folder) => path.isAbsolute(folder));
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((): string[] => []);
  return names
    .toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .slice(0, 20)
    .map((name) => path.join(folder, name));
}

/** Whether what a row found is a kernelspec's folder, and no program. */
export function isKernelspec(executable: string): boolean {
  return existsSync(path.join(executable, 'kernel.json'));
}

/** The kernelspec in a folder, or null when there is none that can be read. */
export async function readKernelspec(folder: string): Promise<Kernelspec | null> {
  try {
    const bytes = await readFile(path.join(folder, 'kernel.json'));
    if (bytes.length > SPEC_BYTES_MAX) return null;
    const written = JSON.parse(bytes.toString('utf8')) as Readonly<Record<string, unknown>>;
    const argv = written['argv'];
    if (!Array.isArray(argv) || !argv.every((part) => typeof part === 'string')) return null;
    const [program, ...rest] = argv as string[];
    if (program === undefined || program === '') return null;
    const name = path.basename(folder).toLowerCase();
    return {
      name,
      folder,
      label: textOf(written['display_name']) ?? name,
      language: textOf(written['language']) ?? '',
      argv: [await programOf(program, folder), ...rest],
      env: textsOf(written['env']),
      interrupt: written['interrupt_mode'] === 'message' ? 'message' : 'signal',
    };
  } catch {
    return null;
  }
}

/**
 * What was run is kept with its document. IPython's own history is one file for all kernels of a person, and one that
 * starts at the same moment as another complains about it in the output of a cell.
 */
const OWN_HISTORY = '--HistoryManager.hist_file=:memory:';

/** Its program and arguments for a connection file, as Jupyter fills them in. */
export function kernelArgv(spec: Kernelspec, connectionFile: string): readonly [string, ...string[]] {
  const values: Readonly<Record<string, string>> = {
    connection_file: connectionFile,
    resource_dir: spec.folder,
    prefix: path.resolve(spec.folder, '..', '..', '..', '..'),
  };
  const fill = (part: string): string => part.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  const [program, ...rest] = spec.argv;
  const own = rest.some((part) => part.startsWith('ipykernel')) ? [OWN_HISTORY] : [];
  return [fill(program), ...rest.map(fill), ...own];
}

/** The environment it is started with: ours, and what it asks for, where `${NAME}` is a variable of ours. */
export function kernelEnv(spec: Kernelspec, env: Environment): Record<string, string> {
  const filled = Object.entries(spec.env).map(([name, value]) => [
    name,
    value.replace(/\$\{(\w+)\}/g, (_whole, other: string) => env[other] ?? ''),
  ]);
  const inherited = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(inherited), ...Object.fromEntries(filled) };
}

function kernelFolders(
  { env, projectFolder, config }: Pick<RuntimePlace, 'env' | 'projectFolder' | 'config'>,
  platform: NodeJS.Platform,
): readonly string[] {
  const home = env['HOME'];
  const prefixes = [
    ...(config.venv === null ? [] : [path.resolve(projectFolder, config.venv)]),
    path.join(projectFolder, '.venv'),
  ];
  const around = [env['VIRTUAL_ENV'], env['CONDA_PREFIX']];
  const own =
    env['JUPYTER_DATA_DIR'] ??
    (home === undefined
      ? undefined
      : platform === 'darwin'
        ? path.join(home, 'Library', 'Jupyter')
        : path.join(env['XDG_DATA_HOME'] ?? path.join(home, '.local', 'share'), 'jupyter'));
  const system = ['/usr/local', '/usr', ...(platform === 'darwin' ? ['/opt/homebrew'] : [])];
  const share = (prefix: string | undefined) => (prefix === undefined ? [] : [path.join(prefix, 'share', 'jupyter')]);
  const data = [
    ...prefixes.flatMap(share),
    ...(env['JUPYTER_PATH'] ?? '').split(path.delimiter),
    ...(own === undefined ? [] : [own]),
    ...around.flatMap(share),
    ...system.flatMap(share),
  ];
  return [...new Set(data.filter((folder) => path.isAbsolute(folder)))].map((folder) => path.join(folder, 'kernels'));
}

/** `python` without a folder means the one of the environment that the kernelspec is in. */
async function programOf(program: string, folder: string): Promise<string> {
  if (!/^python(?:3(?:\.\d+)?)?$/.test(program)) return program;
  const beside = path.resolve(folder, '..', '..', '..', '..', 'bin', program);
  return (await isExecutable(beside)) ? beside : program;
}

/** Whether a program can be started: a path, or a name in PATH. */
async function isThere(program: string, env: Environment): Promise<boolean> {
  if (program.includes('{')) return true;
  if (program.includes('/')) return isExecutable(program);
  for (const folder of (env['PATH'] ?? '').split(path.delimiter))
    if (path.isAbsolute(folder) && (await isExecutable(path.join(folder, program)))) return true;
  return false;
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
}

function textsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
