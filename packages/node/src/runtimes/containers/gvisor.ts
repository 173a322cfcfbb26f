/**
 * gVisor, where Docker has it: a kernel of its own between the code of a container and the kernel of the machine.
 *
 * What runs in it is no process of the machine. For each session there is one that waits for the session's worker
 * (`runsc exec`) and ends with it: that is how the machine knows the worker. A signal for the worker is sent from inside.
 */
import { readFile } from 'node:fs/promises';
import { Failure } from '@markco/protocol';
import * as z from 'zod/mini';
import { findProcess, type ProcessName, type SignalName } from '../process-table.ts';
import type { Engine } from './engine.ts';

export const GVISOR = 'runsc';
/** The device talks to its worker through a socket that the worker makes. */
const SOCKETS_GO_THROUGH = /^--?host-uds=(all|create)$/;

const InfoSchema = z.object({
  Runtimes: z.nullish(z.record(z.string(), z.object({ runtimeArgs: z.nullish(z.array(z.string())) }))),
});
const ExecsSchema = z.object({ ExecIDs: z.nullish(z.array(z.string())) });
const ExecSchema = z.object({
  Running: z.boolean(),
  Pid: z.int(),
  ProcessConfig: z.object({ arguments: z.nullish(z.array(z.string())) }),
});
const CreatedSchema = z.object({ Id: z.string() });

/** Whether containers run in it. `unsupported` when Docker has it and it would not let a session be reached. */
export async function hasGvisor(engine: Engine, signal: AbortSignal): Promise<boolean> {
  const { Runtimes } = InfoSchema.parse(await engine.call('GET', '/info', signal));
  const found = Runtimes?.[GVISOR];
  if (found === undefined) return false;
  if (found.runtimeArgs?.some((arg) => SOCKETS_GO_THROUGH.test(arg)) === true) return true;
  throw new Failure(
    'unsupported',
    'Docker has gVisor, which lets nobody reach a session. Add "--host-uds=create" to the runtimeArgs of runsc in /etc/docker/daemon.json, then restart Docker.',
  );
}

/** Whether this process waits for one of that container. */
export async function waitsFor(container: string, pid: number): Promise<boolean> {
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return words.split('\0').includes(container);
}

/** The process that waits for the worker which was started with this word; null when there is none. */
export async function findWaiter(
  engine: Engine,
  container: string,
  word: string,
  signal: AbortSignal,
): Promise<ProcessName | null> {
  const { ExecIDs } = ExecsSchema.parse(await engine.call('GET', `/containers/${container}/json`, signal));
  for (const id of ExecIDs ?? []) {
    const exec = ExecSchema.parse(await engine.call('GET', `/exec/${id}/json`, signal));
    if (!exec.Running || exec.ProcessConfig.arguments?.includes(word) !== true) continue;
    if (await waitsFor(container, exec.Pid)) return findProcess(exec.Pid);
  }
  return null;
}

/** How a worker ended, by what waited for it: that says 128 when all that was in the container was killed. */
export const endInGvisor = (how: string | null): string | null => (how === 'exit code 128' ? 'signal SIGKILL' : how);

/** Signals a group of processes, by the number that it has in the container. */
export async function signalInside(
  engine: Engine,
  container: string,
  group: number,
  name: SignalName,
  within: AbortSignal,
): Promise<void> {
  const { Id: id } = CreatedSchema.parse(
    await engine.call('POST', `/containers/${container}/exec`, within, {
      Cmd: [
        '/bin/sh',
        '-c',
        `kill -${name.slice('SIG'.length)} -- -${group} || kill -${name.slice('SIG'.length)} ${group}`,
      ],
    }),
  );
  await engine.call('POST', `/exec/${id}/start`, within, { Detach: true, Tty: false });
}
