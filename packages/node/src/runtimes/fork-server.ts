/**
 * Warm interpreters that fork the workers of sessions, one for each interpreter and environment in use.
 *
 * 1. A fork server runs no user code. When it dies, its workers go on; when this host dies, it ends.
 * 2. What cannot be forked is started the slow way by whoever asked: a server is only ever a shortcut.
 * 3. At most SERVERS_MAX are kept; the one used longest ago ends for a new one.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Failure } from '@markco/protocol';
import * as z from 'zod/mini';
import type { Hold } from './limits/limits.ts';
import { findProcess, type ProcessName } from './process-table.ts';
import type { SessionPlace, WorkerCommand } from './runtime.ts';
import { LOG_CHARS_SHOWN, saidSoon, type StartedWorker } from './worker-process.ts';

const SERVERS_MAX = 4;
const LINE_CHARS_MAX = 64 * 1024;
const READY_MS = 10_000;

const count = z.number().check(z.int());
const EventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('forked'), ref: count, pid: count }),
  z.object({ event: z.literal('ready'), pid: count }),
  z.object({ event: z.literal('ended'), pid: count, code: z.nullable(count), signal: z.nullable(z.string()) }),
]);

export type ForkRequest = {
  readonly command: WorkerCommand & { readonly forkServer: NonNullable<WorkerCommand['forkServer']> };
  readonly place: SessionPlace;
  readonly cwd: string;
  readonly hold: Hold;
};

/** `how` is null when nobody knows any more. */
type Birth = { ready(): void; ended(how: string | null): void };
type Server = {
  fork(request: ForkRequest, signal: AbortSignal): Promise<StartedWorker>;
  end(): void;
  readonly alive: boolean;
};

export type ForkServers = ReturnType<typeof createForkServers>;

/** @param env what the servers, and so their workers, inherit: without this host's own settings and secrets */
export function createForkServers(env: Readonly<Record<string, string>>) {
  const servers = new Map<string, Server>();

  function serverFor(command: ForkRequest['command']): Server {
    const key = JSON.stringify([command.forkServer.argv, command.env]);
    const known = servers.get(key);
    servers.delete(key);
    const server = known?.alive === true ? known : startServer(command, { ...env, ...command.env });
    servers.set(key, server);
    for (const [oldest, each] of servers) {
      if (servers.size <= SERVERS_MAX) break;
      each.end();
      servers.delete(oldest);
    }
    return server;
  }

  return {
    /** Makes a server for later, so that the first session is as quick as the others. */
    warm: (command: ForkRequest['command']): void => void serverFor(command),

    /** Resolves when the worker listens. Rejects when it could not be forked or ended first; then nothing is left. */
    fork: (request: ForkRequest, signal: AbortSignal): Promise<StartedWorker> =>
      serverFor(request.command).fork(request, signal),

    /** Ends the servers; workers go on. */
    close(): void {
      for (const server of servers.values()) server.end();
      servers.clear();
    },
  };
}

function startServer(command: ForkRequest['command'], env: Readonly<Record<string, string>>): Server {
  const [program, ...rest] = command.forkServer.argv;
  const child = spawn(program, rest, { cwd: '/', env, detached: true, stdio: ['pipe', 'pipe', 'ignore'] });
  const forks = new Map<number, (pid: number | null) => void>();
  const births = new Map<number, Birth>();
  let next = 0;
  let alive = true;

  function end(): void {
    alive = false;
    child.stdin?.destroy();
    for (const tell of forks.values()) tell(null);
    for (const birth of births.values()) birth.ended(null);
    forks.clear();
  }

  child.once('error', end);
  child.once('exit', end);
  child.stdin?.on('error', end);
  keepAlive(child, 'unref');
  let asked = 0;
  readEvents(child, end, (event) => {
    if (event.event === 'forked') {
      forks.get(event.ref)?.(event.pid);
      forks.delete(event.ref);
    } else if (event.event === 'ready') births.get(event.pid)?.ready();
    else {
      births.get(event.pid)?.ended(event.signal === null ? `exit code ${event.code}` : `signal ${event.signal}`);
      births.delete(event.pid);
    }
  });

  /** Known before the worker can say anything: both come through the same pipe, this first. */
  function forked(ref: number): Promise<{ pid: number; ready: Promise<boolean>; ended: Promise<string | null> }> {
    return new Promise((resolve, reject) => {
      forks.set(ref, (pid) => {
        if (pid === null) return reject(new Failure('runtime_missing', `${program} does not answer.`));
        const ended = Promise.withResolvers<string | null>();
        const ready = new Promise<boolean>((tell) =>
          births.set(pid, {
            ready: () => tell(true),
            ended(said) {
              ended.resolve(said);
              tell(false);
            },
          }),
        );
        resolve({ pid, ready, ended: ended.promise });
      });
    });
  }

  return {
    get alive() {
      return alive;
    },
    end,
    async fork(request, signal) {
      if (asked++ === 0) keepAlive(child, 'ref');
      try {
        return await forkOne(request, signal);
      } finally {
        if (--asked === 0) keepAlive(child, 'unref');
      }
    },
  };

  async function forkOne({ command: { forkServer }, place, cwd, hold }: ForkRequest, signal: AbortSignal) {
    const join = await hold.prepare();
    signal.throwIfAborted();
    if (!alive) throw new Failure('runtime_missing', `${program} ended.`);
    const ref = next++;
    const birth = forked(ref);
    const limits = { limit: forkServer.limitBytes, dataBytes: hold.processBytesMax, join: join ?? [] };
    child.stdin?.write(`${JSON.stringify({ ref, ...place, ...limits, cwd })}\n`);
    const { pid, ready, ended } = await birth;
    const held = join === null ? hold.add(pid) : undefined;
    const listens = await Promise.race([ready, untilAborted(AbortSignal.any([signal, AbortSignal.timeout(READY_MS)]))]);
    await held;
    const found: ProcessName | null = listens ? await findProcess(pid) : null;
    if (found !== null) return { process: found, ending: () => saidSoon(ended) };
    signal.throwIfAborted();
    const said = (await readFile(path.join(place.folder, 'worker.log'), 'utf8').catch(() => '')).trim();
    throw new Failure(
      'runtime_missing',
      `${program} did not start (${(await saidSoon(ended)) ?? 'no answer'})${said === '' ? '.' : `: ${said.slice(-LOG_CHARS_SHOWN)}`}`,
    );
  }
}

function readEvents(child: ChildProcess, end: () => void, onEvent: (event: z.infer<typeof EventSchema>) => void): void {
  let waiting = '';
  child.stdout?.setEncoding('utf8');
  child.stdout?.on('data', (chunk: string) => {
    const lines = (waiting + chunk).split('\n');
    waiting = lines.pop() ?? '';
    if (waiting.length > LINE_CHARS_MAX) return end();
    for (const line of lines) {
      const parsed = EventSchema.safeParse(tryJson(line));
      if (!parsed.success) return end();
      onEvent(parsed.data);
    }
  });
}

function tryJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

async function untilAborted(signal: AbortSignal): Promise<false> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return false;
}

/** An idle server does not keep this program from ending; one that is asked does. */
function keepAlive(child: ChildProcess, mode: 'ref' | 'unref'): void {
  const streams = [child.stdin, child.stdout] as ({ ref?: () => void; unref?: () => void } | null)[];
  for (const each of [child, ...streams]) each?.[mode]?.();
}
