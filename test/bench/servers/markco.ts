/** MarkCo as people run it: a whole device with sign-in, metrics, and the documents as files of an open project. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../wait.ts';
import { endProcess, startProcess, type Running, type SyncServer } from './server.ts';

export type Device = Running & {
  readonly origin: string;
  readonly token: string;
  readonly projectId: string;
  readonly project: string;
  get(path: string): Promise<Response>;
  /** Milliseconds from the command to an answer of `/health`, and to the project being open. */
  readonly started: { readonly readyMs: number; readonly projectMs: number };
};

const MAIN = join(import.meta.dirname, '../../../apps/cli/src/main.ts');
const START_LIMIT_MS = 60_000;

export const projectFolder = (folder: string): string => join(folder, 'project');

export async function startDevice(folder: string, nodeArgs: readonly string[] = []): Promise<Device> {
  const home = join(folder, 'home');
  const project = projectFolder(folder);
  await mkdir(project, { recursive: true });
  await rm(join(home, 'device.json'), { force: true });
  const began = performance.now();
  const child = startProcess(process.execPath, [...nodeArgs, MAIN, 'up', '--no-browser', project], folder, {
    MARKCO_HOME: home,
    MARKCO_PORT: '0',
    LOG_LEVEL: 'warn',
  });
  const { origin } = await eventually('the start of MarkCo', START_LIMIT_MS, async () => {
    if (child.exitCode !== null) throw new Error(`MarkCo ended with ${child.exitCode}`);
    const text = await readFile(join(home, 'device.json'), 'utf8').catch(() => '');
    return text === '' ? undefined : (JSON.parse(text) as { origin: string });
  });
  await fetch(`${origin}/health`);
  const readyMs = performance.now() - began;
  const token = (await readFile(join(home, 'api-token'), 'utf8')).trim();
  const get = (path: string): Promise<Response> => fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` } });
  // Asking again for the same folder answers once its documents are indexed.
  const opening = await fetch(`${origin}/api/projects/open-local`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ localPath: project }),
  });
  const opened = (await opening.json()) as { id: string; slug: string };
  const projectMs = performance.now() - began;
  const { user } = (await (await get('/api/device')).json()) as { user: { id: string } };
  return {
    pid: child.pid ?? 0,
    origin,
    token,
    project,
    projectId: opened.id,
    started: { readyMs, projectMs },
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

/** BENCH_NODE_ARGS: to look closer, as with `--cpu-prof --cpu-prof-dir=/tmp/prof`. */
const nodeArgs = (process.env['BENCH_NODE_ARGS'] ?? '').split(' ').filter((arg) => arg !== '');

export const markco: SyncServer = { name: 'MarkCo', start: (folder) => startDevice(folder, nodeArgs) };
