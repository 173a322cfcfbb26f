/**
 * A real device as a process of its own, with a home of its own, serving today's page.
 *
 * 1. It can be killed and started again, at the same port and with the same home, as after a crash.
 * 2. Nothing of it is left behind: its process, its interpreters and its home go with `close`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApi, type Api } from '@markco/client/api';
import { endSessions } from '../conformance/end-sessions.ts';

const root = join(import.meta.dirname, '../..');
const SETUP = [join(root, 'setup/run.mjs'), '--page'];

export type Device = {
  readonly home: string;
  readonly port: number;
  readonly token: string;
  readonly api: Api;
  readonly pid: () => number;
  /** The link that `markco up` printed. */
  readonly printedLink: () => string;
  /** Such a link to any place of the page. */
  link(path: string): string;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again where it was. */
  start(): Promise<void>;
  close(): Promise<void>;
};

/** Starts a device with these folders open and resolves when it answers. */
export async function startDevice(...folders: readonly string[]): Promise<Device> {
  const place = await realpath(await mkdtemp(join(tmpdir(), 'markco-device-')));
  const home = join(place, 'home');
  let child: ChildProcess | undefined;
  let pid: number | undefined;

  let link = '';
  const start = async (port: number, open: readonly string[]): Promise<void> => {
    // The same way in as `npm start`, which builds the page when its sources have changed.
    child = spawn(process.execPath, [...SETUP, 'apps/cli/src/main.ts', 'up', '--no-browser', ...open], {
      cwd: place,
      env: {
        ...process.env,
        // The test runner says `test`, and a page built under that name has no service worker.
        NODE_ENV: 'production',
        MARKCO_HOME: home,
        MARKCO_PORT: String(port),
        MARKCO_PROJECTS: join(place, 'projects'),
        MARKCO_MDNS: '0',
        MARKCO_PEER_PORT: '0',
        LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    link = /http:\/\/\S+/.exec(await printed(child, 'Ctrl-C'))?.[0] ?? '';
    pid = (await readPlace(home)).pid;
  };
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    if (pid === undefined) child.kill('SIGKILL');
    else process.kill(pid, 'SIGKILL');
    await ended;
    pid = undefined;
  };

  // Without a folder it would open the sample project, whose files belong to the repository.
  const none = join(place, 'none');
  await mkdir(none);
  await start(0, folders.length > 0 ? folders : [none]);
  const { port } = await readPlace(home);
  const token = (await readFile(join(home, 'api-token'), 'utf8')).trim();
  return {
    home,
    port,
    token,
    api: createApi({ fetch, origin: `http://127.0.0.1:${port}`, token }),
    pid: () => pid ?? -1,
    printedLink: () => link,
    link: (path) => `http://localhost:${port}${path}#token=${token}`,
    kill,
    start: () => start(port, []),
    async close() {
      await kill();
      // Interpreters outlive their device on purpose.
      await endSessions(home);
      await rm(place, { recursive: true, force: true });
    },
  };
}

async function readPlace(home: string): Promise<{ readonly port: number; readonly pid: number }> {
  return JSON.parse(await readFile(join(home, 'device.json'), 'utf8')) as { port: number; pid: number };
}

/** What it said on stdout and stderr until `mark` was there. */
function printed(child: ChildProcess, mark: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.includes(mark)) resolve(said);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.once('exit', (code) => reject(new Error(`The device ended with ${code}: ${said}`)));
  return promise;
}
