/**
 * Python with nothing installed but the interpreter, 3.8 or newer.
 *
 * The interpreter is the one that the project or document names, else that of the project's virtual environment
 * (`.venv`, or where uv was told to keep it), else the machine's `python3`: a project that has its own means it.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIMITS, QUESTION_KINDS } from '@markco/protocol';
import type { Detected, RuntimeDescriptor, RuntimePlace } from '../runtime.ts';
import { askInterpreter, runnable } from './interpreters.ts';

const WORKER = fileURLToPath(new URL('worker.py', import.meta.url));
const FORK_SERVER = fileURLToPath(new URL('forkserver.py', import.meta.url));
const OLDEST = [3, 8] as const;

export const pythonRuntime: RuntimeDescriptor = {
  language: 'python',
  aliases: ['python3', 'py', 'ipython'],
  label: 'Python',
  forks: true,
  answers: QUESTION_KINDS,
  async detect(place, signal) {
    const wished = place.config.path ?? place.config.venv;
    let found: Detected | undefined;
    for (const executable of await candidates(place)) {
      const answer = await askInterpreter(executable, place, signal);
      if (answer === null) continue;
      const { version } = answer;
      if (isEnough(version)) {
        const virtualenv = environmentsOf(place).find((folder) => isInside(folder, answer.executable));
        return { available: true, ...answer, ...(virtualenv === undefined ? {} : { virtualenv }) };
      }
      found ??= {
        available: false,
        hint: `${executable} is Python ${version}; MarkCo needs 3.8 or newer. ${HOW_TO_GET}`,
      };
    }
    if (found !== undefined) return found;
    return {
      available: false,
      hint:
        wished === null
          ? `No Python was found on this machine. ${HOW_TO_GET}`
          : `There is no Python at ${wished}, which the configuration of this project or document names. Correct it there, or make the environment with \`python3 -m venv ${wished}\`.`,
    };
  },
  command(session, executable, place) {
    const virtualenv = environmentsOf(place).find((folder) => isInside(folder, executable));
    return {
      argv: [executable, WORKER, session.folder, session.socket, String(LIMITS.runOutputBytesMax)],
      forkServer: { argv: [executable, FORK_SERVER], limitBytes: LIMITS.runOutputBytesMax },
      env:
        virtualenv === undefined
          ? {}
          : {
              VIRTUAL_ENV: virtualenv,
              PATH: [path.dirname(executable), place.env['PATH']].filter(Boolean).join(path.delimiter),
            },
    };
  },
};

const HOW_TO_GET =
  'Install it from python.org or with the package manager (Debian and Ubuntu: `sudo apt install python3`, macOS: `brew install python`), then run the cell again.';

/** Where the virtual environment of a session may be: as configured, or where the tools of the trade put it. */
function environmentsOf({ config, env, projectFolder }: RuntimePlace): readonly string[] {
  const named = config.venv === null ? [env['UV_PROJECT_ENVIRONMENT'] ?? '', '.venv'] : [config.venv];
  return named.filter((name) => name !== '').map((name) => path.resolve(projectFolder, name));
}

function isInside(folder: string, file: string): boolean {
  return file.startsWith(folder + path.sep);
}

async function candidates(place: RuntimePlace): Promise<readonly string[]> {
  const { config, env, projectFolder } = place;
  if (config.path !== null) return runnable([path.resolve(projectFolder, config.path)]);
  const own = environmentsOf(place).map((folder) => path.join(folder, 'bin', 'python'));
  if (config.venv !== null) return runnable(own);
  const inPath = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  return runnable([
    ...own,
    ...['python3', 'python'].flatMap((name) => inPath.map((folder) => path.join(folder, name))),
  ]);
}

function isEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}
