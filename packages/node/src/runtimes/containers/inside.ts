/**
 * Files that code in a container may have put where it can write. A link in their place would lead the device, which
 * may read more than that code, to a file of somebody else.
 *
 * What is opened is therefore looked at once it is open: it counts only when it is where its path says, and a plain
 * file, or the socket that was expected.
 */
import { constants, linkSync, lstatSync, rmSync } from 'node:fs';
import { open, readlink, realpath, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { Failure } from '@markco/protocol';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Node does not name it: the file itself, not what is in it. */
const O_PATH = 0o10000000;

/** @param root a folder whose own path nobody else can change; `name` is below it */
async function openAt(root: string, name: string, flags: number): Promise<FileHandle> {
  const expected = path.join(await realpath(root), name);
  const file = await open(expected, flags | O_NOFOLLOW);
  try {
    if ((await readlink(`/proc/self/fd/${file.fd}`)) !== expected) throw replaced(name);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A plain file, to be read. */
export async function openInside(root: string, name: string): Promise<FileHandle> {
  const file = await openAt(root, name, O_RDONLY | O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw replaced(name);
}

/** Gives `use` a path to the very socket that is there now. */
export async function withSocket<T>(root: string, name: string, use: (socket: string) => Promise<T>): Promise<T> {
  await using file = await openAt(root, name, O_PATH);
  if (!(await file.stat()).isSocket()) throw replaced(name);
  return await use(`/proc/self/fd/${file.fd}`);
}

/**
 * Gives the plain file `name`, directly in `root`, the name `to` too, then takes its first one away. Nothing happens when
 * there is none; what is no plain file is taken away. Says whether it did.
 */
export function claim(root: string, name: string, to: string): boolean {
  const from = path.join(root, name);
  try {
    linkSync(from, to); // Of a link, this makes another link: it is not followed.
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EEXIST') return false;
    throw error;
  }
  rmSync(from, { force: true });
  if (lstatSync(to).isFile()) return true;
  rmSync(to, { force: true });
  return false;
}

const replaced = (name: string): Failure =>
  new Failure(
    'forbidden',
    `${name} is not what the session was told to write. End the session, then run the cell again.`,
  );
