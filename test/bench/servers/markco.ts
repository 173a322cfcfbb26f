/** MarkCo as people run it: a whole device with sign-in, metrics, and the documents as files of an open project. */
import { once } from 'node:events';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lean, leanEnvironment } from '../../../setup/lean.mjs';
import { eventually } from '../wait.ts';
import { endProcess, startProcess, type Running, type SyncServer } from './server.ts';

export type Device = Running & {
  readonly origin: string;
  readonly token: string;
  readonly projectId: string;
  readonly slug: string;
  readonly project: string;
  get(path: string): Promise<Response>;
};

const ROOT = join(import.meta.dirname, '../../..');
const MAIN = join(ROOT, 'apps/cli/src/main.ts');
const START_LIMIT_MS = 60_000;

/** As `npm start` passes it. BENCH_NODE_ARGS: to look closer, as with `--cpu-prof --cpu-prof-dir=/tmp/prof`. */
const nodeArgs = [...lean, ...(process.env['BENCH_NODE_ARGS'] ?? '').split(' ').filter((arg) => arg !== '')];

export const projectFolder = (folder: string): string => join(folder, 'project');

/** `variables` are set besides those that every device here has. */
export async function startDevice(folder: string, variables: Readonly<Record<string, string>> = {}): Promise<Device> {
  const home = join(folder, 'home');
  const project = projectFolder(folder);
  await mkdir(project, { recursive: true });
  await rm(join(home, 'device.json'), { force: true });
  const child = startProcess(process.execPath, [...nodeArgs, MAIN, 'up', '--no-browser', project], folder, {
    ...environment(folder),
    ...variables,
  });
  const { origin } = await eventually('the start of MarkCo', START_LIMIT_MS, async () => {
    if (child.exitCode !== null) throw new Error(`MarkCo ended with ${child.exitCode}`);
    const text = await readFile(join(home, 'device.json'), 'utf8').catch(() => '');
    return text === '' ? undefined : (JSON.parse(text) as { origin: string });
  });
  const token = (await readFile(join(home, 'api-token'), 'utf8')).trim();
  const get = (path: string): Promise<Response> =>
    fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` } });
  // Asking again for the same folder answers once its documents are indexed.
  const opening = await fetch(`${origin}/api/projects/open-local`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ localPath: project }),
  });
  const opened = (await opening.json()) as { id: string; slug: string };
  const { user } = (await (await get('/api/device')).json()) as { user: { id: string } };
  return {
    pid: child.pid ?? 0,
    origin,
    token,
    project,
    projectId: opened.id,
    slug: opened.slug,
    get,
    address: (document) => ({
      dialect: 'y-protocols',
      url: `${origin.replace('http', 'ws')}/sync/${user.id}/${opened.slug}/${document}?token=${token}`,
      name: document,
      token,
    }),
    stop: () => endProcess(child, 'SIGTERM'),
    kill: () => endProcess(child, 'SIGKILL'),
  };
}

/** As `npm start` has it, which keeps compiled code between starts. */
function environment(folder: string): Record<string, string> {
  return {
    MARKCO_HOME: join(folder, 'home'),
    MARKCO_PROJECTS: join(folder, 'projects'),
    MARKCO_PORT: '0',
    LOG_LEVEL: 'warn',
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/compiled'),
    ...leanEnvironment(process.env),
  };
}

/** Milliseconds from `npm start` to an answer of the device; it is stopped again. */
export async function timeNpmStart(folder: string): Promise<number> {
  const file = join(folder, 'home/device.json');
  await rm(file, { force: true });
  const began = performance.now();
  const child = startProcess('npm', ['start', '--', '--no-browser', projectFolder(folder)], ROOT, environment(folder));
  const { origin, pid } = await eventually('npm start', START_LIMIT_MS, async () => {
    const text = await readFile(file, 'utf8').catch(() => '');
    return text === '' ? undefined : (JSON.parse(text) as { origin: string; pid: number });
  });
  await fetch(`${origin}/health`);
  const ms = performance.now() - began;
  const gone = once(child, 'exit');
  process.kill(pid, 'SIGTERM');
  await gone;
  return ms;
}

export const markco: SyncServer = { name: 'MarkCo', start: (folder) => startDevice(folder) };
