/** Small files of the device's home that are its owner's alone, and are whole or not there. */
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Its text, or undefined when there is no such file. Fails when there is one that cannot be read. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Resolves when it is on disk. Whoever writes the same file twice at once does so one after the other. */
export async function writePrivate(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`;
  {
    await using handle = await open(temporary, 'w', 0o600);
    // One that a kill has left behind keeps its mode.
    await handle.chmod(0o600);
    await handle.writeFile(text);
    await handle.sync();
  }
  await rename(temporary, file);
  await syncFolder(dirname(file));
}

/** Makes the new name last. Not every system can: Windows has no such thing. */
async function syncFolder(folder: string): Promise<void> {
  try {
    await using handle = await open(folder, 'r');
    await handle.sync();
  } catch {
    // The file itself is on disk.
  }
}
