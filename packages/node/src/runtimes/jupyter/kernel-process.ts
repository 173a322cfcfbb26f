/**
 * The kernel's own process, which leads a process group of its own: an interrupt reaches what it started and nobody else.
 *
 * 1. Nothing of it outlives us, however we end: a shell of six words waits for the end of a pipe that only we hold
 *    open, and then kills the group. Kernels that look after their parent themselves may do so too (`JPY_PARENT_PID`).
 */
import { spawn } from 'node:child_process';
import { kill, pid as ownPid } from 'node:process';
import { StringDecoder } from 'node:string_decoder';

/** ipykernel's debugger warns on stderr of files it will not check: nobody debugs here, and everybody would read it. */
const QUIET = { PYDEVD_DISABLE_FILE_VALIDATION: '1' };

export type KernelProcess = {
  /** How it ended, once it has and what it wrote is read: `exit code 3`, `signal SIGKILL`. */
  readonly gone: Promise<string>;
  /** Its last words on its own descriptors. */
  tail(): string;
  interrupt(): void;
  /** Ends it and everything in its group. */
  kill(): void;
};

const TAIL_CHARS = 4_000;
/** What it wrote last may be read after it has ended; a child that has left its group may hold that open for ever. */
const LAST_WORDS_MS = 500;
const WAIT_AND_KILL = 'trap "" INT TERM HUP; read -r _; kill -s KILL -- "-$1"';

export function startKernelProcess(
  argv: readonly [string, ...string[]],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
  onText: (stream: 'stdout' | 'stderr', text: string) => void,
): KernelProcess {
  const [program, ...rest] = argv;
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: { ...QUIET, ...options.env, JPY_PARENT_PID: String(ownPid) },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let tail = '';
  for (const stream of ['stdout', 'stderr'] as const) {
    const decoder = new StringDecoder('utf8');
    child[stream].on('data', (chunk: Buffer) => {
      const text = decoder.write(chunk);
      tail = (tail + text).slice(-TAIL_CHARS);
      if (text !== '') onText(stream, text);
    });
  }
  const { pid } = child;
  const guard =
    pid === undefined
      ? null
      : spawn('/bin/sh', ['-c', WAIT_AND_KILL, 'sh', String(pid)], {
          detached: true,
          stdio: ['pipe', 'ignore', 'ignore'],
        });
  guard?.on('error', () => undefined);
  guard?.unref();

  function signal(name: 'SIGINT' | 'SIGKILL'): void {
    if (pid === undefined) return;
    try {
      kill(-pid, name);
    } catch {
      // The group is gone already.
    }
  }

  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`${program} could not be started: ${error.message}`));
    child.once('exit', (code, name) => {
      // Only its id is left of the group's leader, and that may soon be somebody else's.
      signal('SIGKILL');
      guard?.kill('SIGKILL');
      const how = name === null ? `exit code ${code}` : `signal ${name}`;
      const late = setTimeout(() => resolve(how), LAST_WORDS_MS);
      child.once('close', () => {
        clearTimeout(late);
        resolve(how);
      });
    });
  });
  return { gone, tail: () => tail.trim(), interrupt: () => signal('SIGINT'), kill: () => signal('SIGKILL') };
}
