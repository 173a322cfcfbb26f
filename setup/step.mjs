/** One step of the setup: a program that is run to its end, and the failure that says what to do when it fails. */
import { spawnSync } from 'node:child_process';

export class SetupError extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/**
 * Runs to the end with its output on stderr. `mode` is its NODE_ENV, whatever the caller's is: what is set up is the
 * same for everybody. Throws a SetupError with `hint` when it fails.
 */
export function step(command, args, { cwd, what, hint, mode, shell = false }) {
  const env = { ...process.env, NODE_ENV: mode };
  const { status, signal, error } = spawnSync(command, args, { cwd, env, stdio: ['ignore', 2, 2], shell });
  if (status === 0) return;
  const how = error?.message ?? (signal === null ? `it ended with ${status}` : `it was stopped by ${signal}`);
  throw new SetupError(`${what} failed: ${how}.`, hint);
}
