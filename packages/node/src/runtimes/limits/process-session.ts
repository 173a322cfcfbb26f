/**
 * Without control groups (macOS, a Linux user who was given none): costs are counted over the processes that share the
 * session's process session, memory is limited for each process by itself as it starts, and
 * nothing says which limit was met.
 */
import { readdir, readFile } from 'node:fs/promises';
import type { LimitKind } from './limits.ts';
import { NONE_MET } from './limits.ts';

const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4_096;

export const processSession: LimitKind = {
  name: 'process limits',
  hold(_session, limits) {
    let leader: number | null = null;
    return {
      processBytesMax: limits.memoryBytes,
      prepare: async () => null,
      add: async (pid) => void (leader = pid),
      async cost() {
        if (leader === null) return null;
        const stats = await Promise.all((await pids()).map(readStat));
        const held = stats.filter((stat) => stat !== null && stat.session === leader);
        if (held.length === 0) return null;
        return {
          memoryBytes: held.reduce((sum, stat) => sum + (stat?.residentBytes ?? 0), 0),
          cpuMs: held.reduce((sum, stat) => sum + (stat?.cpuMs ?? 0), 0),
          processes: held.length,
        };
      },
      met: async () => NONE_MET,
      // The process group is killed by whoever ends the session; what left it is not known here.
      killAll: async () => undefined,
    };
  },
};

async function pids(): Promise<readonly string[]> {
  return (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
}

async function readStat(pid: string) {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      session: Number(fields[3]),
      cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND,
      residentBytes: Number(fields[21]) * PAGE_BYTES,
    };
  } catch {
    return null; // It has ended meanwhile.
  }
}
