/**
 * Python with nothing installed but the interpreter, 3.8 or newer.
 *
 * The project's own `.venv` is used before the machine's `python3`: a project that has one means it.
 */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { LIMITS, QUESTION_KINDS } from '@markco/protocol';
import type { Detected, RuntimeDescriptor, RuntimePlace } from '../runtime.ts';

const WORKER = fileURLToPath(new URL('worker.py', import.meta.url));
const OLDEST = [3, 8] as const;
/** Python 2 understands it too, so that one that is too old can say so. */
const QUESTION =
  'import sys; print("%d.%d.%d %s" % (sys.version_info[0], sys.version_info[1], sys.version_info[2], sys.executable))';
const ASK_TIMEOUT_MS = 10_000;

type Interpreter = { readonly version: string; readonly executable: string };

export const pythonRuntime: RuntimeDescriptor = {
  language: 'python',
  aliases: ['python3', 'py', 'ipython'],
  label: 'Python',
  answers: QUESTION_KINDS,
  async detect(place, signal) {
    let found: Detected | undefined;
    for (const executable of await candidates(place)) {
      const answer = await ask(executable, place, signal);
      if (answer === null) continue;
      const { version } = answer;
      if (isEnough(version)) return { available: true, ...answer };
      found ??= {
        available: false,
        hint: `${executable} is Python ${version}; MarkCo needs 3.8 or newer. ${HOW_TO_GET}`,
      };
    }
    return found ?? { available: false, hint: `No Python was found on this machine. ${HOW_TO_GET}` };
  },
  command(session, executable, place) {
    const venv = path.dirname(path.dirname(executable));
    const inVenv = venv === venvOf(place);
    return {
      argv: [executable, WORKER, session.folder, session.socket, String(LIMITS.runOutputBytesMax)],
      env: inVenv
        ? {
            VIRTUAL_ENV: venv,
            PATH: [path.dirname(executable), place.env['PATH']].filter(Boolean).join(path.delimiter),
          }
        : {},
    };
  },
};

const HOW_TO_GET =
  'Install it from python.org or with the package manager (Debian and Ubuntu: `sudo apt install python3`, macOS: `brew install python`), then run the cell again.';

function venvOf(place: RuntimePlace): string {
  return path.join(place.projectFolder, '.venv');
}

async function candidates(place: RuntimePlace): Promise<readonly string[]> {
  const own = path.join(venvOf(place), 'bin', 'python');
  const inPath = (place.env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  const all = [own, ...['python3', 'python'].flatMap((name) => inPath.map((folder) => path.join(folder, name)))];
  const runnable = await Promise.all(
    all.map((file) =>
      access(file, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return all.filter((_, index) => runnable[index]);
}

/** What an interpreter says of itself, or null when it does not run. A shim (pyenv) names the interpreter behind it, which starts faster. */
async function ask(executable: string, place: RuntimePlace, signal: AbortSignal): Promise<Interpreter | null> {
  try {
    const { stdout } = await promisify(execFile)(executable, ['-S', '-E', '-c', QUESTION], {
      cwd: place.projectFolder,
      env: { ...place.env },
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

function isEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
