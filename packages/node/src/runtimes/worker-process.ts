/**
 * Starts the worker of a session so that it outlives this host: in a process session of its own,
 * with no pipe to us. It says on its first output line that it listens; whatever it prints before
 * that is in `worker.log`, which explains a start that failed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '@markco/protocol';
import type { Hold } from './limits/limits.ts';
import type { WorkerCommand } from './runtime.ts';
import { findProcess, signalGroup, type Kill, type ProcessName } from './process-table.ts';

const ENDING_MS = 1_000;
export const LOG_CHARS_SHOWN = 2_000;

export type StartedWorker = {
  readonly process: ProcessName;
  /** How it ended, for one that is known to be dead: `exit code 3`, `signal SIGKILL`; null when nobody says. */
  ending(): Promise<string | null>;
};

/** `runtime_missing` when the interpreter does not start. An abort kills what was started. */
export async function startWorker(
  command: WorkerCommand,
  options: {
    readonly folder: string;
    readonly cwd: string;
    /** What it inherits. */
    readonly env: Readonly<Record<string, string>>;
    readonly hold: Hold;
  },
  kill: Kill,
  signal: AbortSignal,
): Promise<StartedWorker> {
  signal.throwIfAborted();
  const logFile = path.join(options.folder, 'worker.log');
  await using log = await open(logFile, 'w', 0o600);
  const most = options.hold.processBytesMax;
  const [program, ...rest] = most === null ? command.argv : withDataLimit(command.argv, most);
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: { ...options.env, ...command.env },
    detached: true,
    stdio: ['ignore', 'pipe', log.fd],
  });
  if (child.pid !== undefined) void options.hold.add(child.pid);
  let ending: string | null = null;
  const ended = Promise.withResolvers<string>();
  child.once('exit', (code, name) => {
    ending = name === null ? `exit code ${code}` : `signal ${name}`;
    ended.resolve(ending);
  });
  const watch = new AbortController();
  const until = { signal: AbortSignal.any([signal, watch.signal]) };
  const { stdout } = child;
  try {
    if (stdout === null) throw new Failure('internal', 'The worker has no output to wait for.');
    const ready = once(stdout, 'data', until).then(() => true);
    const gone = once(child, 'exit', until).then(() => false);
    const first = await Promise.race([ready, gone]);
    const found = first && child.pid !== undefined ? await findProcess(child.pid) : null;
    if (found === null) {
      const said = (await readFile(logFile, 'utf8')).trim().slice(-LOG_CHARS_SHOWN);
      throw new Failure(
        'runtime_missing',
        `${program} did not start (${ending ?? 'no answer'})${said === '' ? '.' : `: ${said}`}`,
      );
    }
    stdout.destroy();
    child.unref();
    return { process: found, ending: () => saidSoon(ended.promise) };
  } catch (error) {
    if (child.pid !== undefined) signalGroup(kill, { pid: child.pid, startedAt: '' }, 'SIGKILL');
    if (error instanceof Failure) throw error;
    signal.throwIfAborted();
    throw new Failure(
      'runtime_missing',
      `${program} could not be started. Check that it is installed and may be executed.`,
      { cause: error },
    );
  } finally {
    watch.abort();
  }
}

/** A shell can set what Node cannot, and then becomes the program. */
function withDataLimit(argv: WorkerCommand['argv'], bytes: number): WorkerCommand['argv'] {
  return ['/bin/sh', '-c', 'ulimit -d "$0"; exec "$@"', String(Math.floor(bytes / 1024)), ...argv];
}

/** The word of a process's end may be behind the end of its connection. */
export async function saidSoon(said: Promise<string | null>): Promise<string | null> {
  const timer = new AbortController();
  try {
    return await Promise.race([said, delay(ENDING_MS, null, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}

/** What programs that the host starts inherit: its environment without its own settings and secrets, and what was set for it alone. */
export function inherited(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  const own = new Set(env['MARKCO_LEAN']?.split(','));
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !name.startsWith('MARKCO_') && !own.has(name)) kept[name] = value;
  }
  return kept;
}
