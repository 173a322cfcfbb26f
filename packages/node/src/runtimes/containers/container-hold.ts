/** What holds the sessions of a container: the limits Docker gave it, counted over all sessions of the project. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fieldIn, numberIn, processesIn, readControl } from '../limits/control-files.ts';
import { NONE_MET, type Hold } from '../limits/limits.ts';

const ROOT = '/sys/fs/cgroup';

/** The folders of a process's control groups: of version 2 one, of version 1 one for each kind. */
export type Groups = { readonly memory: string; readonly pids: string; readonly cpu: string; readonly version: 1 | 2 };

export async function groupsOf(pid: number): Promise<Groups | null> {
  const found = new Map<string, string>();
  for (const line of (await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')).split('\n')) {
    const [, names = '', own = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const name of names.split(',')) found.set(name, own);
  }
  const [memory, pids, cpu] = [found.get('memory'), found.get('pids'), found.get('cpuacct')];
  if (memory !== undefined && pids !== undefined && cpu !== undefined) {
    const at = (kind: string, own: string): string => path.join(ROOT, kind, own);
    return { memory: at('memory', memory), pids: at('pids', pids), cpu: at('cpuacct', cpu), version: 1 };
  }
  const own = found.get('');
  if (own === undefined) return null;
  const one = path.join(ROOT, own);
  return { memory: one, pids: one, cpu: one, version: 2 };
}

/** What a container uses of its memory, in bytes, without what the system would take back. Null when it is gone. */
export async function memoryIn({ memory, version }: Groups): Promise<number | null> {
  const stat = await readControl(memory, 'memory.stat');
  if (stat === null) return null;
  // What gVisor gives to those in it, and what is in temporary folders, the system counts as shared.
  return version === 1
    ? fieldIn(stat, 'total_rss') + fieldIn(stat, 'total_shmem')
    : fieldIn(stat, 'anon') + fieldIn(stat, 'shmem');
}

type Container = {
  /** Null while it has none. */
  groups(): Promise<Groups | null>;
  /** It is there, and ended because it took more memory than it may. */
  isOutOfMemory(): Promise<boolean>;
};

/** @param leave ends what is left of the session */
export function containerHold(container: Container, leave: () => Promise<void>): Hold {
  const { groups } = container;
  return {
    processBytesMax: null,
    prepare: async () => null,
    add: async () => undefined, // It is born in it.
    async cost() {
      const found = await groups();
      if (found === null) return null;
      const [memoryBytes, held, used] = await Promise.all([
        memoryIn(found),
        processesIn(found.pids),
        found.version === 1 ? readControl(found.cpu, 'cpuacct.usage') : readControl(found.cpu, 'cpu.stat'),
      ]);
      if (memoryBytes === null || held.length === 0) return null;
      const cpuMs = found.version === 1 ? numberIn(used) / 1e6 : fieldIn(used, 'usage_usec') / 1e3;
      return { memoryBytes, cpuMs, processes: held.length };
    },
    async met() {
      const found = await groups();
      if (found === null) return NONE_MET;
      const [memory, pids, waits] = await Promise.all([
        readControl(found.memory, found.version === 1 ? 'memory.oom_control' : 'memory.events'),
        readControl(found.pids, 'pids.events'),
        readControl(found.cpu, 'cpu.stat'),
      ]);
      // Over its limit gVisor ends as a whole, and its container with it.
      if (memory === null) return { ...NONE_MET, memory: (await container.isOutOfMemory()) ? 1 : 0 };
      return {
        memory: fieldIn(memory, 'oom_kill'),
        processes: fieldIn(pids, 'max'),
        cpu: fieldIn(waits, 'nr_throttled'),
      };
    },
    killAll: leave,
  };
}
