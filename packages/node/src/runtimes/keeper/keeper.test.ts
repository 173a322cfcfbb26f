import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { env, kill } from 'node:process';
import { newId, type RunId } from '@markco/protocol';
import { expect, test as base } from 'vitest';
import { eventually, ids } from '../../runs/runs.fixture.ts';
import { findProcess } from '../process-table.ts';
import { NO_WISHES } from '../runtime.ts';
import { connectWorker, type WorkerEvent, type WorkerLink } from '../worker-link.ts';
import { keeperCommand } from './command.ts';

type Child = ChildProcessByStdio<null, Readable, null>;
type Kept = {
  readonly folder: string;
  readonly child: Child;
  /** Starts one more for the same session. */
  readonly another: () => Child;
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
    const all: Child[] = [];
    const another = (): Child => {
      const child = spawn(program, args, {
        detached: true,
        env: { ...env, ...command.env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      all.push(child);
      return child;
    };
    const child = another();
    await once(child.stdout, 'data');
    await use({
      folder,
      child,
      another,
      async connect() {
        const events: WorkerEvent[] = [];
        return { link: await connectWorker(socket, (event) => void events.push(event), soon()), events };
      },
    });
    for (const { pid = 0 } of all)
      try {
        kill(-pid, 'SIGKILL');
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

test('a second keeper of a session ends before it touches the first; after that is gone there may be a next', async ({
  kept,
}) => {
  const { link, events } = await kept.connect();
  const run = newId<RunId>(ids);
  const ask = 'read -r line; echo "$line"';
  link.send({ op: 'execute', run, code: ask, spool: path.join(kept.folder, 'spool') });
  await eventually(() => events.length > 0);
  const second = kept.another();
  expect(await once(second, 'exit')).toEqual([1, null]);
  link.send({ op: 'input', run, text: 'on', ref: 1 });
  await eventually(() => events.some((event) => event.event === 'spooled' && event.ended));
  const gone = once(kept.child, 'exit');
  kill(kept.child.pid ?? 0, 'SIGKILL');
  await gone;

  // Of several that come at once one stays, though the first has left its name behind.
  const come = Array.from({ length: 4 }, () => kept.another());
  const ends = await Promise.all(
    come.map((child) =>
      Promise.race([
        once(child, 'exit').then(([code]) => code as number),
        once(child.stdout, 'data').then(() => 'ready'),
      ]),
    ),
  );
  expect(ends.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([1, 1, 1, 'ready']);
  const [one] = come.filter((_, index) => ends[index] === 'ready');
  expect((await kept.connect()).link.hello.pid).toBe(one?.pid);
  expect((await readdir(kept.folder)).filter((name) => name.startsWith('k'))).toEqual([]);
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
