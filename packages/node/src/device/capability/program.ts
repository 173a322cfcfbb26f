/**
 * Asking the system's own programs.
 *
 * 1. Never through a shell: the file itself, from the system's folders before those of PATH, and never from a relative one.
 * 2. It gets no variable of this program but what it needs to start, and no input.
 * 3. After two seconds, or 256 KB, it is killed with all that it started, and has said nothing. One that cannot be
 *    killed (a driver holds it) is not asked the same a second time meanwhile.
 * 4. One that is not there is not looked for again within ten minutes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { Kill } from '../../runtimes/process-table.ts';
import { DEADLINE_MS, inTime } from './system-files.ts';

const OUTPUT_BYTES_MAX = 256 * 1024;
const MISSING_MS = 10 * 60_000;

export type Said = { readonly code: number; readonly text: string };
/** What a program says on its standard output, or null when it is not there, hangs, or says too much. */
export type Ask = (program: string, args: readonly string[]) => Promise<Said | null>;

export type ProgramParts = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly kill: Kill;
  readonly now: () => number;
};

export function createPrograms(
  { env, platform, kill, now }: ProgramParts,
  { deadlineMs = DEADLINE_MS }: { readonly deadlineMs?: number } = {},
): Ask {
  const windows = platform === 'win32';
  const folders = foldersOf(env, platform);
  const inherited = {
    PATH: folders.join(path.delimiter),
    // Numbers and words as the parsers know them.
    LC_ALL: 'C',
    ...(windows ? variables(env, ['SystemRoot', 'SystemDrive', 'ProgramData', 'TEMP']) : {}),
  };
  const missingSince = new Map<string, number>();
  const alive = new Set<string>();

  async function find(program: string): Promise<string | null> {
    const since = missingSince.get(program);
    if (since !== undefined && Math.abs(now() - since) < MISSING_MS) return null;
    for (const folder of folders) {
      const file = path.join(folder, windows ? `${program}.exe` : program);
      const isThere = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return file;
    }
    missingSince.set(program, now());
    return null;
  }

  /** Null where the system refuses to start anything more. */
  function start(file: string, args: readonly string[]): ChildProcess | null {
    try {
      return spawn(file, args, {
        cwd: path.parse(file).root,
        env: inherited,
        // A group of its own, so that what it started ends with it.
        detached: !windows,
        windowsHide: true,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    } catch {
      return null;
    }
  }

  return async (program, args) => {
    const file = await inTime(find(program), null);
    if (file === null) return null;
    const question = [file, ...args].join('\0');
    if (alive.has(question)) return null;
    const child = start(file, args);
    if (child === null) return null;
    alive.add(question);
    const { promise, resolve } = Promise.withResolvers<Said | null>();
    const { stdout, pid } = child;
    const parts: Buffer[] = [];
    let bytes = 0;
    const giveUp = (): void => {
      resolve(null);
      try {
        if (pid !== undefined) kill(windows ? pid : -pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
      stdout?.destroy();
      child.unref();
    };
    const timer = setTimeout(giveUp, deadlineMs);
    stdout?.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > OUTPUT_BYTES_MAX) giveUp();
      else parts.push(part);
    });
    stdout?.on('error', giveUp);
    child.once('error', () => {
      alive.delete(question);
      resolve(null);
    });
    child.once('exit', () => alive.delete(question));
    // `close`: all it said has arrived. A signal ended it when there is no code.
    child.once('close', (code) => {
      const text = Buffer.concat(parts)
        .toString('utf8')
        .replace(/^\uFEFF/, '');
      resolve(code === null ? null : { code, text });
    });
    return promise.finally(() => clearTimeout(timer));
  };
}

/** Its output, when it ended well. */
export async function textOf(ask: Ask, program: string, args: readonly string[]): Promise<string | null> {
  const said = await ask(program, args);
  return said?.code === 0 ? said.text : null;
}

function foldersOf(env: ProgramParts['env'], platform: string): readonly string[] {
  const { SystemRoot = String.raw`C:\Windows`, PATH = '' } = variables(env, ['SystemRoot', 'PATH']);
  const system: Readonly<Record<string, readonly string[]>> = {
    linux: ['/usr/bin', '/bin', '/usr/local/bin', '/opt/rocm/bin', '/usr/lib/wsl/lib'],
    darwin: ['/usr/bin', '/bin', '/usr/sbin', '/sbin'],
    win32: [path.join(SystemRoot, 'System32'), path.join(SystemRoot, 'System32', 'WindowsPowerShell', 'v1.0')],
  };
  return [...new Set([...(system[platform] ?? []), ...PATH.split(path.delimiter).filter(path.isAbsolute)])];
}

/** Those that are set. On Windows their names have no case, but a copy of the environment does (`Path`). */
function variables<N extends string>(env: ProgramParts['env'], names: readonly N[]): { [K in N]?: string } {
  const found: { [K in N]?: string } = {};
  for (const name of names) {
    const spelled = name in env ? name : Object.keys(env).find((key) => key.toLowerCase() === name.toLowerCase());
    const value = spelled === undefined ? undefined : env[spelled];
    if (value !== undefined) found[name] = value;
  }
  return found;
}
