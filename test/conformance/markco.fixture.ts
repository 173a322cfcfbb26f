/** For tests: one command of `markco`, as a program of its own, and what it printed as JSON. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lean, leanEnvironment } from '../../setup/lean.mjs';

const MAIN = join(import.meta.dirname, '../../apps/cli/src/main.ts');
const RUN_MS = 60_000;

/** @throws Error with what it wrote to stderr when it did not end with 0 */
export async function runMarkco(home: string, ...words: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [...lean, MAIN, ...words], {
    env: { ...process.env, ...leanEnvironment(process.env), MARKCO_HOME: home },
    timeout: RUN_MS,
  });
  return JSON.parse(stdout);
}
