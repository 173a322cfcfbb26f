/**
 * The device that runs on this machine, found by the two files it leaves in its state folder for programs of the
 * same person: `device.json` (where it listens) and `api-token` (what opens it). Nothing else there is read.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createApi, type Api } from '@markco/client/api';
import { Failure } from '@markco/protocol/failure';
import type { Cli } from './cli.ts';
import { configOf } from './home.ts';

export type RunningDevice = {
  /** `http://127.0.0.1:7717`. */
  readonly origin: string;
  readonly port: number;
  readonly token: string;
  readonly pid: number | null;
  readonly api: Api;
};

const ANSWER_TIMEOUT_MS = 3_000;

/** Null when none runs. Files that a killed device left behind do not count: it must answer, and know the token. */
export async function findDevice(cli: Cli): Promise<RunningDevice | null> {
  const { home } = configOf(cli);
  const [place, token] = await Promise.all([readPlace(join(home, 'device.json')), readText(join(home, 'api-token'))]);
  if (place === null || token === null) return null;
  const origin = `http://127.0.0.1:${place.port}`;
  const api = createApi({ fetch: cli.fetch, origin, token: token.trim() });
  try {
    await api('stats', { signal: AbortSignal.any([cli.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]) });
  } catch {
    cli.signal.throwIfAborted();
    return null;
  }
  return { origin, ...place, token: token.trim(), api };
}

export async function requireDevice(cli: Cli): Promise<RunningDevice> {
  const device = await findDevice(cli);
  if (device === null) throw new Failure('not_ready', 'No device is running here. Start one with: markco up');
  return device;
}

/** The address that signs a browser in, at a project when one is given. The token is after `#`, so that it reaches no log. */
export function linkTo(
  device: Pick<RunningDevice, 'port' | 'token'>,
  project: { readonly slug: string } | null,
): string {
  return `http://localhost:${device.port}/${project === null ? '' : `p/${project.slug}`}#token=${device.token}`;
}

async function readPlace(path: string): Promise<{ readonly port: number; readonly pid: number | null } | null> {
  const text = await readText(path);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('port' in value) || typeof value.port !== 'number')
      return null;
    return { port: value.port, pid: 'pid' in value && typeof value.pid === 'number' ? value.pid : null };
  } catch {
    return null;
  }
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}
