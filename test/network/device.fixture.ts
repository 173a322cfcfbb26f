/** For tests: MarkCo as a person has it, on a machine of the lab: the program of the command line, and nothing else. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceHere } from '@markco/protocol';
import { expect } from 'vitest';
import type { Machine } from './lab.ts';

const MAIN = join(import.meta.dirname, '../../apps/cli/src/main.ts');
/** What takes a moment takes this long at most on a machine that is busy. */
export const SOON = { timeout: 30_000, interval: 100 };

export type Ended = { readonly code: number | null; readonly out: string; readonly err: string };
export type LabDevice = {
  readonly name: string;
  readonly folder: string;
  readonly machine: Machine;
  up(...flags: string[]): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  markco(...words: string[]): Promise<Ended>;
  /** A command that goes on, and the first line of it that matches. */
  begin(words: readonly string[], line: RegExp): Promise<{ readonly match: string; readonly ended: Promise<Ended> }>;
  devices(): Promise<readonly DeviceHere[]>;
  /** By the name of the other: the kind of the best way to it, as `markco peers` has it, or null. */
  wayTo(name: string): Promise<'direct' | 'relayed' | null>;
  log(): string;
};

export async function labDevice(machine: Machine, name: string): Promise<LabDevice & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), 'markco-lab-'));
  const [home, folder] = [join(root, 'home'), join(root, 'folder')];
  await mkdir(folder);
  const env = {
    ...{ PATH: process.env['PATH'], HOME: root, MARKCO_HOME: home, MARKCO_PROJECTS: join(root, 'projects') },
    ...{ MARKCO_NAME: name, NO_COLOR: '1', NODE_COMPILE_CACHE: join(tmpdir(), 'markco-lab-cache') },
    ...(process.env['MARKCO_LAB_DEBUG'] === undefined ? {} : { DEBUG: process.env['MARKCO_LAB_DEBUG'] }),
  };
  let running: ChildProcess | null = null;
  let log = '';

  function start(words: readonly string[]): {
    readonly child: ChildProcess;
    readonly ended: Promise<Ended>;
    out(): string;
  } {
    const child = machine.spawn(process.execPath, [MAIN, ...words], { env, cwd: folder });
    let [out, err] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }));
    return { child, ended, out: () => out };
  }

  async function shown(begun: ReturnType<typeof start>, line: RegExp): Promise<string> {
    await expect
      .poll(() => line.test(begun.out()) || begun.child.exitCode !== null, {
        ...SOON,
        message: `${name}: ${String(line)}`,
      })
      .toBe(true);
    const match = line.exec(begun.out());
    if (match === null) throw new Error(`${name} ended without ${String(line)}: ${JSON.stringify(await begun.ended)}`);
    return match[0];
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const child = running;
    running = null;
    if (child === null || child.exitCode !== null) return;
    const closed = once(child, 'close');
    child.kill(signal);
    await closed;
  }

  async function devices(): Promise<readonly DeviceHere[]> {
    const token = (await readFile(join(home, 'api-token'), 'utf8')).trim();
    const ask = `fetch('http://127.0.0.1:7717/api/devices',{headers:{authorization:'Bearer ${token}'}}).then((r)=>r.text()).then((t)=>process.stdout.write(t))`;
    const child = machine.spawn(process.execPath, ['-e', ask], { env });
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    await once(child, 'close');
    return out === '' ? [] : (JSON.parse(out) as { devices: DeviceHere[] }).devices;
  }

  return {
    ...{ name, folder, machine, devices },
    log: () => log,
    async up(...flags) {
      const begun = start(['up', '--no-browser', ...flags]);
      running = begun.child;
      begun.child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
      await shown(begun, /Ctrl-C stops/);
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    markco: (...words) => start(words).ended,
    async begin(words, line) {
      const begun = start(words);
      return { match: await shown(begun, line), ended: begun.ended };
    },
    async wayTo(other) {
      const found = (await devices()).find((device) => device.name === other)?.connection;
      if (found?.state !== 'connected') return null;
      return found.paths.some(({ relayed }) => !relayed) ? 'direct' : 'relayed';
    },
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** By the link, as a person would: shown on one, typed on the other. */
export async function pair(adder: LabDevice, joiner: LabDevice): Promise<void> {
  const { match: link, ended } = await adder.begin(['pair', '--yes'], /markco:pair#\S+/);
  const joined = await joiner.markco('pair', link);
  expect(joined, `${joiner.name} joins ${adder.name}: ${joined.err} ${adder.log()}`).toMatchObject({ code: 0 });
  expect(await ended).toMatchObject({ code: 0 });
}
