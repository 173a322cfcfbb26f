/** What Linux says of this machine and of one process on it. */
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** Clock ticks a second, fixed in Linux's interface to programs. */
const TICKS_PER_SECOND = 100;

/** Processor time that a process has used, all threads, in ms. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
}

/** Resident memory of a process in MB (1,000,000 bytes). */
export async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return (Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024) / 1e6;
}

export function describeMachine(): Readonly<Record<string, unknown>> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.versions.node,
    load: loadavg().map((value) => Number(value.toFixed(2))),
  };
}

/** Why the figures may be off, or undefined on a quiet machine. */
export function disturbance(): string | undefined {
  const [load = 0] = loadavg();
  const limit = 0.5 * availableParallelism();
  return load <= limit
    ? undefined
    : `the machine is not quiet (load ${load.toFixed(1)} on ${availableParallelism()} cores)`;
}

/** These processes and everything that they, and those, have started. */
export async function familyOf(pids: readonly number[]): Promise<readonly number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined);
    if (stat !== undefined) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const found = new Set(pids);
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** Memory of processes in MB, what they share counted once among those that share it. */
export async function proportionalMb(pids: readonly number[]): Promise<number> {
  let kb = 0;
  for (const pid of pids) {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
    kb += Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0);
  }
  return (kb * 1_024) / 1e6;
}
