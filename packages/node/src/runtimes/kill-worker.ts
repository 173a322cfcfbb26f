/** Ends a worker and everything it started: its process group, and whatever else is held with it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Hold } from './limits/limits.ts';
import { findProcess, lives, signalGroup, type Kill, type ProcessName } from './process-table.ts';

const POLL_MS = 5;

/** Resolves when nothing is left. */
export async function killWorker(kill: Kill, hold: Hold, name: ProcessName): Promise<void> {
  const found = await findProcess(name.pid);
  // An id whose start differs already belongs to somebody else.
  if (found === null || found.startedAt === name.startedAt) {
    signalGroup(kill, name, 'SIGKILL');
    while (await lives(name)) await delay(POLL_MS);
  }
  await hold.killAll();
}
