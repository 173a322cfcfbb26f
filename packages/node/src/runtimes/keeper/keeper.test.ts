import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { env, kill } from 'node:process';
import { newId, type RunId } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import { eventually, ids } from '../../runs/runs.fixture.ts';
import { findProcess } from '../process-table.ts';
import { NO_WISHES } from '../runtime.ts';
import { connectWorker, type WorkerEvent, type WorkerLink } from '../worker-link.ts';
import { keeperCommand } from './command.ts';

type Kept = {
  readonly folder: string;
  readonly child: ChildProcess;
  readonly connect: () => Promise<{ readonly link: WorkerLink; readonly events: WorkerEvent[] }>;
};

const soon = (): AbortSignal => AbortSignal.timeout(20_000);

const test = base.extend<{ kept: Kept }>({
  kept: async ({}, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'markco-keeper-'));
    const socket = path.join(folder, 'w');
    const place = { env, projectFolder: folder, config: NO_WISHES };
    const command = keeperCommand('bash', { folder, socket }, '/bin/bash', place);
    const [program, ...args] = command.argv;
    const child = spawn(program, args, {
      detached: true,
      env: { ...env, ...command.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout ?? child, 'data');
    await use({
      folder,
      child,
      async connect() {
        const events: WorkerEvent[] = [];
        return { link: await connectWorker(socket, (event) => void events.push(event), soon()), events };
      },
    });
    try {
      kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // It has ended already.
    }
    await rm(folder, { recursive: true, force: true });
  },
});

test('a run whose spool is there already is refused, and the session goes on', async ({ kept }) => {
  const { link, events } = await kept.connect();
  const [run, spool] = [newId<RunId>(ids), path.join(kept.folder, 'spool')];
  await writeFile(spool, 'something');
  link.send({ op: 'execute', run, code: 'echo 1', spool });
  await eventually(() => events.some((event) => event.event === 'refused' && event.run === run));
  expect(await readFile(spool, 'utf8')).toBe('something');
  const next = newId<RunId>(ids);
  link.send({ op: 'execute', run: next, code: 'echo 1', spool: `${spool}2` });
  await eventually(() => events.some((event) => event.event === 'spooled' && event.run === next && event.ended));
});

test('a new host takes over from the one before, and hears which run is on', async ({ kept }) => {
  const first = await kept.connect();
  const run = newId<RunId>(ids);
  first.link.send({ op: 'execute', run, code: 'read -r line; echo "$line"', spool: path.join(kept.folder, 'spool') });
  await eventually(() => first.events.length > 0);
  const second = await kept.connect();
  expect(second.link.hello.run).toBe(run);
  await first.link.closed;
  second.link.send({ op: 'input', run, text: 'on', ref: 1 });
  await eventually(() => second.events.some((event) => event.event === 'answered' && event.accepted));
  await eventually(() => second.events.some((event) => event.event === 'spooled' && event.ended));
});

test('a second run at a time is refused; what comes for another run is not obeyed', async ({ kept }) => {
  const { link, events } = await kept.connect();
  const [run, other] = [newId<RunId>(ids), newId<RunId>(ids)];
  link.send({ op: 'execute', run, code: 'sleep 100', spool: path.join(kept.folder, 'spool') });
  link.send({ op: 'execute', run: other, code: 'echo', spool: path.join(kept.folder, 'other') });
  await eventually(() => events.some((event) => event.event === 'refused' && event.run === other));
  link.send({ op: 'input', run: other, text: 'x', ref: 7 });
  await eventually(() => events.some((event) => event.event === 'answered' && !event.accepted));
});

test('SIGTERM keeps what was printed and takes the programs along', async ({ kept }) => {
  const { link } = await kept.connect();
  const spool = path.join(kept.folder, 'spool');
  link.send({ op: 'execute', run: newId<RunId>(ids), code: 'sleep 100 & echo "pid $!"; wait', spool });
  await eventually(async () => (await readFile(spool, 'utf8').catch(() => '')).includes('pid '));
  const pid = Number(/pid (\d+)/.exec(await readFile(spool, 'utf8'))?.[1]);
  const ended = once(kept.child, 'exit');
  kill(kept.child.pid ?? 0, 'SIGTERM');
  expect(await ended).toEqual([143, null]);
  await eventually(async () => (await findProcess(pid)) === null);
});

test('a keeper whose folder is gone ends itself', async ({ kept }) => {
  const ended = once(kept.child, 'exit');
  await rm(kept.folder, { recursive: true });
  expect(await ended).toEqual([0, null]);
});
