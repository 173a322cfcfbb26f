/**
 * How long the events of runs stay on disk: those of the newest runs, up to a number and a size.
 *
 * 1. Only what is over and in its document goes. The run itself stays in the journal, so that its id stays taken, and
 *    so do the `output` fence and the assets that its output became.
 * 2. Whoever is reading goes on to the end.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { LIMITS, runMachine, type RunId } from '@markco/protocol';
import type { Journal, RunLog, RunRow } from './journal.ts';
import { spoolFile } from './spool.ts';

export type KeepParts = {
  /** Holds a folder a run, named by its id, and nothing else. */
  readonly runsFolder: string;
  readonly journal: Pick<Journal, 'get'>;
  readonly log: RunLog;
};

/** Removes what is past the bounds. An abort stops between two runs. */
export async function dropOldEvents(
  { runsFolder, journal, log }: KeepParts,
  signal: AbortSignal,
  { runsMax = LIMITS.runsKeptMax, bytesMax = LIMITS.runsKeptBytesMax }: { runsMax?: number; bytesMax?: number } = {},
): Promise<void> {
  let kept = 0;
  let bytes = 0;
  let dropped = 0;
  // Ids begin with the time, so the newest run comes first.
  for (const id of (await readdir(runsFolder).catch(() => [])).toSorted((a, b) => (a < b ? 1 : -1))) {
    if (signal.aborted) return;
    const folder = path.join(runsFolder, id);
    const size = await stat(spoolFile(folder)).then(
      (found) => found.size,
      () => 0,
    );
    if (kept < runsMax && bytes + size <= bytesMax) {
      kept++;
      bytes += size;
      continue;
    }
    const row = await journal.get(id as RunId);
    if (row === null || !isDone(row)) continue;
    await rm(folder, { recursive: true, force: true });
    dropped++;
  }
  if (dropped > 0) log.info('run.events-dropped', { runs: dropped, kept, bytes });
}

function isDone({ run, outputWritten }: RunRow): boolean {
  const neverBegan = run.state === 'cancelled' && run.startedAt === undefined;
  return runMachine.isTerminal(run.state) && (outputWritten || neverBegan);
}
