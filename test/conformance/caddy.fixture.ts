/** For tests: Caddy as `deploy/Caddyfile` sets it up, before clouds that run here. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@markco/replica/free-port.fixture';
import { eventually } from './device.fixture.ts';

const START_MS = 20_000;
const CADDYFILE = join(import.meta.dirname, '../../deploy/Caddyfile');

/** Why there can be none here, or undefined. */
export const NO_CADDY =
  spawnSync('caddy', ['version']).status === 0 ? undefined : 'Caddy is not installed (Debian: caddy)';

type Caddy = {
  /** `localhost:PORT`, what people type. */
  readonly name: string;
  readonly origin: string;
  /** The certificate of whoever signed its own, and where that is kept. */
  readonly authority: string;
  readonly authorityFile: string;
  get<T>(path: string, token: string): Promise<{ readonly status: number; readonly json: T }>;
};

/** @param clouds by the name that the Caddyfile has for them, where they are here */
export async function startCaddy(
  name: string,
  clouds: Readonly<Record<string, string>>,
): Promise<Caddy & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'markco-caddy-'));
  let text = await readFile(CADDYFILE, 'utf8');
  for (const [given, here] of Object.entries(clouds)) text = text.replace(`${given}:3000`, here);
  // It signs for `localhost` itself, and nobody on this machine is to trust that for good.
  const options = '{\n\tskip_install_trust\n\tauto_https disable_redirects\n\tadmin off\n}\n';
  await writeFile(join(folder, 'Caddyfile'), options + text);
  const child = spawn('caddy', ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'], {
    env: { ...process.env, MARKCO_DOMAIN: name, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (log = (log + chunk).slice(-20_000)));
  const authorityFile = join(folder, 'caddy/pki/authorities/local/root.crt');
  const origin = `https://${name}`;
  let authority = '';
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await rm(folder, { recursive: true, force: true });
  };
  const get: Caddy['get'] = <T>(path: string, token: string) =>
    new Promise<{ status: number; json: T }>((resolve, reject) => {
      const asked = request(`${origin}${path}`, { ca: authority, headers: { authorization: `Bearer ${token}` } });
      asked.on('error', reject);
      asked.on('response', (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        answer.on('end', () => {
          const json = (body.startsWith('{') ? JSON.parse(body) : undefined) as T;
          resolve({ status: answer.statusCode ?? 0, json });
        });
      });
      asked.end();
    });
  try {
    await eventually(
      async () => {
        if (child.exitCode !== null) throw new Error(`Caddy ended: ${log}`);
        authority = await readFile(authorityFile, 'utf8').catch(() => '');
        return authority !== '' && (await get('/health', '').catch(() => ({ status: 0 }))).status === 200;
      },
      'Caddy to pass on',
      START_MS,
    );
  } catch (error) {
    await dispose();
    throw new Error(`Caddy did not start: ${log}`, { cause: error });
  }
  return { name, origin, authority, authorityFile, get, [Symbol.asyncDispose]: dispose };
}

export const caddyName = async (): Promise<string> => `localhost:${await freePort()}`;
