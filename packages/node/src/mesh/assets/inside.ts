/** Opens files of a folder as long as no part of their path is a link, also while somebody swaps one for a link. */
import { constants, readlinkSync, realpathSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure } from '@markco/protocol';

const { O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;
const MODE_NEW = 0o666;

/** @param home the folder as `realpath` names it. `path` is relative to it and has been checked. */
export async function openToRead(home: string, path: string): Promise<FileHandle> {
  return openInside(home, path, O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
}

/** To read and write, as it is; made when it is missing. Its folder must be there. */
export async function openToWrite(home: string, path: string): Promise<FileHandle> {
  return openInside(home, path, O_RDWR | O_CREAT | (O_NOFOLLOW ?? 0));
}

async function openInside(home: string, path: string, flags: number): Promise<FileHandle> {
  const file = join(home, path);
  const folder = await open(dirname(file), O_RDONLY | (O_DIRECTORY ?? 0));
  try {
    // The open folder is asked where it is; what follows goes through it, wherever its name points by then.
    const through = `/proc/self/fd/${folder.fd}`;
    const at = whereIs(through);
    if ((at ?? realpathSync(dirname(file))) !== dirname(file))
      throw new Failure('forbidden', `${JSON.stringify(path)} is reached by a link, which is not followed.`);
    return await open(at === null ? file : join(through, basename(file)), flags, MODE_NEW);
  } finally {
    await folder.close();
  }
}

/** Null where the system has no such paths. */
function whereIs(through: string): string | null {
  try {
    return readlinkSync(through);
  } catch {
    return null;
  }
}
