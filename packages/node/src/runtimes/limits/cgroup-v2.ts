/**
 * Limits by control groups of version 2, where this user has been given a part of the tree: root, a container with its
 * own, or a login that systemd manages.
 *
 * A group may hold processes or limit groups below it, not both: sessions get groups beside the one this program is in.
 */
import path from 'node:path';
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

/**
 * The kind, or null when this system or this user cannot have it.
 *
 * @param membership `/proc/self/cgroup`
 * @param root where the tree is mounted, `/sys/fs/cgroup`
 */
export async function cgroupV2(membership: string, root: string): Promise<LimitKind | null> {
  const own = /^0::(\/.*)$/m.exec(membership)?.[1];
  if (own === undefined) return null;
  const inside = path.join(root, own);
  const parent = own === '/' ? inside : path.dirname(inside);
  const enabled = (await readControl(parent, 'cgroup.subtree_control'))?.split(/\s+/) ?? [];
  if (!enabled.includes('memory') || !enabled.includes('pids') || !(await canMakeGroup(parent))) return null;

  return {
    name: 'cgroup v2',
    hold(session, limits) {
      const group = path.join(parent, `markco-${session}`);
      async function prepare(): Promise<null> {
        await makeGroup(group);
        await Promise.all([
          writeControl(group, 'memory.max', limits.memoryBytes),
          writeControl(group, 'memory.swap.max', 0),
          writeControl(group, 'pids.max', limits.processes),
          // The file is not there where this user may not share out the processor.
          ...(limits.cpus === null
            ? []
            : [writeControl(group, 'cpu.max', `${Math.round(limits.cpus * CPU_PERIOD_US)} ${CPU_PERIOD_US}`)]),
        ]);
        return null;
      }

      return {
        processBytesMax: null,
        prepare,
        async add(pid) {
          await prepare();
          await writeControl(group, 'cgroup.procs', pid);
        },
        async cost() {
          const held = await processesIn(group);
          if (held.length === 0) return null;
          const [stat, cpu, current] = await Promise.all([
            readControl(group, 'memory.stat'),
            readControl(group, 'cpu.stat'),
            readControl(group, 'memory.current'),
          ]);
          return {
            memoryBytes: fieldIn(stat, 'anon') || numberIn(current),
            cpuMs: fieldIn(cpu, 'usage_usec') / 1e3,
            processes: held.length,
          };
        },
        async met() {
          const [memory, pids, cpu] = await Promise.all([
            readControl(group, 'memory.events'),
            readControl(group, 'pids.events'),
            readControl(group, 'cpu.stat'),
          ]);
          return {
            memory: fieldIn(memory, 'oom_kill'),
            processes: fieldIn(pids, 'max'),
            cpu: fieldIn(cpu, 'nr_throttled'),
          };
        },
        killAll: () => killUntilEmpty([group], async () => void (await writeControl(group, 'cgroup.kill', 1))),
      };
    },
  };
}
