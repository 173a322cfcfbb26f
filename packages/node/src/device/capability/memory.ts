/** Memory as Linux tells it: the machine's, or the control group's where that is less, as in a container. */
import type { Memory } from './system.ts';

const MB = 1024 * 1024;
const GROUP_DEPTH_MAX = 32;

/** What one control group says, in bytes; a limit that is none is infinite. */
export type GroupMemory = { readonly limit: number; readonly used: number };

export function parseMeminfo(text: string): Memory | null {
  const kb = (name: string): number | undefined => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const total = kb('MemTotal');
  // What can be had without swapping; kernels before 3.14 do not say.
  const free = kb('MemAvailable') ?? kb('MemFree');
  return total === undefined || free === undefined
    ? null
    : { totalMb: Math.round(total / 1024), freeMb: Math.round(free / 1024) };
}

/**
 * @param limit `memory.max`, or `memory.limit_in_bytes` of version 1
 * @param used `memory.current`, or `memory.usage_in_bytes`
 * @param stat `memory.stat`: file pages not in use are counted as used, but given back when somebody needs them
 */
export function parseGroup(limit: string | null, used: string | null, stat: string | null): GroupMemory | null {
  if (limit === null || !/^\d+$/.test(limit.trim())) return null;
  // Version 1 counts the groups below only in the field with `total_`.
  const idle = /^total_inactive_file (\d+)$/m.exec(stat ?? '') ?? /^inactive_file (\d+)$/m.exec(stat ?? '');
  return { limit: Number(limit), used: Math.max(0, (Number(used) || 0) - Number(idle?.[1] ?? 0)) };
}

/** A group may use what each group around it leaves. */
export function withinGroups(machine: Memory, groups: readonly GroupMemory[]): Memory {
  const totalMb = Math.min(machine.totalMb, ...groups.map(({ limit }) => Math.floor(limit / MB)));
  const free = groups.map(({ limit, used }) => Math.max(0, Math.floor((limit - used) / MB)));
  return { totalMb, freeMb: Math.min(machine.freeMb, totalMb, ...free) };
}

/**
 * Where the limits of this program's groups are, innermost first, as folders with the names of their files.
 *
 * @param membership `/proc/self/cgroup`. In a container its paths may be those of the machine around it: a folder that
 * is not there says nothing, and the outermost is then the container's own.
 */
export function groupFolders(membership: string): readonly { readonly folder: string; readonly version: 1 | 2 }[] {
  const found: { folder: string; version: 1 | 2 }[] = [];
  for (const line of membership.split('\n')) {
    const [, controllers, own] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || own === undefined || own.split('/').includes('..')) continue;
    const version = controllers === '' ? 2 : 1;
    if (version === 1 && !controllers.split(',').includes('memory')) continue;
    const root = version === 2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory';
    const parts = own.split('/').filter(Boolean).slice(0, GROUP_DEPTH_MAX);
    for (let depth = parts.length; depth >= 0; depth--)
      found.push({ folder: [root, ...parts.slice(0, depth)].join('/'), version });
  }
  return found;
}
