/** The settings of this device as its environment gives them, with paths that mean the same from any folder. */
import { readConfig, type Config, type ConfigFlags } from '@markco/node/config';
import { Failure } from '@markco/protocol/failure';
import { access, constants, mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Cli } from './cli.ts';

/** Fails with `bad_request` when a variable is wrong. An empty variable is one that is not set. */
export function configOf({ env, cwd }: Pick<Cli, 'env' | 'cwd'>, flags: ConfigFlags = {}): Config {
  const config = readConfig(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')), flags);
  return { ...config, home: resolve(cwd, config.home) };
}

/**
 * Makes the state folder, for its owner only. Fails with `storage_failed` where it cannot be.
 * Folder by folder, because Node's own recursive way never ends under a file system that makes no folders (`/proc`).
 */
export async function makeHome(home: string): Promise<void> {
  try {
    await makeFolder(home);
    await access(`${home}/.`, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const message = `The state folder ${home} cannot be made or written. Choose another: MARKCO_HOME=DIR markco up`;
    throw new Failure('storage_failed', message, { cause });
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path, { mode: 0o700 });
  }
}
