/** Limits by control groups of version 1: a group for each session in each of four hierarchies. */
import path from 'node:path';
import type { Kill } from '../process-table.ts';
import {
  canMakeGroup,
  fieldIn,
  killUntilEmpty,
  makeGroup,
  numberIn,
  processesIn,
  readControl,
  writeControl,
} from './control-files.ts';
import { CPU_PERIOD_US, type LimitKind } from './limits.ts';

const CONTROLLERS = ['pids', 'memory', 'cpu', 'cpuacct'] as const;

/**
 * The kind, or null when this system or this user cannot have it.
 *
 * @param membership `/proc/self/cgroup`
 * @param root where the hierarchies are mounted, `/sys/fs/cgroup`
 */
export async function cgroupV1(membership: string, root: string, kill: Kill): Promise<LimitKind | null> {
  const parents = new Map<string, string>();
  for (const line of membership.split('\n')) {
    const [, names = '', own = ''] = /^\d+:([^:]+):(.*)$/.exec(line) ?? [];
    for (const name of names.split(',')) parents.set(name, path.join(root, name, own));
  }
  const found = CONTROLLERS.map((name) => parents.get(name));
  const usable = found.filter((parent) => parent !== undefined);
  if (usable.length < CONTROLLERS.length) return null;
  const can = await Promise.all(usable.map(canMakeGroup));
  if (can.includes(false)) return null;

  return {
    name: 'cgroup v1',
    hold(session, limits) {
      const groups = usable.map((parent) => path.join(parent, `markco-${session}`));
      const [pids = '', memory = '', cpu = '', cpuacct = ''] = groups;
      async function prepare(): Promise<readonly string[]> {
        await Promise.all(groups.map(makeGroup));
        await Promise.all([
          writeControl(pids, 'pids.max', limits.processes),
          writeControl(memory, 'memory.limit_in_bytes', limits.memoryBytes),
          ...(limits.cpus === null
            ? []
            : [writeControl(cpu, 'cpu.cfs_quota_us', Math.round(limits.cpus * CPU_PERIOD_US))]),
        ]);
        // Swap would turn a limit into a crawl; where swap is not counted there is no such file.
        await writeControl(memory, 'memory.memsw.limit_in_bytes', limits.memoryBytes);
        return groups.map((group) => path.join(group, 'tasks'));
      }

      return {
        processBytesMax: null,
        prepare,
        async add(pid) {
          await prepare();
          await Promise.all(groups.map((group) => writeControl(group, 'cgroup.procs', pid)));
        },
        async cost() {
          const held = await processesIn(pids);
          if (held.length === 0) return null;
          const [stat, cpuNs] = await Promise.all([
            readControl(memory, 'memory.stat'),
            readControl(cpuacct, 'cpuacct.usage'),
          ]);
          return {
            memoryBytes: fieldIn(stat, 'total_rss'),
            cpuMs: numberIn(cpuNs) / 1e6,
            processes: held.length,
          };
        },
        async met() {
          const [oom, events, waits] = await Promise.all([
            readControl(memory, 'memory.oom_control'),
            readControl(pids, 'pids.events'),
            readControl(cpu, 'cpu.stat'),
          ]);
          return {
            memory: fieldIn(oom, 'oom_kill'),
            processes: fieldIn(events, 'max'),
            cpu: fieldIn(waits, 'nr_throttled'),
          };
        },
        killAll: () =>
          killUntilEmpty(groups, async (held) => {
            for (const pid of held) quietly(() => kill(pid, 'SIGKILL'));
          }),
      };
    },
  };
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // It has ended meanwhile.
  }
}
