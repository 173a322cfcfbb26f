/**
 * Begins the worker of a session: finds the interpreter that its project and document wish, and starts it where they
 * wish; forked from a warm one where there is one, which is quick, else from nothing.
 */
import { Failure, type SessionConfig } from '@markco/protocol';
import { environmentHash, workingFolder } from './environment.ts';
import type { ForkServers } from './fork-server.ts';
import type { Hold } from './limits/limits.ts';
import type { Kill } from './process-table.ts';
import type { RuntimeDescriptor, SessionPlace, WorkerCommand } from './runtime.ts';
import type { SessionLog } from './session-parts.ts';
import { inherited, startWorker, type StartedWorker } from './worker-process.ts';
import type { Begun } from './workplace.ts';

export type BeginParts = {
  readonly descriptor: RuntimeDescriptor;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly kill: Kill;
  readonly log: SessionLog;
  readonly forks: ForkServers;
  readonly hold: Hold;
  projectFolder(): Promise<string>;
};

/** `runtime_missing` when there is no interpreter or it does not start. An abort kills what was started. */
export async function beginWorker(
  place: SessionPlace,
  config: SessionConfig,
  parts: BeginParts,
  signal: AbortSignal,
): Promise<Begun> {
  const { descriptor, env } = parts;
  const projectFolder = await parts.projectFolder();
  const where = { env, projectFolder, config };
  const detected = await descriptor.detect(where, signal);
  if (!detected.available) throw new Failure('runtime_missing', detected.hint);
  const { executable } = detected;
  const cwd = await workingFolder(projectFolder, config.cwd);
  if (cwd === null) {
    throw new Failure(
      'runtime_missing',
      `There is no folder ${config.cwd} in this project. Correct \`cwd\` in mrmd.md or in the front matter.`,
    );
  }
  const [worker, hash] = await Promise.all([
    launch(descriptor.command(place, executable, where), place, cwd, parts, signal),
    environmentHash(detected, projectFolder),
  ]);
  return { worker, about: { executable, environmentHash: hash } };
}

async function launch(
  command: WorkerCommand,
  place: SessionPlace,
  cwd: string,
  { forks, hold, kill, env, log }: BeginParts,
  signal: AbortSignal,
): Promise<StartedWorker> {
  const { forkServer } = command;
  if (forkServer !== undefined) {
    try {
      return await forks.fork({ command: { ...command, forkServer }, place, cwd, hold }, signal);
    } catch (error) {
      signal.throwIfAborted();
      log.warn('session.not-forked', { folder: place.folder, reason: String(error) });
    }
  }
  return startWorker(command, { folder: place.folder, cwd, env: inherited(env), hold }, kill, signal);
}
