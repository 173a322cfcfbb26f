/** Processes of a container, as the machine that runs it knows them. */
import { readdir, readFile } from 'node:fs/promises';
import { findProcess, type ProcessName } from '../process-table.ts';

/** Whether a process belongs to this container: its control group carries the container's id. */
export async function isInside(container: string, pid: number): Promise<boolean> {
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  return groups.includes(container);
}

/** The process of this container that calls itself `pid`; null when there is none. */
export async function findInside(container: string, pid: number): Promise<ProcessName | null> {
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '');
    const own = /^NSpid:\s+(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? [];
    if (own.length < 2 || Number(own.at(-1)) !== pid) continue;
    if (await isInside(container, Number(name))) return findProcess(Number(name));
  }
  return null;
}
