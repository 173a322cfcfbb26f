/**
 * `npm run image`: makes the image in which cells run in containers, from packages of Debian, and gives it to Docker.
 *
 *   npm run image -- [--socket /var/run/docker.sock] [--with PACKAGE,…]
 *
 * 1. The packages are unpacked, not installed: no script of theirs runs, and no root is needed.
 * 2. It is made once for the same packages in the same versions by the same recipe: its hash is on the image.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { parseArgs, promisify } from 'node:util';
import { createEngine, type Engine } from '@markco/node/runtimes/containers/engine';
import { IMAGE, RECIPE_LABEL, RUNTIMES_LABEL } from '@markco/node/runtimes/containers/image';

/** Without these nothing runs: `libstdc++6` is for the Node that the device lends. What they need comes with them. */
export const LEAST = ['bash', 'coreutils', 'dash', 'libstdc++6', 'python3'];
const USUAL = [...LEAST, 'ca-certificates', 'findutils', 'grep', 'gzip', 'mawk', 'procps', 'sed', 'tar'];
const NOT_NEEDED = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/info',
  'usr/share/lintian',
  'usr/share/locale',
  'var/cache',
];
/** Of Python: large, and of no use to a cell. */
const NOT_COMPILED = 'lib2to3|pydoc_data|idlelib|distutils|ensurepip|test|unittest|xmlrpc|wsgiref|turtle';
/** What the programs of the packages would have made of the root when they are installed. */
const MERGED = ['bin', 'sbin', 'lib', 'lib64'];
const FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/:/bin/false\nmarkco:x:61000:61000:markco:/tmp:/bin/bash\n',
  'etc/group': 'root:x:0:\nmarkco:x:61000:\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};
const LINKS: Readonly<Record<string, string>> = { 'usr/bin/awk': 'mawk', 'usr/bin/sh': 'dash' };
const ENV = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const run = (program: string, args: readonly string[], cwd?: string) =>
  promisify(execFile)(program, [...args], {
    env: ENV,
    maxBuffer: 64 * 1024 * 1024,
    ...(cwd === undefined ? {} : { cwd }),
  });

export type Made = { readonly isNew: boolean; readonly bytes: number; readonly ms: number };

/** Rejects with a sentence. */
export async function makeImage(engine: Engine, packages: readonly string[], signal: AbortSignal): Promise<Made> {
  const began = performance.now();
  const archives = await listArchives(packages);
  const source = await readFile(import.meta.filename, 'utf8');
  const recipe = createHash('sha256').update(source).update(archives.join('\n')).digest('hex');
  const before = await recipeOf(engine, signal);
  if (before?.recipe === recipe) return { isNew: false, bytes: before.bytes, ms: performance.now() - began };
  const work = await mkdtemp(join(tmpdir(), 'markco-image-'));
  try {
    const root = await unpack(work, archives);
    const runtimes = {
      python: { version: versionOf('python3', archives), executable: '/usr/bin/python3' },
      bash: { version: versionOf('bash', archives), executable: '/usr/bin/bash' },
    };
    const changes = [
      `LABEL ${RUNTIMES_LABEL}=${JSON.stringify(JSON.stringify(runtimes))}`,
      `LABEL ${RECIPE_LABEL}=${recipe}`,
    ];
    const bytes = await giveImage(engine, root, IMAGE, changes, signal);
    return { isNew: true, bytes, ms: performance.now() - began };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Resolves with how large it is. @param changes lines of a Dockerfile */
export async function giveImage(
  engine: Engine,
  root: string,
  name: string,
  changes: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const file = `${root}.tar`;
  const from = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  await run('tar', [...from, '-cf', file, '-C', root, '.']);
  const [repo = '', tag = ''] = name.split(':');
  const query = new URLSearchParams({ fromSrc: '-', repo, tag });
  for (const change of changes) query.append('changes', change);
  const said = await engine.sendFile(`/images/create?${query}`, createReadStream(file), signal);
  const problem = /"error":"([^"]*)"/.exec(said)?.[1];
  if (problem !== undefined) throw new Error(`Docker did not take the image: ${problem}`);
  return (await stat(file)).size;
}

/** Packages with all that they need, as they are on a machine that has nothing else. @param work an empty folder */
export const unpackPackages = async (work: string, packages: readonly string[]): Promise<string> =>
  unpack(work, await listArchives(packages));

async function recipeOf(
  engine: Engine,
  signal: AbortSignal,
): Promise<{ recipe: string | undefined; bytes: number } | null> {
  const image = (await engine.call('GET', `/images/${IMAGE}/json`, signal).catch(() => null)) as {
    readonly Size: number;
    readonly Config: { readonly Labels: Readonly<Record<string, string>> | null };
  } | null;
  return image === null ? null : { recipe: image.Config.Labels?.[RECIPE_LABEL], bytes: image.Size };
}

