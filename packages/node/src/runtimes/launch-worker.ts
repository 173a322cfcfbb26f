/** Starts the worker of a session: forked from a warm interpreter where there is one, which is quick; else from nothing. */
import type { ForkServers } from './fork-server.ts';
import type { Hold } from './limits/limits.ts';
import type { Kill } from './process-table.ts';
import type { SessionPlace, WorkerCommand } from './runtime.ts';
import { startWorker, type StartedWorker } from './worker-process.ts';

export type LaunchParts = {
  readonly forks: ForkServers;
  readonly kill: Kill;
  /** What a worker inherits. */
  readonly env: Readonly<Record<string, string>>;
  readonly hold: Hold;
  /** It could not be forked, and is started the slow way. */
  onNotForked(reason: string): void;
};

/** `runtime_missing` when the interpreter does not start. An abort kills what was started. */
export async function launchWorker(
  command: WorkerCommand,
  place: SessionPlace,
  cwd: string,
  parts: LaunchParts,
  signal: AbortSignal,
): Promise<StartedWorker> {
  const { forkServer } = command;
  if (forkServer !== undefined) {
    try {
      return await parts.forks.fork({ command: { ...command, forkServer }, place, cwd, hold: parts.hold }, signal);
    } catch (error) {
      signal.throwIfAborted();
      parts.onNotForked(String(error));
    }
  }
  return startWorker(command, { folder: place.folder, cwd, env: parts.env, hold: parts.hold }, parts.kill, signal);
}
