/** Ends a run by its process group: SIGINT, after 2 s SIGTERM, after 1 s SIGKILL. */
import { setTimeout as delay } from 'node:timers/promises';
import { signalGroup, type Kill, type ProcessName } from './process-table.ts';

const STEPS = [
  ['SIGINT', 2_000],
  ['SIGTERM', 1_000],
] as const;

/** Resolves when `over` has. */
export async function escalate(
  kill: Kill,
  group: ProcessName,
  over: Promise<unknown>,
  onEscalate: (after: string) => void,
): Promise<void> {
  for (const [signal, graceMs] of STEPS) {
    signalGroup(kill, group, signal);
    if (await endsWithin(over, graceMs)) return;
    onEscalate(signal);
  }
  signalGroup(kill, group, 'SIGKILL');
  await over;
}

async function endsWithin(over: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  try {
    return await Promise.race([over.then(() => true), delay(ms, false, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
