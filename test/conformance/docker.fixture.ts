/** A Docker Engine for tests: its own socket, data and processes, gone afterwards. The image is made once for each. */
import { execFile, spawn } from 'node:child_process';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, getuid, kill } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { LEAST, makeImage } from '../../setup/container-image.ts';
import { createEngine, type Engine } from '@markco/node/runtimes/containers/engine';

const START_MS = 20_000;
const PROGRAM = '/usr/sbin/dockerd';

/** Why containers cannot be tested here, or null. */
export async function whyNoDocker(): Promise<string | null> {
  if (getuid?.() !== 0 || env['MARKCO_ROOT_TESTS'] !== '1') return 'starting Docker needs root and MARKCO_ROOT_TESTS=1';
  return access(PROGRAM).then(
    () => null,
    () => 'Docker (docker.io) is not installed',
  );
}

export type TestDocker = Awaited<ReturnType<typeof startDocker>>;

export async function startDocker() {
  // Short: there are sockets in it, whose paths may have a hundred bytes.
  const folder = await mkdtemp(join(tmpdir(), 'mkd-'));
  const socket = `${folder}/docker.sock`;
  const child = spawn(
    // In a network of its own: it changes the rules of the one it is in.
    'unshare',
    [
      ...[
        '--net',
        PROGRAM,
        '--host',
        `unix://${socket}`,
        '--data-root',
        `${folder}/data`,
        '--exec-root',
        `${folder}/exec`,
      ],
      ...['--pidfile', `${folder}/pid`, '--bridge', 'none', '--log-level', 'error'],
    ],
    { detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const engine: Engine = createEngine(socket);
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = (said + String(text)).slice(-4_000)));
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));

  async function stop(): Promise<void> {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.pid !== undefined && kill(-child.pid, 'SIGKILL'), START_MS);
    await gone;
    clearTimeout(timer);
    await rm(folder, { recursive: true, force: true });
  }

  async function answers(): Promise<void> {
    const until = performance.now() + START_MS;
    for (;;) {
      try {
        await engine.version(AbortSignal.timeout(START_MS));
        return;
      } catch (cause) {
        if (performance.now() > until || child.exitCode !== null)
          throw new Error(`Docker did not start: ${said}`, { cause });
        await delay(20);
      }
    }
  }

  try {
    await answers();
    const made = await makeImage(engine, LEAST, AbortSignal.timeout(120_000));
    return {
      socket,
      /** Runs a program in the network that Docker is in. */
      inNetwork: (program: string, args: readonly string[]) =>
        promisify(execFile)('nsenter', ['-t', String(child.pid), '-n', program, ...args]),
      engine,
      made,
      async [Symbol.asyncDispose](): Promise<void> {
        const left = (await engine.call('GET', '/containers/json?all=1', AbortSignal.timeout(10_000))) as {
          Id: string;
        }[];
        for (const { Id } of left)
          await engine.call('DELETE', `/containers/${Id}?force=1`, AbortSignal.timeout(10_000));
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
