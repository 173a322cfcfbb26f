/** What a person types for a thing: an id or its beginning, a name, a folder. One match or a Failure that lists the choices. */
import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Api } from '@markco/client/api';
import type { Device, ProjectHere, Run, RunId, SessionHere } from '@markco/protocol';
import { Failure } from '@markco/protocol/failure';
import type { Cli } from './cli.ts';
import { printable, shortIds } from './render.ts';

type Named = { readonly id: string; readonly names: readonly string[] };

/** The one thing whose id begins with `typed`, or that has it as a name. */
export function pick<T>(kind: string, typed: string, things: readonly T[], describe: (thing: T) => Named): T {
  const exact = things.filter((thing) => describe(thing).id === typed || describe(thing).names.includes(typed));
  const found =
    exact.length > 0
      ? exact
      : things.filter((thing) => typed !== '' && describe(thing).id.startsWith(typed.toLowerCase()));
  const [first, ...others] = found;
  if (first === undefined)
    throw new Failure('not_found', `No ${kind} is called "${printable(typed)}".${choices(things.map(describe))}`);
  if (others.length > 0)
    throw new Failure(
      'bad_request',
      `"${printable(typed)}" fits more than one ${kind}.${choices(found.map(describe))}`,
    );
  return first;
}

const CHOICES_MAX = 10;

function choices(things: readonly Named[]): string {
  if (things.length === 0) return '';
  const short = shortIds(things.map((thing) => thing.id));
  const shown = things.slice(0, CHOICES_MAX).map((thing) => [short(thing.id), ...thing.names.map(printable)].join(' '));
  return ` Choose one of: ${shown.join(', ')}${things.length > CHOICES_MAX ? ', …' : ''}.`;
}

export async function pickRun(api: Api, typed: string, signal: AbortSignal): Promise<Run> {
  const { runs } = await api('runs', { signal });
  try {
    return pick('run', typed, runs, (run) => ({ id: run.id, names: [] }));
  } catch (error) {
    // The list holds the newest ones; an older run is still there under its whole id.
    if (!isRunId(typed)) throw error;
    return api('run', { params: { id: typed }, signal });
  }
}

/** By its id, or by its language where no other session here has that; one of another device as `LANGUAGE@DEVICE`. */
export function pickSession(sessions: readonly SessionHere[], typed: string): SessionHere {
  return pick('session', typed, sessions, ({ id, language, deviceName }) => ({
    id,
    names: [deviceName === undefined ? language : `${language}@${deviceName}`],
  }));
}

const isRunId = (text: string): text is RunId => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);

export async function pickDevice(api: Api, typed: string, signal: AbortSignal): Promise<Device> {
  const { devices } = await api('devices', { signal });
  return pick('device', typed, devices, (device) => ({ id: device.id, names: [device.name] }));
}

/** The project that was named, by slug, name, id or folder; else the one whose folder this is; else the only one. */
export async function pickProject(cli: Cli, api: Api, typed: string | undefined): Promise<ProjectHere> {
  const { projects } = await api('projects', { signal: cli.signal });
  if (typed === undefined) {
    const around = await projectAround(projects, cli.cwd);
    if (around !== null) return around;
    const [only, ...others] = projects;
    if (only !== undefined && others.length === 0) return only;
    if (only === undefined) throw new Failure('not_found', 'No project is open. Open a folder with: markco open DIR');
    throw new Failure('bad_request', `Say which project.${choices(projects.map(describeProject))}`);
  }
  const folder = await realpath(resolve(cli.cwd, typed)).catch(() => null);
  const byFolder = projects.find((project) => project.localRootPath !== undefined && project.localRootPath === folder);
  return byFolder ?? pick('project', typed, projects, describeProject);
}

const describeProject = (project: ProjectHere): Named => ({
  id: project.id,
  names: project.displayName === project.slug ? [project.slug] : [project.slug, project.displayName],
});

/** The innermost open project that a path lies in. */
export async function projectAround(projects: readonly ProjectHere[], path: string): Promise<ProjectHere | null> {
  const real = await realpath(path).catch(() => path);
  const around = projects.filter(({ localRootPath: root }) => root !== undefined && isInside(root, real));
  return around.toSorted((a, b) => (b.localRootPath ?? '').length - (a.localRootPath ?? '').length)[0] ?? null;
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`));
}
