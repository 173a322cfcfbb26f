/** Runs a program on a text: a formatter, a check. */
import { spawn } from 'node:child_process';

const OUTPUT_CHARS_MAX = 2 * 1024 * 1024;
const TIMEOUT_MS = 4_000;

export type Filtered = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Null when there is no such program. One that takes too long or says too much is ended, with `code` null. */
export async function runFilter(
  program: string,
  args: readonly string[],
  text: string,
  cwd: string,
): Promise<Filtered | null> {
  const child = spawn(program, [...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8');
    child[name].on('data', (more: string) => {
      said[name] += more;
      if (said[name].length > OUTPUT_CHARS_MAX) child.kill('SIGKILL');
    });
  }
  child.stdin.on('error', () => undefined); // It did not want all of it.
  child.stdin.end(text);
  return new Promise((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', (code) => resolve({ code, ...said }));
  });
}
