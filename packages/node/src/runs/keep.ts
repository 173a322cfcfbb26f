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
import type { Journal, RunLog } from './journal.ts';
import { spoolFile } from './spool.ts';

export type KeepParts = {
  /** Holds a folder a run, named by its id, and nothing else. */
  readonly runsFolder: string;
  /** Whether nothing needs the events of a run any more. */
  readonly isDone: (run: RunId) => Promise<boolean>;
  /** After they went. */
  readonly onDropped?: (run: RunId) => Promise<void>;
  readonly log: RunLog;
};

/** Removes what is past the bounds. An abort stops between two runs. */
export async function dropOldEvents(
  { runsFolder, isDone, onDropped, log }: KeepParts,
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
    if (!(await isDone(id as RunId))) continue;
    await rm(folder, { recursive: true, force: true });
    await onDropped?.(id as RunId);
    dropped++;
  }
  if (dropped > 0) log.info('run.events-dropped', { runs: dropped, kept, bytes });
}

/** Of the runs of this device: it is over, and its output is in its document. */
export async function isDoneIn(journal: Pick<Journal, 'get'>, id: RunId): Promise<boolean> {
  const row = await journal.get(id);
  if (row === null) return false;
  const neverBegan = row.run.state === 'cancelled' && row.run.startedAt === undefined;
  return runMachine.isTerminal(row.run.state) && (row.outputWritten || neverBegan);
}
