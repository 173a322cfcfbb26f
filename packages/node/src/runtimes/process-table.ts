/**
 * Processes that are not our children: whether they live, and whether they are still the ones we mean.
 *
 * A process id is used again after its owner is gone. A process is therefore named by its id *and*
 * the moment it started, and no signal is sent to one whose moment differs.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A process: its id, and its start in whatever unit the system counts (opaque, only compared). */
export type ProcessName = { readonly pid: number; readonly startedAt: string };
export type SignalName = 'SIGINT' | 'SIGTERM' | 'SIGKILL';
/** `process.kill`: a negative id means the whole process group. Throws when there is none. */
export type Kill = (pid: number, signal: SignalName) => void;

/** The living process with this id, or null: gone, or dead and only not yet collected by its parent. */
export async function findProcess(pid: number): Promise<ProcessName | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The second field is the name in parentheses and may hold anything: read from its end on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startedAt] = [fields[0], fields[19]];
    return state === 'Z' || state === 'X' || startedAt === undefined ? null : { pid, startedAt };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return null;
    return (await hasProc()) ? null : findByPs(pid);
  }
}

/** Whether this very process still lives. */
export async function lives(name: ProcessName): Promise<boolean> {
  return (await findProcess(name.pid))?.startedAt === name.startedAt;
}

/** Signals the whole process group. A group that is already gone is no error. */
export function signalGroup(kill: Kill, name: ProcessName, signal: SignalName): void {
  try {
    kill(-name.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function hasProc(): Promise<boolean> {
  return readFile('/proc/self/stat').then(
    () => true,
    () => false,
  );
}

/** Systems without /proc (macOS). */
async function findByPs(pid: number): Promise<ProcessName | null> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]);
    const [, state, startedAt] = /^(\S+)\s+(.+)$/.exec(stdout.trim()) ?? [];
    return state === undefined || startedAt === undefined || state.startsWith('Z') ? null : { pid, startedAt };
  } catch {
    return null;
  }
}
