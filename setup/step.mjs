/** One step of the setup: a program that is run to its end, and the failure that says what to do when it fails. */
import { spawnSync } from 'node:child_process';

export class SetupError extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** Runs to the end with its output on stderr. Throws a SetupError with `hint` when it fails. */
export function step(command, args, { cwd, what, hint, shell = false }) {
  const { status, signal, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2], shell });
  if (status === 0) return;
  const how = error?.message ?? (signal === null ? `it ended with ${status}` : `it was stopped by ${signal}`);
  throw new SetupError(`${what} failed: ${how}.`, hint);
}
