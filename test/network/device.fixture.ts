/** For tests: MarkCo as a person has it, on a machine of the lab: the program of the command line, and its API. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceHere, RunEvent } from '@markco/protocol';
import { expect } from 'vitest';
import { askThrough, bridgeTo, eventsThrough } from './bridge.fixture.ts';
import type { Machine } from './lab.ts';

const MAIN = join(import.meta.dirname, '../../apps/cli/src/main.ts');
/** What takes a moment takes this long at most on a machine that is busy. */
export const SOON = { timeout: 30_000, interval: 50 };

export type Ended = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
};
/** A command that goes on. */
export type Begun = {
  /** The first line, or part of it, that matches what it has printed on stdout. */
  shows(line: RegExp): Promise<string>;
  out(): string;
  readonly ended: Promise<Ended>;
};

export type LabDevice = {
  readonly name: string;
  readonly folder: string;
  readonly home: string;
  readonly machine: Machine;
  /** Starts the device; what follows `up`. */
  up(...words: string[]): Promise<void>;
  /** kill -9 of all that runs on its machine. */
  powerOff(): Promise<void>;
  stop(): Promise<void>;
  markco(...words: string[]): Promise<Ended>;
  begin(...words: string[]): Begun;
  /** What its API answers. */
  get<T>(path: string, body?: unknown, method?: string): Promise<T>;
  devices(): Promise<readonly DeviceHere[]>;
  /** Of a run, from the first to its end. */
  events(runId: string): Promise<readonly RunEvent[]>;
  /** By the name of the other: the kind of the best way to it, as `markco peers` has it, or null. */
  wayTo(name: string): Promise<'direct' | 'relayed' | null>;
  /** What the device has written since it was last started. */
  log(): string;
};

/** How a person types the commands. */
export type Typed = {
  readonly file: string;
  readonly up: readonly string[];
  readonly markco: readonly string[];
  readonly cwd?: string;
};
const ITSELF: Typed = { file: process.execPath, up: [MAIN, 'up'], markco: [MAIN] };

export async function labDevice(
  machine: Machine,
  name: string,
  settings: Readonly<Record<string, string>> = {},
  typed: Typed = ITSELF,
): Promise<LabDevice & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), 'markco-lab-'));
  const [home, folder, socket] = [join(root, 'home'), join(root, 'folder'), join(root, 'api.sock')];
  await mkdir(folder);
  const env = {
    ...{ PATH: process.env['PATH'], HOME: root, MARKCO_HOME: home, MARKCO_PROJECTS: join(root, 'projects') },
    ...{ MARKCO_NAME: name, NO_COLOR: '1', NODE_COMPILE_CACHE: join(tmpdir(), 'markco-lab-cache') },
    ...(process.env['MARKCO_LAB_DEBUG'] === undefined ? {} : { DEBUG: process.env['MARKCO_LAB_DEBUG'] }),
    ...settings,
  };
  let running: Begun | null = null;
  /** How the device ended, where nobody ended it. */
  let died: Ended | null = null;
  let log = '';
  let token = '';

  function start(
    words: readonly string[],
    onError: (text: string) => void = () => undefined,
  ): Begun & { child: ChildProcess } {
    const child = machine.spawn(typed.file, words, { env, cwd: typed.cwd ?? folder });
    let [out, err] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => {
      err += chunk.toString();
      onError(chunk.toString());
    });
    const ended = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
      out,
      err,
    }));
    const shows = async (line: RegExp): Promise<string> => {
      const message = `${name}: ${String(line)}`;
      await expect.poll(() => line.test(out) || child.exitCode !== null, { ...SOON, message }).toBe(true);
      const [match] = line.exec(out) ?? [];
      if (match === undefined) throw new Error(`${name} ended without ${String(line)}: ${JSON.stringify(await ended)}`);
      return match;
    };
    return { child, ended, shows, out: () => out };
  }

  const tokenOf = async (): Promise<string> => (token ||= (await readFile(join(home, 'api-token'), 'utf8')).trim());
  async function get<T>(path: string, body?: unknown, method?: string): Promise<T> {
    const asking = { token: await tokenOf(), method, ...(body === undefined ? {} : { body }) };
    const { status, text } = await askThrough(socket, path, asking).catch((error: unknown) => {
      throw died === null ? error : new Error(`${name} ended by itself: ${lastWords(died)}`, { cause: error });
    });
    if (status < 200 || status > 299) throw new Error(`${path}: ${status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
  const devices = async (): Promise<readonly DeviceHere[]> =>
    (await get<{ devices: DeviceHere[] }>('/api/devices')).devices;

  return {
    ...{ name, folder, home, machine, get, devices },
    log: () => log,
    events: async (runId) => eventsThrough(socket, runId, await tokenOf()),
    async up(...words) {
      log = '';
      const begun = start([...typed.up, '--no-browser', ...words], (text) => (log += text));
      [running, died] = [begun, null];
      void begun.ended.then((how) => {
        if (running === begun) died = how;
      });
      await begun.shows(/Ctrl-C stops/);
      await rm(socket, { force: true });
      await bridgeTo(machine, socket);
    },
    async powerOff() {
      const ending = running;
      running = null;
      await machine.powerOff();
      await ending?.ended;
    },
    async stop() {
      const { pid } = JSON.parse(await readFile(join(home, 'device.json'), 'utf8')) as { pid: number };
      const ending = running;
      running = null;
      process.kill(pid, 'SIGTERM');
      await ending?.ended;
      // What hands on to it as well.
      await machine.powerOff();
    },
    markco: (...words) => start([...typed.markco, ...words]).ended,
    begin: (...words) => start([...typed.markco, ...words]),
    async wayTo(other) {
      const found = (await devices()).find((device) => device.name === other)?.connection;
      if (found?.state !== 'connected') return null;
      return found.paths.some(({ relayed }) => !relayed) ? 'direct' : 'relayed';
    },
    async [Symbol.asyncDispose]() {
      await machine.powerOff();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** By the link, as a person would: shown on one, typed on the other. */
export async function pair(adder: LabDevice, joiner: LabDevice): Promise<void> {
  const shown = adder.begin('pair', '--yes');
  const joined = await joiner.markco('pair', await shown.shows(/markco:pair#\S+/));
  expect(joined, `${joiner.name} joins ${adder.name}: ${joined.err} ${adder.log()}`).toMatchObject({ code: 0 });
  expect(await shown.ended).toMatchObject({ code: 0 });
}

/** What a program that ended has said of why: its log is the rest. */
function lastWords({ code, signal, err }: Ended): string {
  const words = err.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  return [`with ${signal ?? String(code)}`, ...words.slice(-30)].join(' | ');
}
