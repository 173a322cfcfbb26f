/**
 * The Python interpreters of a machine, and what each says of itself.
 *
 * Asking costs a start, behind a shim like pyenv's a tenth of a second. An answer is therefore kept while the files that
 * decide it are as they were; after ASKED_AGAIN_MS it is asked for anew beside its use, so that a change elsewhere shows.
 * At most KNOWN_MAX answers are kept; the oldest goes.
 */
import { execFile } from 'node:child_process';
import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { RuntimePlace } from '../runtime.ts';
import { inherited } from '../worker-process.ts';

const KNOWN_MAX = 50;
const ASK_TIMEOUT_MS = 10_000;
const ASKED_AGAIN_MS = 10_000;
/** Python 2 understands it too, so that one that is too old can say so. */
const QUESTION =
  'import sys; print("%d.%d.%d %s" % (sys.version_info[0], sys.version_info[1], sys.version_info[2], sys.executable))';

export type Interpreter = { readonly version: string; readonly executable: string };
type Known = { readonly stamp: string; readonly at: number; readonly answer: Interpreter };

const known = new Map<string, Known>();

/** The programs that may be executed, of those in these places, in order. */
export async function runnable(files: readonly string[]): Promise<readonly string[]> {
  const may = await Promise.all(
    files.map((file) =>
      access(file, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return files.filter((_, index) => may[index]);
}

/** What an interpreter says of itself, or null when it does not run. A shim names the interpreter behind it, which starts faster. */
export async function askInterpreter(
  executable: string,
  place: RuntimePlace,
  signal: AbortSignal,
): Promise<Interpreter | null> {
  const key = JSON.stringify([executable, place.projectFolder]);
  const stamp = await stampOf(executable, place);
  const before = known.get(key);
  if (before?.stamp !== stamp) return askAndKeep(key, stamp, executable, place, signal);
  if (performance.now() - before.at > ASKED_AGAIN_MS)
    askAndKeep(key, stamp, executable, place, AbortSignal.timeout(ASK_TIMEOUT_MS)).catch(() => known.delete(key));
  return before.answer;
}

async function askAndKeep(
  key: string,
  stamp: string,
  executable: string,
  place: RuntimePlace,
  signal: AbortSignal,
): Promise<Interpreter | null> {
  const answer = await ask(executable, place, signal);
  known.delete(key);
  if (answer !== null) known.set(key, { stamp, at: performance.now(), answer });
  const [oldest] = known.keys();
  if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest);
  return answer;
}

/** Changes when what decides the answer does: the program itself, and the files by which shims choose. */
async function stampOf(executable: string, place: RuntimePlace): Promise<string> {
  const root = place.env['PYENV_ROOT'] ?? path.join(place.env['HOME'] ?? '/', '.pyenv');
  const files = [executable, path.join(place.projectFolder, '.python-version'), path.join(root, 'version')];
  const times = await Promise.all(
    files.map((file) =>
      stat(file).then(
        (found) => `${found.ino}:${found.mtimeMs}`,
        () => '',
      ),
    ),
  );
  return JSON.stringify([times, place.env['PATH'], place.env['PYENV_VERSION']]);
}

async function ask(executable: string, place: RuntimePlace, signal: AbortSignal): Promise<Interpreter | null> {
  try {
    const { stdout } = await promisify(execFile)(executable, ['-S', '-E', '-c', QUESTION], {
      cwd: place.projectFolder,
      env: inherited(place.env),
      timeout: ASK_TIMEOUT_MS,
      signal,
    });
    const [, version, real] = /^(\d+\.\d+\.\d+) (\/.+)$/m.exec(stdout) ?? [];
    return version === undefined || real === undefined ? null : { version, executable: real };
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
