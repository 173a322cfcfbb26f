/** For tests: what keeps the documents of a device, as a program that can be killed and started again where it was. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { lean, leanEnvironment } from '../../../setup/lean.mjs';

const PROGRAM = join(import.meta.dirname, 'replica-program.fixture.ts');

export type ReplicaProgram = {
  /** At one document, by its id. */
  socket(id: string): WebSocket;
  start(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
};

export async function startReplica(): Promise<ReplicaProgram & AsyncDisposable> {
  const home = await mkdtemp(join(tmpdir(), 'markco-replica-'));
  let child: ChildProcess | undefined;
  let port = 0;

  async function start(): Promise<void> {
    const started = spawn(process.execPath, [...lean, PROGRAM, join(home, 'store')], {
      env: { ...process.env, ...leanEnvironment(process.env) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child = started;
    const ended = once(started, 'exit').then(([code]) => {
      throw new Error(`the replica ended with ${code} before it was ready`);
    });
    const [line] = (await Promise.race([once(started.stdout, 'data'), ended])) as [Buffer];
    ended.catch(() => undefined);
    port = Number(String(line));
  }

  async function kill(): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const gone = once(ending, 'exit');
    ending.kill('SIGKILL');
    await gone;
  }

  await start();
  return {
    socket: (id) => new WebSocket(`ws://127.0.0.1:${port}/${id}`),
    start,
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
