/**
 * The cloud that runs on this machine, for whoever runs it: found by two files in its folder, where it listens and its
 * token.
 */
import { createApi, type Api } from '@markco/client/api';
import { Failure } from '@markco/protocol/failure';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cli } from './cli.ts';
import { configOf } from './home.ts';

/** In the state folder. */
export const CLOUD_FOLDER = 'rendezvous';
const LISTENING = 'listening.json';

/** `url`: the address that people open. */
export type Listening = { readonly port: number; readonly host: string; readonly url: string };

export async function noteListening(home: string, listening: Listening): Promise<void> {
  await writeFile(join(home, CLOUD_FOLDER, LISTENING), JSON.stringify(listening), { mode: 0o600 });
}

/** @throws Failure `not_ready` when none was started here */
export async function requireCloud(cli: Cli): Promise<{ readonly url: string; readonly api: Api }> {
  const folder = join(configOf(cli).home, CLOUD_FOLDER);
  const read = (file: string): Promise<string | null> => readFile(join(folder, file), 'utf8').catch(() => null);
  const [place, token] = [await read(LISTENING), await read('owner-token')];
  if (place === null || token === null)
    throw new Failure('not_ready', 'No cloud was started here. On the machine that it runs on: markco cloud');
  // Written by this program for itself.
  const { host, port, url } = JSON.parse(place) as Listening;
  const origin = `http://${['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host}:${port}`;
  return { url, api: createApi({ fetch: cli.fetch, origin, token: token.trim() }) };
}
