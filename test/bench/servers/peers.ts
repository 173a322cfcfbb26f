/** The servers that MarkCo is measured beside, as their packages give them, with storage on. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@markco/replica/free-port.fixture';
import { eventually } from '../wait.ts';
import { endProcess, startProcess, type Address, type Running, type SyncServer } from './server.ts';

const PEERS = join(import.meta.dirname, '../peers');
const START_LIMIT_MS = 30_000;
const TOKEN = 'a-token-of-the-bench';

/** `@y/websocket-server` on Level: y-websocket's own server. It has no sign-in. */
export const yWebsocket: SyncServer = {
  name: 'y-websocket',
  async start(folder) {
    const port = await freePort();
    const script = join(PEERS, 'node_modules/@y/websocket-server/src/server.js');
    const env = { HOST: '127.0.0.1', PORT: String(port), YPERSISTENCE: join(folder, 'level') };
    return run(script, [], folder, env, port, (document) => ({
      dialect: 'y-protocols',
      url: `ws://127.0.0.1:${port}/${document}`,
      name: document,
      token: '',
    }));
  },
};

export const hocuspocus: SyncServer = {
  name: 'Hocuspocus',
  async start(folder) {
    const port = await freePort();
    const args = [String(port), join(folder, 'documents.sqlite'), TOKEN];
    return run(join(PEERS, 'hocuspocus.mjs'), args, folder, {}, port, (document) => ({
      dialect: 'hocuspocus',
      url: `ws://127.0.0.1:${port}/`,
      name: document,
      token: TOKEN,
    }));
  },
};

async function run(
  script: string,
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>>,
  port: number,
  address: (document: string) => Address,
): Promise<Running> {
  const child = startProcess(process.execPath, [script, ...args], folder, { NODE_ENV: 'production', ...env });
  await eventually(`the start of ${script}`, START_LIMIT_MS, () =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => undefined,
    ),
  );
  return {
    pid: child.pid ?? 0,
    address,
    stop: () => endProcess(child, 'SIGTERM'),
    kill: () => endProcess(child, 'SIGKILL'),
  };
}

/** Installs the peers from their own lock file, once; nothing is compiled. Why they are not there, or undefined. */
export function installPeers(say: (text: string) => void): string | undefined {
  if (areInstalled()) return undefined;
  say('Installing the servers to compare with (test/bench/peers), once…');
  try {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--workspaces=false'], {
      cwd: PEERS,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return undefined;
  } catch (error) {
    return `\`npm ci\` in test/bench/peers failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Whether what is there is what the lock file says. */
function areInstalled(): boolean {
  const read = (name: string): Lock => JSON.parse(readFileSync(join(PEERS, name), 'utf8')) as Lock;
  const installed = 'node_modules/.package-lock.json';
  if (!existsSync(join(PEERS, installed))) return false;
  const there = read(installed).packages;
  return Object.entries(read('package-lock.json').packages).every(
    ([path, { version, optional }]) => path === '' || optional === true || there[path]?.version === version,
  );
}

type Lock = {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>>;
};
