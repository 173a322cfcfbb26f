/** `markco status`: one screen about this person's devices and work, and the first thing that is wrong with its fix. */
import type { CallAnswer } from '@markco/client/api';
import type { Cloud, DeviceHere } from '@markco/protocol';
import { requireDevice, type RunningDevice } from '../device.ts';
import { bestPath, pathWords, roundTrip } from '../path-words.ts';
import { colorsFor, json, localTime, printable } from '../render.ts';
import { modeWords } from '../sync-mode-words.ts';
import { verb, type AddVerb, type JsonOption } from '../verb.ts';

type Facts = Pick<CallAnswer<'device'>, 'version' | 'runtimes'> & {
  readonly devices: readonly DeviceHere[];
  readonly projects: number;
  readonly elsewhere: number;
  readonly runs: { readonly running: number; readonly waiting: number };
  /** `ok`, or the code of what keeps the device from writing. */
  readonly storage: string;
  readonly cloud: Cloud;
  /** Why the policy is not the one that its owner set. */
  readonly policy: string | undefined;
};
type Problem = { readonly what: string; readonly fix: string };

const RUNS_MAX = 1_000;
/** A cloud that is well has said so long before. */
const SAVED_WITHIN_MS = 60_000;

export const addStatus: AddVerb = (program, cli, done) => {
  verb(program, 'status', 'See your devices and work on one screen, and the first thing that is wrong', [
    'markco status',
    'markco status --json',
  ]).action(async (options: JsonOption) => {
    const device = await requireDevice(cli);
    const facts = await factsOf(device, cli.signal);
    const problem = problemOf(facts, cli.now());
    if (options.json) cli.out.write(json({ ...facts, ...(problem === null ? {} : { problem }) }));
    else {
      const colors = colorsFor(cli.out, cli.env);
      for (const line of linesOf(facts, device, cli.now())) cli.out.write(`${printable(line)}\n`);
      if (problem === null) cli.out.write(`${colors.green('✓')} Nothing is wrong.\n`);
      else cli.out.write(`${colors.yellow('✗')} ${printable(problem.what)}\n→ ${printable(problem.fix)}\n`);
    }
    done(0);
  });
};

async function factsOf({ api }: RunningDevice, signal: AbortSignal): Promise<Facts> {
  const count = async (state: 'running' | 'queued' | 'scheduled'): Promise<number> =>
    (await api('runs', { query: { state, limit: String(RUNS_MAX) }, signal })).runs.length;
  const [here, cloud, { devices }, { projects }, { projects: elsewhere }, { problem }, stats, running, ...waiting] =
    await Promise.all([
      api('device', { signal }),
      api('cloud', { signal }),
      api('devices', { signal }),
      api('projects', { signal }),
      api('projectsElsewhere', { signal }),
      api('devicePolicy', { signal }),
      api('stats', { signal }),
      ...([count('running'), count('queued'), count('scheduled')] as const),
    ]);
  return {
    version: here.version,
    runtimes: here.runtimes,
    devices,
    cloud,
    projects: projects.length,
    elsewhere: elsewhere.length,
    runs: { running, waiting: waiting.reduce((sum, each) => sum + each, 0) },
    storage: String(stats['storage'] ?? 'unknown'),
    policy: problem,
  };
}

function linesOf(facts: Facts, { port }: RunningDevice, now: number): readonly string[] {
  const { cloud, devices, projects, elsewhere, runs, runtimes, storage } = facts;
  const own = devices.find(({ connection }) => connection === undefined);
  const others = devices.filter(({ connection }) => connection !== undefined);
  const online = devices.filter((device) => isOnline(device)).length;
  const languages = runtimes.filter(({ available }) => available).map(({ label }) => label);
  return [
    `device    ${own?.name ?? ''} (this one), MarkCo ${facts.version} on port ${port}`,
    `devices   ${online} of ${devices.length} online`,
    ...others.map((device) => `          ${device.name}  ${connectionWords(device, now)}`),
    ...(cloud.state === 'none' ? [] : [`cloud     ${cloud.url}  ${cloudWords(cloud, now)}`]),
    `projects  ${projects} open${elsewhere > 0 ? `, ${elsewhere} more on other devices` : ''}`,
    `runs      ${runs.running} running, ${runs.waiting} waiting`,
    `runs on   ${languages.length === 0 ? 'nothing' : languages.join(', ')}`,
    `storage   ${storage}`,
  ];
}

