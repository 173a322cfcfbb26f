/**
 * A session's worker in the container of its project: the worker that the machine itself would have, started by Docker.
 *
 * It talks to the device over the same socket and writes the same events, in a folder that both have. Where it writes
 * them they are the container's; `claim` makes them the device's as soon as the device hears of them.
 */
import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { copyFile, lchown, mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Failure, type SessionConfig } from '@markco/protocol';
import { environmentHash, workingFolder } from '../environment.ts';
import { readLastWords } from '../last-words.ts';
import type { SessionLimits } from '../limits/limits.ts';
import { findProcess, signalGroup, type Kill } from '../process-table.ts';
import type { RuntimeDescriptor, WorkerCommand } from '../runtime.ts';
import type { SessionRecord } from '../session-record.ts';
import { connectWorker } from '../worker-link.ts';
import { saidSoon, type StartedWorker } from '../worker-process.ts';
import type { Workplace } from '../workplace.ts';
import { containerHold } from './container-hold.ts';
import { findInside, isInside } from './container-processes.ts';
import { endInGvisor, findWaiter, signalInside, waitsFor } from './gvisor.ts';
import type { ProjectContainer, Running } from './project-container.ts';
import { startExec } from './exec.ts';
import type { Engine } from './engine.ts';
import { claim, openInside, withSocket } from './inside.ts';
import { INSIDE } from './spec.ts';

const READY_MS = 20_000;
const ASK_MS = 5_000;
/** What is started in gVisor belongs to the group of the first process there. */
const IN_OWN_GROUP = ['/bin/bash', '-mc', '"$@" & wait $!', 'worker'];
const PATH = '/usr/local/bin:/usr/bin:/bin';

export type ContainerPlaceParts = {
  readonly engine: Engine;
  readonly container: ProjectContainer;
  readonly user: { readonly uid: number; readonly gid: number };
  readonly limits: SessionLimits;
  readonly kill: Kill;
  readonly descriptor: RuntimeDescriptor;
  projectFolder(): Promise<string>;
};

