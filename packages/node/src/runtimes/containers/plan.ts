/** What the container of a project may take, by the plan of its user, and never more than the machine has. */
import { availableParallelism, totalmem } from 'node:os';
import type { User } from '@markco/protocol';
import type { SessionLimits } from '../limits/limits.ts';

const MB = 1024 * 1024;
const GB = 1024 * MB;
/** The machine keeps the rest for itself. */
const MEMORY_SHARE = 0.8;

export type ContainerLimits = SessionLimits & {
  /** Never null: a machine that many use lends no more than it says. */
  readonly cpus: number;
  /** One file. What is larger is not written. */
  readonly fileBytes: number;
  /** All that a project fills of the disk: beyond it, a run that fills more is ended. */
  readonly diskBytes: number;
  /** The temporary folder, which counts as memory. */
  readonly temporaryBytes: number;
};

const PLANS: Readonly<Record<User['plan'], ContainerLimits>> = {
  free: { memoryBytes: GB, processes: 256, cpus: 1, fileBytes: GB, diskBytes: 5 * GB, temporaryBytes: 256 * MB },
  pro: { memoryBytes: 4 * GB, processes: 512, cpus: 2, fileBytes: 10 * GB, diskBytes: 50 * GB, temporaryBytes: GB },
  team: {
    memoryBytes: 8 * GB,
    processes: 1_024,
    cpus: 4,
    fileBytes: 20 * GB,
    diskBytes: 100 * GB,
    temporaryBytes: 2 * GB,
  },
};

export function limitsOf(
  plan: User['plan'],
  machine = { memoryBytes: totalmem(), cpus: availableParallelism() },
): ContainerLimits {
  const limits = PLANS[plan];
  return {
    ...limits,
    memoryBytes: Math.min(limits.memoryBytes, Math.floor((machine.memoryBytes * MEMORY_SHARE) / MB) * MB),
    cpus: Math.min(limits.cpus, machine.cpus),
  };
}
