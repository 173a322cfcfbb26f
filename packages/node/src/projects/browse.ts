/** Folders of this machine, for a person who looks for one to open. Hidden ones are left out. */
import { Failure } from '@markco/protocol';
import { readdir } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';

const FOLDERS_MAX = 500;

export async function browse(
  path: string,
): Promise<{ path: string; parent: string | null; folders: { name: string; path: string; markdownFiles: number }[] }> {
  if (!isAbsolute(path)) throw new Failure('bad_request', 'Give the folder as an absolute path.');
  const folder = resolve(path);
  const names = await listFolder(folder);
  const folders = await Promise.all(
    names
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
      .slice(0, FOLDERS_MAX)
      .map(async ({ name }) => ({
        name,
        path: join(folder, name),
        markdownFiles: await countMarkdown(join(folder, name)),
      })),
  );
  folders.sort((a, b) => a.name.localeCompare(b.name));
  const parent = dirname(folder);
  return { path: folder, parent: parent === folder ? null : parent, folders };
}

async function listFolder(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (cause) {
    throw new Failure('not_found', `The folder ${folder} cannot be read. Choose another one.`, { cause });
  }
}

async function countMarkdown(folder: string): Promise<number> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => /\.(md|qmd)$/.test(name)).length;
  } catch {
    // A folder that cannot be read is still shown: opening it says why.
    return 0;
  }
}
