/**
 * The sessions of this device as the runtime protocol sees them: found by id or by name, made as they are needed.
 *
 * A part of a name that is left out is the project opened first, the session its pages use, Python; so is `default`
 * alone. Where only a name is given, a session that has it already is meant before one that would have to be made.
 */
import {
  DEFAULT_SESSION,
  Failure,
  sessionName,
  UUID_PATTERN,
  type Language,
  type RuntimeSession,
  type SessionId,
} from '@markco/protocol';
import type { ProjectHere, Projects } from '../projects/projects.ts';
import type { Runs } from '../runs/runs.ts';
import type { RuntimeDescriptor } from '../runtimes/runtime.ts';
import type { SessionWish } from '../runtimes/session-host.ts';
import type { SessionFor } from '../submit.ts';
import { readSessionName, writeSessionName, type SessionName } from './session-name.ts';

const FIRST_LANGUAGE: Language = 'python';

export type MrpSessions = ReturnType<typeof createMrpSessions>;

export function createMrpSessions(parts: {
  readonly runs: Pick<Runs, 'sessions'>;
  readonly projects: Pick<Projects, 'list' | 'get' | 'bySlug'>;
  /** What pages of a project use for a language, and how it runs there. */
  readonly sessionFor: SessionFor;
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

  /** What a name means when its missing parts are filled in, whether there is such a session or not. */
  async function meant(name: SessionName): Promise<SessionWish> {
    const wish = await parts.sessionFor({ projectId: projectOf(name.project).id, language: languageOf(name.language) });
    return name.name === null ? wish : { ...wish, name: name.name };
  }

  async function existing(wanted: SessionName): Promise<RuntimeSession | null> {
    const project = wanted.project === null ? null : projectOf(wanted.project).id;
    const language = wanted.language === null ? null : languageOf(wanted.language);
    const only = wanted.name === null ? await meant(wanted) : null;
    const first = firstProject()?.id;
    const fits = (session: RuntimeSession): boolean =>
      only === null
        ? sessionName(session) === wanted.name &&
          session.projectId === (project ?? session.projectId) &&
          session.language === (language ?? session.language)
        : sessionName(session) === only.name &&
          session.projectId === only.projectId &&
          session.language === only.language;
    const rank = (session: RuntimeSession): number =>
      (session.projectId === first ? 0 : 2) + (session.language === FIRST_LANGUAGE ? 0 : 1);
    const fitting = sessions.list().filter(fits);
    return fitting.toSorted((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1))[0] ?? null;
  }

  const read = (text: string | undefined) => readSessionName(text === DEFAULT_SESSION ? '' : (text ?? ''));

  async function find(text: string | undefined): Promise<RuntimeSession | null> {
    const name = read(text);
    return 'id' in name ? sessions.get(name.id) : existing(name);
  }

  return {
    find,
    firstProject,

    /** Fails with `not_found`. */
    async require(text: string): Promise<RuntimeSession> {
      const found = await find(text);
      if (found === null)
        throw new Failure('not_found', 'There is no such session on this device. GET /mrp/v1/sessions lists them.');
      return found;
    },

    /** The session of this name, made when there is none; nothing is started. */
    async ensure(text: string | undefined): Promise<RuntimeSession> {
      const name = read(text);
      if ('id' in name) {
        const found = sessions.get(name.id);
        if (found !== null) return found;
        throw new Failure('not_found', 'There is no session with this id on this device.');
      }
      // One that pages use is told how they wish it; any other one stays as it was made.
      if (name.name === null) return sessions.ensure(await meant(name));
      return (await existing(name)) ?? sessions.ensure(await meant(name));
    },

    meant,

    /** The language a question is about, also where there is no session. */
    languageFor(text: string | undefined): Language {
      const name = read(text);
      return 'id' in name ? (sessions.get(name.id)?.language ?? FIRST_LANGUAGE) : languageOf(name.language);
    },

    /** The shortest name that means this session. */
    async idOf(session: RuntimeSession): Promise<string> {
      const project = projects.list().find(({ id }) => id === session.projectId);
      if (project === undefined) return session.id;
      const name = sessionName(session);
      const own = { project: project.slug, language: session.language };
      for (const [leaveProject, leaveLanguage] of [
        [true, true],
        [true, false],
        [false, true],
      ] as const) {
        const text = writeSessionName(name, own, { project: leaveProject, language: leaveLanguage });
        if ((await find(text))?.id === session.id) return text;
      }
      return writeSessionName(name, own, { project: false, language: false });
    },
  };
}

/** When an id was made: its first 48 bits. */
export function madeAt(id: SessionId): string {
  return new Date(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toISOString();
}
