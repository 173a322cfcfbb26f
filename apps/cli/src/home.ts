/** The settings of this device as its environment gives them, with paths that mean the same from any folder. */
import { readConfig, type Config } from '@markco/node/config';
import { resolve } from 'node:path';
import type { Cli } from './cli.ts';

/** Fails with `bad_request` when a variable is wrong. An empty variable is one that is not set. */
export function configOf({ env, cwd }: Pick<Cli, 'env' | 'cwd'>): Config {
  const config = readConfig(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  return { ...config, home: resolve(cwd, config.home) };
}
