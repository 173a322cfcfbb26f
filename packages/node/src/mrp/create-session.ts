/**
 * A session made on a program's wish. What it asks for is what would be used anyway, or is refused before anything is
 * made: no program, no variable and no folder is taken from the wire.
 */
import { realpath } from 'node:fs/promises';
import { isAbsolute, sep } from 'node:path';
import {
  DEFAULT_SESSION,
  Failure,
  newId,
  sessionName,
  type IdSource,
  type MrpCreateSession,
  type RuntimeSession,
} from '@markco/protocol';
import type { ProjectHere, Projects } from '../projects/projects.ts';
import type { Runs } from '../runs/runs.ts';
import type { RuntimeDescriptor } from '../runtimes/runtime.ts';
import type { SessionKey } from '../runtimes/session-host.ts';
import type { Environment } from './describe.ts';
import { readSessionName } from './session-name.ts';
import type { MrpSessions } from './sessions.ts';

export type CreateParts = {
  readonly runs: Pick<Runs, 'sessions'>;
  readonly projects: Pick<Projects, 'list'>;
  readonly sessions: Pick<MrpSessions, 'meant' | 'ensure'>;
  readonly ids: IdSource;
  readonly env: Readonly<Record<string, string | undefined>>;
  runtimeFor(language: string): RuntimeDescriptor | undefined;
  environmentOf(
    language: SessionKey['language'],
    projectId: SessionKey['projectId'],
  ): Promise<Environment & { version?: string }>;
};

export async function createSession(parts: CreateParts, wish: MrpCreateSession): Promise<RuntimeSession> {
  // Without an id it is one more session, under a name of its own.
  const id = wish.id ?? newId<RuntimeSession['id']>(parts.ids).slice(-12);
  const name = readSessionName(id === DEFAULT_SESSION ? '' : id);
  if ('id' in name) {
    const found = parts.runs.sessions.get(name.id);
    if (found !== null) return found;
    throw new Failure('bad_request', 'The id of a session is made by the device. Give a name, such as `work`.');
  }
  const language = wish.language ?? name.language;
  if (name.language !== null && parts.runtimeFor(name.language) !== parts.runtimeFor(language ?? ''))
    throw new Failure('bad_request', '`language` and the language in `id` are two. Give one of them.');
  const inFolder = wish.environment?.cwd === undefined ? null : await projectAround(parts, wish.environment.cwd);
  const meant = await parts.sessions.meant({ ...name, language, project: inFolder?.slug ?? name.project });
  if (name.project !== null && (await parts.sessions.meant(name)).projectId !== meant.projectId)
    throw new Failure('bad_request', '`environment.cwd` is not in the project that `id` names. Give one of them.');
  await refuseOtherWishes(parts, wish, meant);
  // One that is there stays as it was made.
  const there = parts.runs.sessions
    .list()
    .find(
      (session) =>
        session.projectId === meant.projectId &&
        session.language === meant.language &&
        sessionName(session) === meant.name,
    );
  return there ?? parts.runs.sessions.ensure(meant);
}

async function projectAround(parts: CreateParts, cwd: string): Promise<ProjectHere> {
  const folder = isAbsolute(cwd) ? await realpath(cwd).catch(() => null) : null;
  const found =
    folder === null
      ? undefined
      : parts.projects
          .list()
          .find(
            ({ localRootPath }) => localRootPath !== undefined && `${folder}${sep}`.startsWith(localRootPath + sep),
          );
  if (found !== undefined) return found;
  throw new Failure(
    'bad_request',
    '`environment.cwd` must be a folder of an open project, as an absolute path. Open it with POST /api/projects/open-local, then try again.',
  );
}

/** Whatever names a program, a variable or a package is only taken when it is what the device uses by itself. */
async function refuseOtherWishes(parts: CreateParts, wish: MrpCreateSession, meant: SessionKey): Promise<void> {
  const { executable, virtualenv, env = {} } = wish.environment ?? {};
  if ((wish.dependencies?.length ?? 0) > 0)
    throw new Failure(
      'unsupported',
      'MarkCo installs nothing by itself. Install the packages into the `.venv` of the project and leave `dependencies` out.',
    );
  const other = Object.entries(env).find(([key, value]) => parts.env[key] !== value);
  if (other !== undefined)
    throw new Failure(
      'forbidden',
      'Sessions have the variables of the device, and none from elsewhere. Set them in code, and leave `environment.env` out.',
    );
  if (executable === undefined && virtualenv === undefined && wish.pythonVersion === undefined) return;
  const used = await parts.environmentOf(meant.language, meant.projectId);
  if (executable !== undefined && executable !== used.executable)
    throw new Failure(
      'forbidden',
      `No program is taken from a request. This project uses ${used.executable || 'none yet'}: leave \`environment.executable\` out.`,
    );
  if (virtualenv !== undefined && virtualenv !== used.virtualenv)
    throw new Failure(
      'forbidden',
      'The virtual environment of a session is `.venv` in the folder of its project. Leave `environment.virtualenv` out.',
    );
  if (wish.pythonVersion !== undefined && !`${used.version ?? ''}.`.startsWith(`${wish.pythonVersion}.`))
    throw new Failure(
      'runtime_missing',
      `This project has ${used.version ?? 'no Python'}, not ${wish.pythonVersion.slice(0, 50)}. Make a \`.venv\` of that version in its folder, or leave \`pythonVersion\` out.`,
    );
}