const isOnline = ({ connection }: DeviceHere): boolean => connection === undefined || connection.state === 'connected';

function connectionWords({ connection }: DeviceHere, now: number): string {
  if (connection === undefined) return '';
  if (connection.state !== 'connected') return `offline since ${localTime(connection.since, now)}`;
  const path = bestPath(connection.paths);
  if (path === undefined) return 'online';
  return `online, ${pathWords(path)}${path.roundTripMs === undefined ? '' : `, ${roundTrip(path.roundTripMs)}`}`;
}

function cloudWords(cloud: Exclude<Cloud, { state: 'none' }>, now: number): string {
  const { unsaved } = cloud;
  const lacks =
    unsaved === undefined
      ? ''
      : `, lacks what changed in ${documents(unsaved.documents)} since ${localTime(unsaved.since, now)}`;
  if (cloud.state === 'connected') return [`online${lacks}`, ...modeWords(cloud)].join('; ');
  if (cloud.state === 'off') return modeWords(cloud).join('');
  const how = cloud.state === 'refused' ? 'refuses this device' : 'offline';
  const why = cloud.state === 'offline' && cloud.why !== undefined ? `: ${cloud.why}` : '';
  return `${how} since ${localTime(cloud.since, now)}${lacks}${why}`;
}

const documents = (count: number): string => (count === 1 ? '1 document' : `${count} documents`);

/** The one that keeps most from working first. */
function problemOf(facts: Facts, now: number): Problem | null {
  const { storage, policy, runtimes, devices, cloud } = facts;
  if (storage === 'disk_full')
    return {
      what: 'The disk is full: edits are not being saved.',
      fix: 'Free some space and leave MarkCo running: they are written by themselves then.',
    };
  if (storage !== 'ok')
    return {
      what: 'The disk does not take what is written: edits are not being saved.',
      fix: 'Check the disk and leave MarkCo running: it tries again by itself.',
    };
  if (policy !== undefined) return { what: policy, fix: 'markco doctor' };
  if (!runtimes.some(({ available }) => available))
    return { what: 'No language can run on this device.', fix: 'markco doctor' };
  if (cloud.state === 'refused')
    return { what: `${cloud.url} refuses this device: ${cloud.why ?? ''}`, fix: 'markco login URL, or markco logout' };
  if (cloud.state !== 'none') {
    const { doubts: [doubt] = [], unsaved, url } = cloud;
    if (doubt !== undefined)
      return {
        what: `Something is wrong with ${url} since ${localTime(doubt.since, now)}. ${doubt.message}`,
        fix: 'Ask whoever runs it, then markco login again; or markco logout. See docs/cloud.md.',
      };
    if (cloud.state === 'connected' && unsaved !== undefined && now - Date.parse(unsaved.since) > SAVED_WITHIN_MS)
      return {
        what: `${url} has not said since ${localTime(unsaved.since, now)} that it has all of ${documents(unsaved.documents)}.`,
        fix: 'They are saved on this device. If it stays so, ask whoever runs the cloud.',
      };
  }
  const away = devices.find((device) => !isOnline(device));
  if (away?.connection === undefined) return null;
  const { since, why } = away.connection;
  return {
    what: `${away.name} is offline since ${localTime(since, now)}${why === undefined ? '.' : `: ${why}`}`,
    fix: `markco ping ${away.name}`,
  };
}
