/**
 * A Docker Engine for tests: its own socket, data and processes, gone afterwards. The image is made once for each.
 *
 * `MARKCO_RUNSC` is gVisor's program: then containers run in it.
 */
import { execFile, spawn } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, getuid, kill } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { LEAST, makeImage } from '../../setup/container-image.ts';
import { startExec } from '@markco/node/runtimes/containers/exec';
import { createEngine, type Engine } from '@markco/node/runtimes/containers/engine';

const START_MS = 20_000;
const PROGRAM = '/usr/sbin/dockerd';

/** gVisor's program, if containers are to run in it. */
export const GVISOR = env['MARKCO_RUNSC'];

/** Why containers cannot be tested here, or null. */
export async function whyNoDocker(): Promise<string | null> {
  if (getuid?.() !== 0 || env['MARKCO_ROOT_TESTS'] !== '1') return 'starting Docker needs root and MARKCO_ROOT_TESTS=1';
  return access(PROGRAM).then(
    () => null,
    () => 'Docker (docker.io) is not installed',
  );
}

export type TestDocker = Awaited<ReturnType<typeof startDocker>>;

/** What it is told besides where it keeps things, and the program that starts it, with the network that it shall be in. */
export type Started = { readonly within: readonly [string, ...string[]]; readonly args: readonly string[] };

/** Docker alone, without an image. @param folder short: there are sockets in it, whose paths may have a hundred bytes */
export async function startEngine(folder: string, { within: [program, ...before], args }: Started) {
  const socket = `${folder}/docker.sock`;
  const places = ['--host', `unix://${socket}`, '--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`];
  const child = spawn(
    program,
    [...before, PROGRAM, ...places, '--pidfile', `${folder}/pid`, '--log-level', 'error', ...args],
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
  }

  const until = performance.now() + START_MS;
  for (;;) {
    try {
      await engine.version(AbortSignal.timeout(START_MS));
      return { engine, socket, pid: child.pid, stop };
    } catch (cause) {
      if (performance.now() > until || child.exitCode !== null) {
        await stop();
        throw new Error(`Docker did not start: ${said}`, { cause });
      }
      await delay(20);
    }
  }
}

export async function startDocker() {
  const folder = await mkdtemp(join(tmpdir(), 'mkd-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  // In a network of its own: it changes the rules of the one it is in.
  const file = join(folder, 'daemon.json');
  const runtimes = GVISOR === undefined ? {} : { runsc: { path: GVISOR, runtimeArgs: ['--host-uds=create'] } };
  await writeFile(file, JSON.stringify({ runtimes }));
  const started: Started = { within: ['unshare', '--net'], args: ['--bridge', 'none', '--config-file', file] };
  const { engine, socket, pid, stop } = await startEngine(folder, started).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  try {
    const made = await makeImage(engine, LEAST, AbortSignal.timeout(120_000));
    return {
      socket,
      /** Runs a program in the network that Docker is in. */
      inNetwork: (program: string, args: readonly string[]) =>
        promisify(execFile)('nsenter', ['-t', String(pid), '-n', program, ...args]),
      /** Runs a script in every container that runs; whether it succeeded in one of them. */
      async inside(script: string): Promise<boolean> {
        const within = AbortSignal.timeout(10_000);
        const all = (await engine.call('GET', '/containers/json', within)) as { Id: string }[];
        const ends = all.map(async ({ Id }) => {
          const options = { argv: ['/bin/sh', '-c', script], env: {}, cwd: '/' };
          return (await startExec(engine, Id, options, within)).ended;
        });
        return (await Promise.all(ends)).includes('exit code 0');
      },
      engine,
      made,
      async [Symbol.asyncDispose](): Promise<void> {
        const left = (await engine.call('GET', '/containers/json?all=1', AbortSignal.timeout(10_000))) as {
          Id: string;
        }[];
        for (const { Id } of left)
          await engine.call('DELETE', `/containers/${Id}?force=1`, AbortSignal.timeout(10_000));
        await stop();
        // gVisor leaves one there.
        await promisify(execFile)('umount', ['-l', `${folder}/exec/runtime-runc/moby/null-netns`]).catch(
          () => undefined,
        );
        await remove();
      },
    };
  } catch (error) {
    await stop();
    await remove();
    throw error;
  }
}
