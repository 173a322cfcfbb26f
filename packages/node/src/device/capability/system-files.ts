/**
 * The small files in which a system speaks of itself.
 *
 * What the kernel has in memory is read in the turn it is asked for, which takes some 20 µs. In a thread each of them is
 * three jobs that cost ten times that, and the disk waits behind them for a thread: the run that is being placed, too.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';

export type SystemFiles = {
  /** The first 64 KB, or null. */
  text(path: string): Promise<string | null>;
  /** At most 1,000 names; none when there is no such folder. */
  names(folder: string): Promise<readonly string[]>;
};

/** For each reader: a machine that is asked says what it knows in this time, or nothing. */
export const DEADLINE_MS = 2_000;
const TEXT_BYTES_MAX = 64 * 1024;
const NAMES_MAX = 1_000;
const IN_MEMORY = /^\/(?:proc|sys\/fs\/cgroup)\//;

export const systemFiles: SystemFiles = {
  text: async (path) => (IN_MEMORY.test(path) ? readNow(path) : inTime(readStart(path), null)),
  names: (folder) =>
    inTime(
      readdir(folder).then((names) => names.slice(0, NAMES_MAX)),
      [],
    ),
};

function readNow(path: string): string | null {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const buffer = Buffer.allocUnsafe(TEXT_BYTES_MAX);
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, TEXT_BYTES_MAX, 0));
  } catch {
    return null;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

async function readStart(path: string): Promise<string> {
  await using file = await open(path, 'r');
  const { buffer, bytesRead } = await file.read(Buffer.alloc(TEXT_BYTES_MAX), 0, TEXT_BYTES_MAX, 0);
  return buffer.toString('utf8', 0, bytesRead);
}

/** Files of drivers and of other machines answer when those do, which may be never. */
export async function inTime<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  const timer = setTimeout(() => resolve(otherwise), DEADLINE_MS);
  reading.then(resolve, () => resolve(otherwise));
  return promise.finally(() => clearTimeout(timer));
}
