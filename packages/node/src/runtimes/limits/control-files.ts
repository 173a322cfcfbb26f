/** Files of a control group: small, read whole, written in one piece; one that is not there says nothing. */
import { mkdir, mkdtemp, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const KILL_EACH_MS = 10;
const KILL_TRIES_MAX = 1_000;

/** The text of a file, or null. */
export const readControl = (folder: string, name: string): Promise<string | null> =>
  readFile(path.join(folder, name), 'utf8').catch(() => null);

export async function writeControl(folder: string, name: string, value: number | string): Promise<boolean> {
  return writeFile(path.join(folder, name), String(value)).then(
    () => true,
    () => false,
  );
}

export const numberIn = (text: string | null): number => Number(text?.trim() ?? Number.NaN) || 0;

/** The number after a name, in a file of `name number` lines. */
export function fieldIn(text: string | null, name: string): number {
  const line = text?.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1)) || 0;
}

/** Whether a group can be made below this one; none is left behind. Several may ask at once, so each has its own name. */
export async function canMakeGroup(parent: string): Promise<boolean> {
  try {
    await rmdir(await mkdtemp(path.join(parent, 'markco-probe-')));
    return true;
  } catch {
    return false;
  }
}

export async function makeGroup(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch(() => undefined);
}

export async function processesIn(folder: string): Promise<readonly number[]> {
  const text = await readControl(folder, 'cgroup.procs');
  return (text ?? '').split('\n').filter(Boolean).map(Number);
}

/** Kills again until a group is empty: what is killed may just have started another. Then the groups go. */
export async function killUntilEmpty(
  groups: readonly string[],
  kill: (pids: readonly number[]) => Promise<void>,
): Promise<void> {
  const [first] = groups;
  if (first === undefined) return;
  for (let tries = 0; tries < KILL_TRIES_MAX; tries++) {
    const pids = await processesIn(first);
    if (pids.length === 0) break;
    await kill(pids);
    await delay(KILL_EACH_MS);
  }
  await Promise.all(groups.map((group) => rmdir(group).catch(() => undefined)));
}
