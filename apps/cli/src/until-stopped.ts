/** What a program that stays does once it is up: it waits until somebody stops it. */
import { flushCompileCache } from 'node:module';
import type { Cli } from './cli.ts';

/** @returns when it is to stop */
export async function untilStopped({ signal }: Pick<Cli, 'signal'>): Promise<void> {
  // Kept now: whoever is killed keeps nothing at the end, and would compile all of it again with each start.
  flushCompileCache();
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
