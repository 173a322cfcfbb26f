/** For tests: a real device as a program of its own, in a home of its own, that can be killed and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openClient, type Client, type Socket } from '@markco/client';
import { newId, type Document, type IdSource, type Project, type RunId, type UserId } from '@markco/protocol';
import { freePort } from '@markco/replica/free-port.fixture';
import { WebSocket } from 'ws';
import { lean, leanEnvironment } from '../../setup/lean.mjs';
import { endSessions } from './end-sessions.ts';

const HERE = join(import.meta.dirname, '../..');
const START_MS = 30_000;

export const ids: IdSource = { now: Date.now, randomBytes: (length) => new Uint8Array(randomBytes(length)) };
export const newRunId = (): RunId => newId<RunId>(ids);

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly json: unknown;
  readonly text: string;
};
export type Ask = {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as they are, with no content type of ours. */
  readonly bytes?: string | Uint8Array<ArrayBuffer>;
  readonly token?: string | null;
};

export type Device = {
  readonly root: string;
  readonly home: string;
  /** The folder of the first project. */
  readonly folder: string;
  readonly origin: string;
  readonly port: number;
  readonly token: string;
  readonly userId: UserId;
  readonly project: Project;
  /** Everything the device has written to its log, restarts included. */
  log(): string;
  ask(path: string, ask?: Ask): Promise<Answer>;
  /** The answer's JSON; throws when the status is 400 or above. */
  get<T>(path: string, ask?: Ask): Promise<T>;
  documents(): Promise<readonly Document[]>;
  document(path: string): Promise<Document>;
  client(): Client;
  socket(
    path: string,
    options?: { readonly headers?: Record<string, string>; readonly token?: string | null },
  ): WebSocket;
  /** kill -9. */
  kill(): Promise<void>;
  /** Freezes it as it is, as a machine that sleeps, until `wake`. */
  freeze(): void;
  wake(): void;
  /** Ends it as a person would. */
  stop(): Promise<void>;
  start(): Promise<void>;
};

/** The files of the project, and further variables of the device. */
export type DeviceOptions = {
  readonly files: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The folder of the version of MarkCo that it is; this one where nothing is said. */
  readonly version?: string;
};