/** Everything that these packages need on a machine that has none, each as `name=version`. */
async function listArchives(packages: readonly string[]): Promise<readonly string[]> {
  const state = await mkdtemp(join(tmpdir(), 'markco-apt-'));
  try {
    await writeFile(join(state, 'status'), '');
    const { stdout } = await run('apt-get', [
      ...[
        '-o',
        `Dir::State::status=${join(state, 'status')}`,
        '-o',
        'APT::Install-Recommends=0',
        '-o',
        'Debug::NoLocking=1',
      ],
      ...['install', '--simulate', ...packages],
    ]);
    const found = [...stdout.matchAll(/^Inst (\S+) \((\S+) /gm)].map(([, name, version]) => `${name}=${version}`);
    if (found.length === 0) throw new Error('apt names no packages. Run `apt-get update` first.');
    return found.sort();
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

async function unpack(work: string, archives: readonly string[]): Promise<string> {
  const root = join(work, 'root');
  const downloads = join(work, 'archives');
  await mkdir(downloads);
  for (const name of MERGED) await mkdir(join(root, 'usr', name), { recursive: true });
  for (const name of MERGED) await symlink(`usr/${name}`, join(root, name));
  await chmod(downloads, 0o777); // apt lets go of root to download.
  await chmod(work, 0o755);
  await run('apt-get', ['download', '-qq', ...archives], downloads);
  for (const name of (await readdir(downloads)).toSorted()) await unpackOne(join(downloads, name), root);
  for (const folder of NOT_NEEDED) await rm(join(root, folder), { recursive: true, force: true });
  for (const folder of ['project', 'run/markco', 'tmp', 'proc', 'sys', 'dev', 'etc'])
    await mkdir(join(root, folder), { recursive: true });
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(root, name), text);
  for (const [name, to] of Object.entries(LINKS)) {
    await rm(join(root, name), { force: true });
    await symlink(to, join(root, name));
  }
  await compilePython(root);
  // Nobody in a container becomes another user.
  await run('find', [root, '-xdev', '-perm', '/6000', '-type', 'f', '-exec', 'chmod', 'a-s', '{}', '+']);
  return root;
}

/** The links of a merged `/usr` stay links. */
async function unpackOne(archive: string, root: string): Promise<void> {
  const files = spawn('dpkg-deb', ['--fsys-tarfile', archive], { stdio: ['ignore', 'pipe', 'inherit'] });
  const tar = spawn('tar', ['-x', '--keep-directory-symlink', '--no-same-owner', '-C', root], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  files.stdout.pipe(tar.stdin);
  const [code] = (await once(tar, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${archive} could not be unpacked.`);
}

/** Nobody can write what Python would keep of its own modules, so it would read all of them anew at each start. */
async function compilePython(root: string): Promise<void> {
  const libraries = (await readdir(join(root, 'usr/lib'))).filter((name) => name.endsWith('-linux-gnu'));
  const loader = (await readdir(join(root, 'usr/lib64')).catch(() => [])).find((name) => name.startsWith('ld-linux'));
  const versions = (await readdir(join(root, 'usr/lib'))).filter((name) => /^python3\.\d+$/.test(name));
  const [version] = versions;
  if (version === undefined || loader === undefined)
    return say('Python is not compiled: its first cells start slowly.');
  const modules = join(root, 'usr/lib', version);
  await run(join(root, 'usr/lib64', loader), [
    ...['--library-path', libraries.map((name) => join(root, 'usr/lib', name)).join(':')],
    ...[join(root, 'usr/bin', version), '-S', '-E', '-m', 'compileall', '-q', '-s', root, '-p', '/'],
    ...['--invalidation-mode', 'unchecked-hash', '-x', `/(${NOT_COMPILED})`, modules],
  ]).catch((error: { readonly stderr?: string }) =>
    say(`Python is not compiled whole: ${error.stderr ?? String(error)}`),
  );
}

/** Of the program, without what Debian adds. */
function versionOf(name: string, archives: readonly string[]): string {
  const own = archives.find((archive) => archive.startsWith(`${name}=`)) ?? '';
  return /=(?:\d+:)?(\d+(?:\.\d+)*)/.exec(own)?.[1] ?? '';
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { socket: { type: 'string' }, with: { type: 'string' } } });
  const signal = AbortSignal.timeout(30 * 60_000);
  const engine = createEngine(values.socket ?? '/var/run/docker.sock');
  const made = await makeImage(engine, [...USUAL, ...(values.with?.split(',') ?? [])], signal);
  const megabytes = (made.bytes / 1e6).toFixed(0);
  say(
    made.isNew
      ? `Made ${IMAGE}: ${megabytes} MB in ${(made.ms / 1000).toFixed(1)} s.`
      : `${IMAGE} is as it should be: ${megabytes} MB.`,
  );
}
