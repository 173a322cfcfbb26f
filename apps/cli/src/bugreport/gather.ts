/** What a report has: this machine, what the device says of itself and of the others, and how the last runs went. */
import type { Api } from '@markco/client/api';
import type { Run } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import type { Cli } from '../cli.ts';
import { findDevice } from '../device.ts';
import { checkHardware } from '../doctor/hardware.ts';
import { checkKernels } from '../doctor/kernels.ts';
import { checkMachine } from '../doctor/machine.ts';
import { checkPrograms } from '../doctor/programs.ts';

const RUNS = '100';

export type Gathered = {
  readonly report: Readonly<Record<string, unknown>>;
  readonly names: readonly { readonly kind: string; readonly name: string }[];
};

/** Each part for itself: one that cannot be had is told by why, and the others are there. */
export async function gather(cli: Cli, version: string): Promise<Gathered> {
  const names: { kind: string; name: string }[] = [{ kind: 'machine', name: cli.machineName }];
  const part = <T>(asked: Promise<T>): Promise<T | { error: string }> =>
    asked.catch((error: unknown) => ({ error: Failure.from(error).message }));
  const running = await findDevice(cli);
  const report = {
    markco: version,
    node: cli.nodeVersion,
    platform: cli.platform,
    at: new Date(cli.now()).toISOString(),
    checks: await part(
      Promise.all([checkMachine(cli), checkHardware(cli), checkPrograms(cli), checkKernels(cli)]).then((all) =>
        all.flat(),
      ),
    ),
    device: running === null ? 'It is not running.' : await part(ofDevice(running.api, cli.signal, names)),
  };
  return { report, names };
}

async function ofDevice(api: Api, signal: AbortSignal, names: { kind: string; name: string }[]): Promise<object> {
  const part = <T>(asked: Promise<T>): Promise<T | { error: string }> =>
    asked.catch((error: unknown) => ({ error: Failure.from(error).message }));
  const [here, stats, policy, others, network, sessions, projects, runs] = await Promise.all([
    part(api('device', { signal })),
    part(api('stats', { signal })),
    part(api('devicePolicy', { signal })),
    part(api('devices', { signal })),
    part(api('netcheck', { signal })),
    part(api('sessions', { signal })),
    part(api('projects', { signal })),
    part(api('runs', { query: { limit: RUNS }, signal })),
  ]);
  if ('devices' in others) for (const { name } of others.devices) names.push({ kind: 'device', name });
  if ('projects' in projects)
    for (const { slug, displayName } of projects.projects)
      names.push({ kind: 'project', name: displayName }, { kind: 'project', name: slug });
  return {
    ...{ stats, policy, devices: others, netcheck: network, sessions },
    version: 'version' in here ? here.version : here,
    runtimes: 'runtimes' in here ? here.runtimes : [],
    projects: 'projects' in projects ? projects.projects.length : projects,
    runs: 'runs' in runs ? runs.runs.map(withoutContent) : runs,
  };
}

/** How it went, and nothing of what it did: neither its code nor what its program said. */
function withoutContent({ id, state, language, routedTo, error, ...run }: Run): object {
  const { createdAt, startedAt, completedAt, unreachable } = run;
  return {
    ...{ id, state, language, createdAt, startedAt, completedAt, unreachable },
    reason: routedTo.reason,
    ...(error?.type === undefined ? {} : { error: error.type }),
  };
}