export async function startDevice({
  files,
  env = {},
  version = HERE,
}: DeviceOptions): Promise<Device & AsyncDisposable> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'markco-device-')));
  const home = join(root, 'home');
  // Given to the device by a link, as where people keep their data on another disk.
  const linkToHome = join(root, 'home-link');
  await mkdir(home, { mode: 0o700 });
  await symlink(home, linkToHome);
  const folder = join(root, 'notes');
  await mkdir(folder);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const clients: Client[] = [];
  let child: ChildProcess | undefined;
  let log = '';
  let port = await freePort();
  let opens = [folder];
  let token = '';
  let userId = '' as UserId;
  let project: Project | undefined;

  async function start(): Promise<void> {
    const main = join(version, 'apps/cli/src/main.ts');
    const started = spawn(process.execPath, [...lean, main, 'up', '--no-browser', ...opens], {
      cwd: root,
      env: {
        ...process.env,
        ...leanEnvironment(process.env),
        LOG_LEVEL: 'info',
        NO_COLOR: '1',
        MARKCO_PEER_PORT: '0',
        MARKCO_PROJECTS: join(root, 'elsewhere'),
        ...env,
        MARKCO_HOME: linkToHome,
        MARKCO_PORT: String(port),
        MARKCO_MDNS: '0',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    let out = '';
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    started.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
    started.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (out.includes('Ctrl-C')) resolve();
    });
    const ended = (): void => reject(new Error(`the device ended before it was ready: ${out}${log.slice(-2_000)}`));
    started.once('exit', ended);
    const timer = setTimeout(
      () => reject(new Error(`the device was not ready in time: ${out}${log.slice(-2_000)}`)),
      START_MS,
    );
    await promise.finally(() => clearTimeout(timer));
    started.off('exit', ended);
    opens = [];
    port = (JSON.parse(await readFile(join(home, 'device.json'), 'utf8')) as { port: number }).port;
    token = (await readFile(join(home, 'api-token'), 'utf8')).trim();
    userId = (await device.get<{ user: { id: UserId } }>('/api/device')).user.id;
    project ??= (await device.get<{ projects: Project[] }>('/api/projects')).projects[0];
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const gone = once(ending, 'exit');
    ending.kill(signal);
    await gone;
  }

  const device: Device & AsyncDisposable = {
    root,
    home,
    folder,
    get origin() {
      return `http://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    get token() {
      return token;
    },
    get userId() {
      return userId;
    },
    get project() {
      if (project === undefined) throw new Error('no project is open');
      return project;
    },
    log: () => log,
    async ask(path, ask = {}) {
      const sentToken = ask.token === undefined ? token : ask.token;
      const response = await fetch(`${device.origin}${path}`, {
        method: ask.method ?? (ask.body === undefined && ask.bytes === undefined ? 'GET' : 'POST'),
        redirect: 'manual',
        headers: {
          ...(sentToken === null ? {} : { authorization: `Bearer ${sentToken}` }),
          ...(ask.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...ask.headers,
        },
        ...(ask.bytes === undefined
          ? ask.body === undefined
            ? {}
            : { body: JSON.stringify(ask.body) }
          : { body: ask.bytes }),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('application/json') === true;
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: isJson ? (JSON.parse(text) as unknown) : undefined,
      };
    },
    async get<T>(path: string, ask?: Ask) {
      const answer = await device.ask(path, ask);
      if (answer.status >= 400) throw new Error(`${path} answered ${answer.status}: ${answer.text}`);
      return answer.json as T;
    },
    documents: async () =>
      (await device.get<{ documents: Document[] }>(`/api/projects/${device.project.id}/documents`)).documents,
    async document(path) {
      const found = (await device.documents()).find((document) => document.path === path);
      if (found === undefined) throw new Error(`there is no document ${path}`);
      return found;
    },
    client() {
      const client = openClient({
        origin: device.origin,
        token,
        webSocket: (url) => new globalThis.WebSocket(url) as Socket,
        fetch,
        ...ids,
      });
      clients.push(client);
      return client;
    },
    socket(path, options = {}) {
      const sentToken = options.token === undefined ? token : options.token;
      const query = sentToken === null ? '' : `${path.includes('?') ? '&' : '?'}token=${sentToken}`;
      return new WebSocket(`ws://127.0.0.1:${port}${path}${query}`, { headers: options.headers ?? {} });
    },
    kill: () => end('SIGKILL'),
    freeze: () => void child?.kill('SIGSTOP'),
    wake: () => void child?.kill('SIGCONT'),
    stop: () => end('SIGTERM'),
    start,
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close()));
      await end('SIGKILL');
      await endSessions(home);
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  await start().catch(async (error: unknown) => {
    await device[Symbol.asyncDispose]();
    throw error;
  });
  return device;
}

/** All text messages of a socket until it closes, and how it closed. */
export async function messagesOf(
  socket: WebSocket,
): Promise<{ readonly messages: unknown[]; readonly code: number; readonly reason: string }> {
  const messages: unknown[] = [];
  socket.on('message', (data, isBinary) => {
    if (!isBinary) messages.push(JSON.parse(String(data)));
  });
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return { messages, code, reason: String(reason) };
}

/** The status of a WebSocket that the device refused before it was one, and its body. */
export async function refusalOf(socket: WebSocket): Promise<{ readonly status: number; readonly json: unknown }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; json: unknown }>();
  socket.on('error', () => undefined);
  socket.once('open', () => reject(new Error('the WebSocket was let in')));
  socket.once('unexpected-response', (_request, response) => {
    let text = '';
    response.on('data', (part: Buffer) => (text += String(part)));
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, json: text === '' ? undefined : JSON.parse(text) }),
    );
  });
  return promise.finally(() => socket.terminate());
}

/** Waits until a fact holds. */
export async function eventually<T>(
  fact: () => T | Promise<T>,
  what: string,
  withinMs = 10_000,
): Promise<NonNullable<T>> {
  const startedAt = performance.now();
  for (;;) {
    const found = await fact();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() - startedAt > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
