/** A sync server under measurement: a process of its own, on a folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** How a raw client reaches one document. `hocuspocus` prefixes every message with the document's name. */
export type Address = {
  readonly dialect: 'y-protocols' | 'hocuspocus';
  readonly url: string;
  readonly name: string;
  readonly token: string;
  /** The name that it answers to, where the way to it begins at another port. */
  readonly host?: string;
};

export type Running = {
  readonly pid: number;
  address(document: string): Address;
  /** Asks it to end, and waits for that. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
};

export type SyncServer = {
  readonly name: string;
  /** Starts on what an earlier run left in `folder`, and resolves when it takes connections. */
  start(folder: string): Promise<Running>;
};

const STOP_LIMIT_MS = 20_000;

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** A child that never outlives the bench. */
export function startProcess(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  children.add(child);
  child.on('exit', (code) => {
    children.delete(child);
    if (code !== null && code !== 0 && code < 128) console.error(`${args[0] ?? command} ended with ${code}: ${said}`);
  });
  return child;
}

export async function endProcess(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  const cut = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await gone;
  clearTimeout(cut);
}
