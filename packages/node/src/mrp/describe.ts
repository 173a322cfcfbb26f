/** What the runtime protocol tells of a session and of this device: what it can do, where it runs, how much it ran. */
import {
  LIMITS,
  type Language,
  type MrpSession,
  type ProjectId,
  type Run,
  type RuntimeSession,
  type SessionId,
} from '@markco/protocol';
import type { Projects } from '../projects/projects.ts';
import type { Runs } from '../runs/runs.ts';
import { NO_WISHES, type RuntimeDescriptor } from '../runtimes/runtime.ts';
import type { SessionFor } from '../submit.ts';
import { madeAt, type MrpSessions } from './sessions.ts';

const DETECT_TIMEOUT_MS = 10_000;
/** A session that does not count its variables in time has none to show. */
const COUNT_TIMEOUT_MS = 1_000;

export type Environment = NonNullable<MrpSession['environment']>;

export function createDescriptions(parts: {
  readonly runs: Pick<Runs, 'sessions' | 'list'>;
  readonly projects: Pick<Projects, 'root'>;
  readonly sessions: Pick<MrpSessions, 'idOf'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where there is no project yet. */
  readonly home: string;
  readonly sessionFor: SessionFor;
  runtimeFor(language: string): RuntimeDescriptor | undefined;
}) {
  const { runs, projects } = parts;

  /** The newest runs of the device, as far back as one list goes. */
  const newest = (): Promise<readonly Run[]> =>
    runs.list({ projectId: null, state: null, before: null, limit: LIMITS.listItemsMax });

  async function variablesOf(session: RuntimeSession): Promise<number> {
    if (session.state !== 'running') return 0;
    return runs.sessions.ask(session.id, 'variables', {}, AbortSignal.timeout(COUNT_TIMEOUT_MS)).then(
      ({ count }) => count,
      () => 0,
    );
  }

  async function describe(session: RuntimeSession, recent: readonly Run[]): Promise<MrpSession> {
    const own = recent.filter((run) => run.sessionId === session.id);
    const times = own.flatMap((run) => [run.createdAt, run.startedAt ?? '', run.completedAt ?? '']);
    return {
      id: await parts.sessions.idOf(session),
      sessionId: session.id,
      language: session.language,
      created: madeAt(session.id),
      lastActivity: [session.updatedAt, ...times].toSorted().at(-1) ?? session.updatedAt,
      executionCount: countOf(session, own),
      variableCount: await variablesOf(session),
    };
  }

  /** What runs a language in a project: its own virtual environment, or what it names. */
  async function environmentOf(
    language: Language,
    projectId: ProjectId | undefined,
  ): Promise<Environment & { version?: string }> {
    const projectFolder = projectId === undefined ? parts.home : projects.root(projectId);
    const { config = NO_WISHES } = projectId === undefined ? {} : await parts.sessionFor({ projectId, language });
    const found = await parts
      .runtimeFor(language)
      ?.detect({ env: parts.env, projectFolder, config }, AbortSignal.timeout(DETECT_TIMEOUT_MS));
    if (found?.available !== true) return { cwd: projectFolder, executable: '' };
    const { executable, virtualenv, version } = found;
    return { cwd: projectFolder, executable, version, ...(virtualenv === undefined ? {} : { virtualenv }) };
  }

  return {
    environmentOf,

    async all(): Promise<MrpSession[]> {
      const recent = await newest();
      return Promise.all(runs.sessions.list().map((session) => describe(session, recent)));
    },

    async one(session: RuntimeSession): Promise<MrpSession> {
      const { version: _, ...environment } = await environmentOf(session.language, session.projectId);
      return { ...(await describe(session, await newest())), environment };
    },

    /** How often the session's interpreter has run code. */
    async executionCount(id: SessionId): Promise<number> {
      const session = runs.sessions.get(id);
      const own = (await newest()).filter((run) => run.sessionId === id);
      return session === null ? 0 : countOf(session, own);
    },
  };
}

/** Runs that began since the interpreter did. */
function countOf(session: RuntimeSession, own: readonly Run[]): number {
  const { startedAt } = session;
  if (startedAt === undefined) return 0;
  return own.filter((run) => run.startedAt !== undefined && run.startedAt >= startedAt).length;
}
