/**
 * The sessions of this device as the runtime protocol sees them: found by id or by name, made as they are needed.
 *
 * A part of a name that is left out is the project opened first, the name `default`, Python; where only a name is
 * given, a session that has it already is meant before one that would have to be made.
 */
import { Failure, UUID_PATTERN, type Language, type RuntimeSession, type SessionId } from '@markco/protocol';
import type { ProjectHere, Projects } from '../projects/projects.ts';
import type { Runs } from '../runs/runs.ts';
import type { RuntimeDescriptor } from '../runtimes/runtime.ts';
import { DEFAULT_NAME, readSessionName, writeSessionName, type SessionName } from './session-name.ts';

const FIRST_LANGUAGE: Language = 'python';

/** What a name means, whether there is such a session or not. */
export type Meant = { readonly projectId: ProjectHere['id']; readonly name: string; readonly language: Language };

export type MrpSessions = ReturnType<typeof createMrpSessions>;

export function createMrpSessions(parts: {
  readonly runs: Pick<Runs, 'sessions'>;
  readonly projects: Pick<Projects, 'list' | 'get' | 'bySlug'>;
  runtimeFor(language: string): RuntimeDescriptor | undefined;
}) {
  const { projects } = parts;
  const { sessions } = parts.runs;

  /** The project opened first, which a name without one means. */
  function firstProject(): ProjectHere | undefined {
    return projects.list().toSorted((a, b) => (a.id < b.id ? -1 : 1))[0];
  }

  function projectOf(text: string | null): ProjectHere {
    const found = text === null ? firstProject() : UUID_PATTERN.test(text) ? projects.get(text) : projects.bySlug(text);
    if (found !== undefined) return found;
    throw new Failure(
      'not_found',
      text === null
        ? 'No folder is open on this device. Open one with POST /api/projects/open-local, then try again.'
        : `There is no open project ${JSON.stringify(text)} here. A session is called PROJECT:NAME@LANGUAGE.`,
    );
  }

  function languageOf(text: string | null): Language {
    const row = parts.runtimeFor(text ?? FIRST_LANGUAGE);
    if (row !== undefined) return row.language;
    throw new Failure(
      'unsupported',
      `This device does not run ${JSON.stringify(text)}. GET /mrp/v1/capabilities lists what it runs.`,
    );
  }

  /** What is taken for a name's missing parts, in order of preference. */
  function existing(wanted: SessionName): RuntimeSession | null {
    const project = wanted.project === null ? null : projectOf(wanted.project).id;
    const language = wanted.language === null ? null : languageOf(wanted.language);
    const name = wanted.name ?? DEFAULT_NAME;
    const first = firstProject()?.id;
    const fitting = sessions
      .list()
      .filter((session) => nameOf(session) === name)
      .filter((session) => session.projectId === (project ?? (name === DEFAULT_NAME ? first : session.projectId)))
      .filter(
        (session) => session.language === (language ?? (name === DEFAULT_NAME ? FIRST_LANGUAGE : session.language)),
      );
    const rank = (session: RuntimeSession): number =>
      (session.projectId === first ? 0 : 2) + (session.language === FIRST_LANGUAGE ? 0 : 1);
    return fitting.toSorted((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1))[0] ?? null;
  }

  function find(text: string | undefined): RuntimeSession | null {
    const read = readSessionName(text ?? '');
    return 'id' in read ? sessions.get(read.id) : existing(read);
  }

  return {
    find,
    firstProject,

    /** Fails with `not_found`. */
    require(text: string): RuntimeSession {
      const found = find(text);
      if (found === null)
        throw new Failure('not_found', 'There is no such session on this device. GET /mrp/v1/sessions lists them.');
      return found;
    },

    /** The session of this name, made when there is none; nothing is started. */
    async ensure(text: string | undefined): Promise<RuntimeSession> {
      const read = readSessionName(text ?? '');
      const found = 'id' in read ? sessions.get(read.id) : existing(read);
      if (found !== null) return found;
      if ('id' in read) throw new Failure('not_found', 'There is no session with this id on this device.');
      return sessions.ensure(meant(read));
    },

    meant,

    /** The language a question is about, also where there is no session. */
    languageFor(text: string | undefined): Language {
      const read = readSessionName(text ?? '');
      return 'id' in read ? (sessions.get(read.id)?.language ?? FIRST_LANGUAGE) : languageOf(read.language);
    },

    /** The shortest name that means this session. */
    idOf(session: RuntimeSession): string {
      const project = projects.list().find(({ id }) => id === session.projectId);
      if (project === undefined) return session.id;
      const parts = { project: project.slug, language: session.language };
      for (const [leaveProject, leaveLanguage] of [
        [true, true],
        [true, false],
        [false, true],
      ] as const) {
        const text = writeSessionName(nameOf(session), parts, { project: leaveProject, language: leaveLanguage });
        if (find(text)?.id === session.id) return text;
      }
      return writeSessionName(nameOf(session), parts, { project: false, language: false });
    },
  };

  function meant(name: SessionName): Meant {
    return {
      projectId: projectOf(name.project).id,
      name: name.name ?? DEFAULT_NAME,
      language: languageOf(name.language),
    };
  }
}

function nameOf(session: RuntimeSession): string {
  return session.sessionAffinityKey ?? DEFAULT_NAME;
}

/** When an id was made: its first 48 bits. */
export function madeAt(id: SessionId): string {
  return new Date(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toISOString();
}
