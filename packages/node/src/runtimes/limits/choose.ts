/** The strongest kind of limit that this system lets this user have. */
import { readFile } from 'node:fs/promises';
import type { Kill } from '../process-table.ts';
import { cgroupV1 } from './cgroup-v1.ts';
import { cgroupV2 } from './cgroup-v2.ts';
import type { LimitKind } from './limits.ts';
import { processSession } from './process-session.ts';

export async function chooseLimits(kill: Kill): Promise<LimitKind> {
  const membership = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  const root = '/sys/fs/cgroup';
  return (await cgroupV2(membership, root)) ?? (await cgroupV1(membership, root, kill)) ?? processSession;
}
