/**
 * What a session runs in, as one hash: the interpreter and what the project says it needs. Two sessions with the same
 * hash may be taken for one another; one whose hash has changed since it started is behind its project.
 */
import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import path from 'node:path';

/** Files that pin what is installed, the stricter ones first in each language. */
const LOCKS: readonly string[] = [
  'uv.lock',
  'poetry.lock',
  'pdm.lock',
  'Pipfile.lock',
  'requirements.txt',
  'pyproject.toml',
  'package-lock.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  'renv.lock',
  'Manifest.toml',
];
const LOCK_BYTES_MAX = 16 * 1024 * 1024;

/** @param environment of the interpreter: its path and its version */
export async function environmentHash(
  environment: { readonly executable: string; readonly version: string },
  projectFolder: string,
): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([await realpath(environment.executable).catch(() => environment.executable)]));
  hash.update(JSON.stringify([environment.executable, environment.version]));
  for (const name of LOCKS) {
    const bytes = await readFile(path.join(projectFolder, name)).catch(() => null);
    if (bytes !== null && bytes.length <= LOCK_BYTES_MAX) hash.update(name).update('\0').update(bytes);
  }
  return hash.digest('hex');
}

/** Where the code of a session runs: the project's folder, or the one below it that the configuration names. */
export async function workingFolder(projectFolder: string, wished: string | null): Promise<string | null> {
  if (wished === null) return projectFolder;
  try {
    const root = await realpath(projectFolder);
    const found = await realpath(path.resolve(root, wished));
    return found === root || found.startsWith(root + path.sep) ? found : null;
  } catch {
    return null;
  }
}
