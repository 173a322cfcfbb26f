/**
 * Holds processes to a share of a core, by a control group for each (cgroup v2, or v1): then it is they that limit what
 * is measured, and not what the clients and the database beside them leave of the machine.
 */
import { mkdtemp, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Short, so that a process that has used its share up waits some milliseconds, and not most of a tenth of a second. */
const PERIOD_US = 10_000;
const ROOT = '/sys/fs/cgroup';

/** With so many cores the clients and the database have some of their own, and nothing has to be held. */
export const CORES_ENOUGH = 6;

export type Quotas = AsyncDisposable & {
  /** For people: `cgroup v2`. */
  readonly kind: string;
  /** Holds a process, with all of its threads, to this share of one core from now on. */
  hold(pid: number, share: number): Promise<Held>;
};

export type Held = {
  /** Periods so far in which it did something, and in how many of them it had to wait. */
  periods(): Promise<{ readonly all: number; readonly waited: number }>;
};

type Kind = { readonly name: string; readonly parent: string; limit(group: string, quotaUs: number): Promise<void> };

/** Undefined where no group can be made that limits. To be ended once what it holds has ended. */
export async function openQuotas(): Promise<Quotas | undefined> {
  const kind = await kindHere();
  if (kind === undefined) return undefined;
  const groups: string[] = [];
  return {
    kind: kind.name,
    async hold(pid, share) {
      const group = await mkdtemp(join(kind.parent, 'markco-bench-'));
      groups.push(group);
      await kind.limit(group, Math.round(share * PERIOD_US));
      await writeFile(join(group, 'cgroup.procs'), String(pid));
      return {
        async periods() {
          const stat = await readFile(join(group, 'cpu.stat'), 'utf8');
          const field = (name: string): number => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(stat)?.[1] ?? 0);
          return { all: field('nr_periods'), waited: field('nr_throttled') };
        },
      };
    },
    async [Symbol.asyncDispose]() {
      for (const group of groups) await rmdir(group).catch(() => undefined);
    },
  };
}

async function kindHere(): Promise<Kind | undefined> {
  const membership = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  for (const kind of [v2(membership), v1(membership)]) if (kind !== undefined && (await canLimit(kind))) return kind;
  return undefined;
}

/** Beside the group that this program is in: a group with processes of its own may share nothing out. */
function v2(membership: string): Kind | undefined {
  const own = /^0::(\/.*)$/m.exec(membership)?.[1];
  if (own === undefined) return undefined;
  const inside = join(ROOT, own);
  return {
    name: 'cgroup v2',
    parent: own === '/' ? inside : dirname(inside),
    limit: (group, quotaUs) => writeFile(join(group, 'cpu.max'), `${quotaUs} ${PERIOD_US}`, { flag: 'r+' }),
  };
}

function v1(membership: string): Kind | undefined {
  const own = /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(.*)$/m.exec(membership)?.[1];
  if (own === undefined) return undefined;
  return {
    name: 'cgroup v1',
    parent: join(ROOT, 'cpu', own),
    async limit(group, quotaUs) {
      await writeFile(join(group, 'cpu.cfs_period_us'), String(PERIOD_US), { flag: 'r+' });
      await writeFile(join(group, 'cpu.cfs_quota_us'), String(quotaUs), { flag: 'r+' });
    },
  };
}

async function canLimit({ parent, limit }: Kind): Promise<boolean> {
  const group = await mkdtemp(join(parent, 'markco-bench-')).catch(() => undefined);
  if (group === undefined) return false;
  try {
    await limit(group, PERIOD_US);
    return true;
  } catch {
    return false;
  } finally {
    await rmdir(group);
  }
}
