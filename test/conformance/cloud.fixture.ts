/**
 * For tests: a cloud as a program of its own, that can be killed and started again.
 *
 * It keeps things in its own store, unless it is told where. `MARKCO_CLOUDS_ON=postgres` has each that is not told keep
 * them in a Postgres of its own, so that whatever is tested with a cloud can be tested there too.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openClient, type Client, type Socket } from '@markco/client';
import { NO_POSTGRES, startPostgres } from '@markco/rendezvous/store/postgres.fixture';
import { freePort } from '@markco/replica/free-port.fixture';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { ids } from './device.fixture.ts';
import { endSessions } from './end-sessions.ts';
import { lean, leanEnvironment } from '../../setup/lean.mjs';

const HERE = join(import.meta.dirname, '../..');
const START_MS = 30_000;

/** Where clouds keep things that are not told where. */
export const cloudsOn = process.env['MARKCO_CLOUDS_ON'] === 'postgres' ? 'Postgres' : 'Level';
if (cloudsOn === 'Postgres' && NO_POSTGRES !== undefined) throw new Error(NO_POSTGRES);

export type CloudProgram = {
  /** Its state folder. */
  readonly home: string;
  /** Of the device beside it. */
  readonly device: { get<T>(path: string, body?: unknown): Promise<T> };
  readonly origin: string;
  readonly token: string;
  /** Of the process that runs now; 0: none does. */
  readonly pid: number;
  /** What it wrote to its log, restarts included. */
  log(): string;
  get<T>(path: string, token?: string): Promise<{ readonly status: number; readonly json: T }>;
  /** A stock client of one document. */
  stock(userId: string, project: string, path: string): WebsocketProvider;
  /** Our own client. */
  client(): Client;
  start(): Promise<void>;
  /** What it would leave behind if it were killed now, of what is below its home. */
  image(path: string, to: string): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  /** Ends it as an operator would. Answers with what it ended. */
  stop(): Promise<number | null>;
};

/** @param ownerToken of another process of the same cloud
 * @param args of the command line
 * @param version the folder of the version of MarkCo that it is */
export async function startCloud(
  env: Readonly<Record<string, string>> = {},
  ownerToken?: string,
  args: readonly string[] = [],
  version = HERE,
): Promise<CloudProgram & AsyncDisposable> {
  const home = await mkdtemp(join(tmpdir(), 'markco-cloud-'));
  const postgres = cloudsOn === 'Postgres' && env['DATABASE_URL'] === undefined ? await startPostgres() : undefined;
  const database = postgres === undefined ? {} : { DATABASE_URL: await postgres.database() };
  if (ownerToken !== undefined) {
    await mkdir(join(home, 'rendezvous'));
    await writeFile(join(home, 'rendezvous', 'owner-token'), ownerToken);
  }
  const providers: WebsocketProvider[] = [];
  const clients: Client[] = [];
  let child: ChildProcess | undefined;
  let port = await freePort();
  let token = '';
  let log = '';

  async function start(): Promise<void> {
    const started = spawn(
      process.execPath,
      [...lean, join(version, 'apps/cli/src/main.ts'), 'cloud', '--json', ...args],
      {
        cwd: home,
        env: {
          ...process.env,
          ...leanEnvironment(process.env),
          LOG_LEVEL: 'info',
          MARKCO_HOME: home,
          MARKCO_PROJECTS: join(home, 'projects'),
          MARKCO_HOST: '127.0.0.1',
          MARKCO_PORT: String(port),
          MARKCO_PEER_PORT: '0',
          MARKCO_PEER_WEB_PORT: '0',
          MARKCO_MDNS: '0',
          ...database,
          ...env,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    child = started;
    started.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    const line = await new Promise<string>((resolve, reject) => {
      let out = '';
      const timer = setTimeout(
        () => reject(new Error(`the cloud was not ready in time: ${log.slice(-2_000)}`)),
        START_MS,
      );
      const ended = (): void => reject(new Error(`the cloud ended before it was ready: ${log.slice(-2_000)}`));
      started.once('exit', ended);
      started.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text;
        if (!out.includes('\n')) return;
        clearTimeout(timer);
        started.off('exit', ended);
        resolve(out);
      });
    });
    const about = JSON.parse(line) as { port: number; link: string };
    port = about.port;
    token = new URLSearchParams(new URL(about.link).hash.slice(1)).get('token') ?? '';
  }

  async function kill(): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const gone = once(ending, 'exit');
    ending.kill('SIGKILL');
    await gone;
  }

  async function stop(): Promise<number | null> {
    const ending = child;
    child = undefined;
    if (ending === undefined) return null;
    const gone = once(ending, 'exit');
    ending.kill('SIGTERM');
    const [code] = await gone;
    return code as number | null;
  }

  const dispose = async (): Promise<void> => {
    for (const provider of providers) provider.destroy();
    await Promise.all(clients.map((client) => client.close()));
    await kill();
    await endSessions(home);
    await postgres?.[Symbol.asyncDispose]();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  };
  await start().catch(async (error: unknown) => {
    await dispose();
    throw error;
  });
  return {
    home,
    device: {
      async get<T>(path: string, body?: unknown) {
        const at = JSON.parse(await readFile(join(home, 'device.json'), 'utf8')) as { port: number };
        const own = (await readFile(join(home, 'api-token'), 'utf8')).trim();
        const answer = await fetch(`http://127.0.0.1:${at.port}${path}`, {
          method: body === undefined ? 'GET' : 'POST',
          headers: { authorization: `Bearer ${own}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return (await answer.json()) as T;
      },
    },
    get origin() {
      return `http://127.0.0.1:${port}`;
    },
    get token() {
      return token;
    },
    get pid() {
      return child?.pid ?? 0;
    },
    log: () => log,
    async get<T>(path: string, given = token) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        headers: given === '' ? {} : { authorization: `Bearer ${given}` },
      });
      const text = await answer.text();
      return { status: answer.status, json: (text.startsWith('{') ? JSON.parse(text) : undefined) as T };
    },
    stock(userId, project, path) {
      const made = new WebsocketProvider(`ws://127.0.0.1:${port}/sync/${userId}/${project}`, path, new Y.Doc(), {
        params: { token },
        disableBc: true,
      });
      providers.push(made);
      return made;
    },
    client() {
      const client = openClient({
        ...{ origin: `http://127.0.0.1:${port}`, token, fetch, ...ids },
        webSocket: (url) => new globalThis.WebSocket(url) as Socket,
      });
      clients.push(client);
      return client;
    },
    start,
    async image(path, to) {
      child?.kill('SIGSTOP');
      await cp(join(home, path), join(home, to), { recursive: true });
      child?.kill('SIGCONT');
    },
    kill,
    stop,
    [Symbol.asyncDispose]: dispose,
  };
}
