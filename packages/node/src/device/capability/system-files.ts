/** The small files in which a system speaks of itself. */
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

export const systemFiles: SystemFiles = {
  text: (path) => inTime(readStart(path), null),
  names: (folder) =>
    inTime(
      readdir(folder).then((names) => names.slice(0, NAMES_MAX)),
      [],
    ),
};

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
