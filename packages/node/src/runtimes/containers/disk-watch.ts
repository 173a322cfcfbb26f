/**
 * How much of the disk a project fills with all that its container may write, looked at again and again while a run is on.
 * Nothing here stops a write: a run that takes a project over its bound, or on from there, is to be ended as soon as that is
 * seen. One that only reads, or deletes, may go on, so that there is a way back.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Between two looks, and that many times as long as the last one took. */
const LOOK_MS = 2_000;
const LOOK_TIMES = 10;
/** Less is what a run prints, and no sign that it fills the disk. */
const GROWTH_BYTES = 1024 * 1024;
const MEASURE_MS = 20_000;
const KB = 1024;
const GB = KB * KB * KB;

export type DiskWatch = {
  /** Why a run that is on now is to end; null while it may go on. Told once for each look. */
  full(): string | null;
};

export type DiskWatchParts = {
  readonly bytesMax: number;
  /** Infinity for more than can be counted; null where nothing can be said. */
  readonly measure: () => Promise<number | null>;
  readonly now: () => number;
};

export function createDiskWatch({ bytesMax, measure, now }: DiskWatchParts): DiskWatch {
  let before: number | null = null;
  let nextAt = Number.NEGATIVE_INFINITY;
  let isLooking = false;
  let why: string | null = null;

  async function look(): Promise<void> {
    const began = now();
    const bytes = await measure();
    const took = now() - began;
    nextAt = now() + Math.max(LOOK_MS, took * LOOK_TIMES);
    if (bytes === null) return;
    const isOver = bytes > bytesMax;
    const grew = bytes === Number.POSITIVE_INFINITY || (before !== null && bytes > before + GROWTH_BYTES);
    before = bytes;
    if (isOver && grew) why = wordsOf(bytes, bytesMax);
  }

  return {
    full() {
      if (!isLooking && now() >= nextAt) {
        isLooking = true;
        void look().finally(() => (isLooking = false));
      }
      const found = why;
      why = null;
      return found;
    },
  };
}

function wordsOf(bytes: number, bytesMax: number): string {
  const most = `the most that a project may fill here is ${gigabytes(bytesMax)}`;
  const has =
    bytes === Number.POSITIVE_INFINITY
      ? 'This project has more files than can be counted'
      : `This project fills ${gigabytes(bytes)} of the disk`;
  return `${has}, and ${most}. So this run was ended. Delete files that you do not need, with a cell: runs that only read and delete go on.`;
}

const gigabytes = (bytes: number): string =>
  bytes < GB ? `${Math.round(bytes / (KB * KB))} MB` : `${(bytes / GB).toFixed(1)} GB`;

/** What these folders take of the disk, each file once. A file that goes meanwhile is no trouble. */
export async function measureFolders(folders: readonly string[]): Promise<number | null> {
  try {
    const { stdout } = await promisify(execFile)('du', ['-s', '-k', '-x', '-c', '--', ...folders], {
      timeout: MEASURE_MS,
    });
    return totalOf(stdout);
  } catch (error) {
    if (!(error instanceof Error)) return null;
    if ('killed' in error && error.killed === true) return Number.POSITIVE_INFINITY;
    return 'stdout' in error ? totalOf(String(error.stdout)) : null;
  }
}

function totalOf(said: string): number | null {
  const total = /^(\d+)\s+total$/m.exec(said)?.[1];
  return total === undefined ? null : Number(total) * KB;
}
