/** Jupyter as its own server and kernel, in a Python environment that the bench makes for itself. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@markco/replica/free-port.fixture';
import { eventually } from '../wait.ts';
import { endProcess, startProcess } from './server.ts';

const PEERS = join(import.meta.dirname, '../peers');
const PLACE = join(import.meta.dirname, '../../../node_modules/.cache/bench-jupyter');
const START_LIMIT_MS = 60_000;
const TOKEN = 'a-token-of-the-bench';

export type Jupyter = {
  readonly pid: number;
  readonly origin: string;
  readonly token: string;
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
};

/** The folder with `python` and everything installed beside it. */
export const JUPYTER_BIN = join(PLACE, 'bin');
/** Where its kernels are described. */
export const JUPYTER_SHARE = join(PLACE, 'share/jupyter');

/** Installs it once, from the versions in `requirements.txt`. Why it is not there, or undefined. */
export function installJupyter(say: (text: string) => void): string | undefined {
  const wanted = readFileSync(join(PEERS, 'requirements.txt'), 'utf8');
  const done = join(PLACE, 'installed.txt');
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return undefined;
  say('Installing Jupyter to compare with (test/bench/peers/requirements.txt), once…');
  try {
    rmSync(PLACE, { recursive: true, force: true });
    mkdirSync(PLACE, { recursive: true });
    const run = (program: string, ...args: string[]): void =>
      void execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    run('python3', '-m', 'venv', PLACE);
    run(join(JUPYTER_BIN, 'pip'), 'install', '--disable-pip-version-check', '-r', join(PEERS, 'requirements.txt'));
    writeFileSync(done, wanted);
    return undefined;
  } catch (error) {
    return `Jupyter could not be installed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export async function startJupyter(folder: string): Promise<Jupyter> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = startProcess(
    join(JUPYTER_BIN, 'python'),
    [
      '-m',
      'jupyter_server',
      `--config=${join(PEERS, 'jupyter-server.config.py')}`,
      '--allow-root',
      '--ServerApp.ip=127.0.0.1',
      `--ServerApp.port=${port}`,
      `--ServerApp.root_dir=${folder}`,
      '--log-level=ERROR',
    ],
    folder,
    jupyterEnvironment(folder),
  );
  await eventually('the start of Jupyter Server', START_LIMIT_MS, () =>
    fetch(`${origin}/api`).then(
      () => true,
      () => undefined,
    ),
  );
  return {
    pid: child.pid ?? 0,
    origin,
    token: TOKEN,
    stop: () => endProcess(child, 'SIGTERM'),
    kill: () => endProcess(child, 'SIGKILL'),
  };
}

/** Nothing of the person whose machine this is, and the same interpreter for everybody. */
function jupyterEnvironment(folder: string): Record<string, string> {
  return {
    JUPYTER_TOKEN: TOKEN,
    JUPYTER_CONFIG_DIR: join(folder, 'config'),
    JUPYTER_DATA_DIR: join(folder, 'data'),
    JUPYTER_RUNTIME_DIR: join(folder, 'runtime'),
    IPYTHONDIR: join(folder, 'ipython'),
    PATH: withJupyterFirst(),
  };
}

/** A PATH that finds the bench's own interpreter first. */
export const withJupyterFirst = (): string => `${JUPYTER_BIN}:${process.env['PATH'] ?? ''}`;
