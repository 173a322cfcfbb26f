/** What MarkCo needs of the machine itself: Node, a state folder it may write, space, watches, a port. */
import { Failure } from '@markco/protocol/failure';
import { constants } from 'node:fs';
import { access, readFile, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Cli } from '../cli.ts';
import { findDevice } from '../device.ts';
import { configOf } from '../home.ts';
import { portHolder } from '../port.ts';
import type { Check } from './check.ts';

const NODE_MAJOR_MIN = 24;
const FREE_BYTES_MIN = 500 * 1024 * 1024;
/** One watch a folder: fewer, and a large project is looked through again and again instead. */
const WATCHES_MIN = 65_536;

export async function checkMachine(cli: Cli): Promise<readonly Check[]> {
  return [
    checkNode(cli),
    await checkHome(cli),
    await checkSpace(cli),
    ...(await checkWatches(cli)),
    await checkPort(cli),
    ...(await checkKeys(cli)),
  ];
}

function checkNode({ nodeVersion }: Cli): Check {
  const ok = Number.parseInt(nodeVersion, 10) >= NODE_MAJOR_MIN;
  return ok
    ? { name: 'Node', state: 'ok', found: nodeVersion }
    : { name: 'Node', state: 'broken', found: `${nodeVersion}, but ${NODE_MAJOR_MIN} is needed`, fix: 'npm ci' };
}

async function checkHome(cli: Cli): Promise<Check> {
  const { home } = configOf(cli);
  try {
    // A file in the way has no `.` inside.
    await access(`${await nearestPlace(home)}/.`, constants.R_OK | constants.W_OK | constants.X_OK);
    return { name: 'State folder', state: 'ok', found: home };
  } catch {
    return {
      name: 'State folder',
      state: 'broken',
      found: `${home} cannot be written`,
      fix: `chmod u+rwx ${dirname(home)} ${home}, or choose another: MARKCO_HOME=DIR`,
    };
  }
}

async function checkSpace(cli: Cli): Promise<Check> {
  const disk = await statfs(await nearestPlace(configOf(cli).home));
  const free = disk.bavail * disk.bsize;
  const found = `${(free / 1024 ** 3).toFixed(1)} GB free`;
  return free >= FREE_BYTES_MIN
    ? { name: 'Disk space', state: 'ok', found }
    : { name: 'Disk space', state: 'broken', found, fix: `Free some space, or move the state folder: MARKCO_HOME=DIR` };
}

/** The folder itself, or what it would be made in: looking changes nothing. */
async function nearestPlace(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere || dirname(path) === path ? path : nearestPlace(dirname(path));
}

/** Linux only: elsewhere a whole tree is one watch. */
async function checkWatches({ platform }: Cli): Promise<readonly Check[]> {
  if (platform !== 'linux') return [];
  const text = await readFile('/proc/sys/fs/inotify/max_user_watches', 'utf8').catch(() => null);
  if (text === null) return [];
  const watches = Number.parseInt(text, 10);
  const found = `${watches} folders`;
  return [
    watches >= WATCHES_MIN
      ? { name: 'File watches', state: 'ok', found }
      : {
          name: 'File watches',
          state: 'missing',
          found: `${found}; larger projects notice changes later`,
          fix: 'sudo sysctl -w fs.inotify.max_user_watches=524288',
        },
  ];
}

async function checkPort(cli: Cli): Promise<Check> {
  const running = await findDevice(cli);
  if (running !== null) {
    return {
      name: 'Device',
      state: 'ok',
      found: `running on port ${running.port}${running.pid === null ? '' : ` (pid ${running.pid})`}`,
    };
  }
  const { port } = configOf(cli);
  const holder = await portHolder(cli, port);
  if (holder !== null) {
    return {
      name: 'Device',
      state: 'broken',
      found: `not running, and port ${port} belongs to ${holder}`,
      fix: `MARKCO_PORT=${port + 1} markco up`,
    };
  }
  return { name: 'Device', state: 'missing', found: `not running; port ${port} is free`, fix: 'markco up' };
}

/** Nothing before there are any: a device that is alone needs none. */
async function checkKeys(cli: Cli): Promise<readonly Check[]> {
  const { home } = configOf(cli);
  const { placeOfKeys } = await import('@markco/node/mesh/device-keys');
  try {
    const place = await placeOfKeys(home);
    if (place === null) return [];
    const found =
      place === 'keychain' ? "in this system's keychain" : `in ${home}/device-keys.json, which only you can read`;
    return [{ name: 'Keys', state: 'ok', found }];
  } catch (error) {
    // A folder that cannot be read has a line of its own.
    if (!(error instanceof Failure)) return [];
    return [{ name: 'Keys', state: 'broken', found: error.message, fix: `Restore the folder from a copy: ${home}` }];
  }
}