export function containerPlace(record: Pick<SessionRecord, 'id'>, parts: ContainerPlaceParts): Workplace {
  const { engine, container, descriptor, kill } = parts;
  const { folder: root } = container;
  const folder = path.join(root, record.id);
  const inside = { folder: `${INSIDE.sessions}/${record.id}`, socket: `${INSIDE.sessions}/${record.id}/worker.sock` };
  /** Where the worker is, and the number of its group of processes there once it has said it. */
  let there: { readonly running: Running; readonly group: number | null } | null = null;
  const hold = containerHold(container, () => container.leave(record.id));

  async function launch(
    { id, isGvisor }: Running,
    command: WorkerCommand,
    cwd: string,
    signal: AbortSignal,
  ): Promise<StartedWorker> {
    const program = command.argv[0];
    const env = { PATH, HOME: INSIDE.home, LANG: 'C.UTF-8', ...command.env };
    const argv = isGvisor ? [...IN_OWN_GROUP, ...command.argv] : command.argv;
    const exec = await startExec(engine, id, { argv, env, cwd }, signal);
    try {
      const late = AbortSignal.any([signal, AbortSignal.timeout(READY_MS)]);
      const aborted = new Promise<false>((resolve) =>
        late.addEventListener('abort', () => resolve(false), { once: true }),
      );
      const found = (await Promise.race([exec.ready, aborted])) ? await findProcess(await exec.pid()) : null;
      signal.throwIfAborted();
      if (found === null) {
        const how = (await saidSoon(exec.ended)) ?? 'no answer';
        const said = exec.said();
        throw new Failure('runtime_missing', `${program} did not start (${how})${said === '' ? '.' : `: ${said}`}`);
      }
      if (!(await (isGvisor ? waitsFor : isInside)(id, found.pid)))
        throw new Failure('unsupported', 'Docker runs on another machine than this device. Let both run on the same.');
      return { process: found, ending: () => saidSoon(isGvisor ? exec.ended.then(endInGvisor) : exec.ended) };
    } catch (error) {
      const pid = await exec.pid().catch(() => 0);
      if (pid > 0 && !isGvisor && (await isInside(id, pid))) signalGroup(kill, { pid, startedAt: '' }, 'SIGKILL');
      throw error;
    } finally {
      exec.leave();
    }
  }

  /** Of one in gVisor the machine has only who waits for it. */
  const signalWorker: Kill = (pid, name) => {
    if (there?.running.isGvisor !== true) return kill(pid, name);
    const { running, group } = there;
    const waiter = Math.abs(pid);
    if (group === null) return kill(waiter, name);
    void signalInside(engine, running.id, group, name, AbortSignal.timeout(ASK_MS))
      .catch(() => undefined)
      .then(async () => {
        // Whatever number it has given itself: it is waited for no longer, and ends with its container at the latest.
        const isThere = name === 'SIGKILL' && (await waitsFor(running.id, waiter));
        if (isThere) signalGroup((one, how) => kill(-one, how), { pid: waiter, startedAt: '' }, name);
      });
  };

  async function clear(): Promise<void> {
    // Out of reach first: what is in it may be changed by other sessions of the project.
    const aside = `${root}-${record.id}`;
    const moved = await rename(folder, aside).then(
      () => true,
      () => false,
    );
    if (moved) await rm(aside, { recursive: true, force: true });
  }

  async function begin(config: SessionConfig, signal: AbortSignal) {
    const projectFolder = await parts.projectFolder();
    const where = { env: {}, projectFolder: INSIDE.project, config };
    const detected = await descriptor.detect(where, signal);
    if (!detected.available) throw new Failure('runtime_missing', detected.hint);
    const cwd = await workingFolder(projectFolder, config.cwd);
    if (cwd === null) {
      throw new Failure(
        'runtime_missing',
        `There is no folder ${config.cwd} in this project. Correct \`cwd\` in mrmd.md or in the front matter.`,
      );
    }
    const running = await container.join(record.id, projectFolder, signal);
    there = { running, group: null };
    // What an earlier worker left there may be there to mislead; nothing here follows a link.
    await clear();
    await mkdir(folder, { mode: 0o700 });
    await lchown(folder, parts.user.uid, parts.user.gid);
    const within = cwd === projectFolder ? '' : path.relative(await realFolder(projectFolder), cwd);
    const command = descriptor.command(inside, detected.executable, where);
    const [worker, hash] = await Promise.all([
      launch(running, command, path.posix.join(INSIDE.project, within), signal),
      environmentHash(detected, projectFolder),
    ]);
    return { worker, about: { executable: detected.executable, environmentHash: hash } };
  }

  return {
    hold,
    limits: parts.limits,
    full: container.full,
    begin,
    async openLink(onEvent, within) {
      try {
        const socket = `${record.id}/worker.sock`;
        const link = await withSocket(root, socket, (at) => connectWorker(at, onEvent, within));
        if (there !== null) there = { ...there, group: link.hello.pid };
        return link;
      } catch (cause) {
        within.throwIfAborted();
        throw cause instanceof Failure ? cause : new Failure('not_found', 'The session does not answer.', { cause });
      }
    },
    async find(pid) {
      const running = await container.rejoin(record.id, await parts.projectFolder().catch(() => null));
      if (running === null) return null;
      there = { running, group: pid };
      if (!running.isGvisor) return findInside(running.id, pid);
      return findWaiter(engine, running.id, inside.folder, AbortSignal.timeout(ASK_MS));
    },
    kill: signalWorker,
    pathFor: (name) => `${INSIDE.sessions}/${name}`,
    collect(name, file) {
      if (claim(root, name, file)) syncFolder(path.dirname(file));
    },
    async give(name, file) {
      const given = path.join(root, name);
      await rm(given, { force: true });
      await copyFile(file, given, constants.COPYFILE_EXCL);
      await lchown(given, parts.user.uid, parts.user.gid);
      return `${INSIDE.sessions}/${name}`;
    },
    lastWords: (beside) => readLastWords(record.id, beside, (name) => openInside(root, name)),
    clear,
  };
}

async function realFolder(folder: string): Promise<string> {
  return (await workingFolder(folder, '.')) ?? folder;
}

/** That a file has this name is on disk before anybody hears of what is in it. */
function syncFolder(folder: string): void {
  const opened = openSync(folder, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
