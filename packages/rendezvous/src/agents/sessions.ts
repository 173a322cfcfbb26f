/** Sessions of plain agents: a name for the variables of one project and language, as long as the program goes on. */
import {
  formatUuid,
  type DeviceId,
  type Language,
  type ProjectId,
  type Run,
  type SessionHere,
  type SessionId,
  type UserId,
} from '@markco/protocol';
import { createHash } from 'node:crypto';
import type { AgentConnection } from './connection.ts';
import type { RunRows } from './run-rows.ts';

/** Runs of a person that are looked through for sessions of an agent that was not known here. */
const RECENT = 50;
/** Sessions that are remembered; at it those of programs that ended go. */
const KNOWN_MAX = 1_000;

export type AgentSession = Pick<SessionHere, 'id' | 'userId' | 'projectId' | 'language'> & {
  readonly agent: DeviceId;
  readonly startedAt: number;
};
type Program = Pick<AgentConnection, 'agent' | 'userId' | 'instance'>;

export type AgentSessions = ReturnType<typeof createAgentSessions>;

export function createAgentSessions({
  rows,
  now,
  reach,
}: {
  readonly rows: Pick<RunRows, 'list'>;
  readonly now: () => number;
  /** The program that is connected, to whichever process. */
  readonly reach: (agent: DeviceId) => Program | undefined;
}) {
  const sessions = new Map<SessionId, AgentSession>();
  /** Programs whose sessions were looked for. */
  const looked = new Map<DeviceId, string>();

  function note(agent: DeviceId, { sessionId: id, userId, projectId, language }: Run): void {
    if (sessions.has(id)) return;
    if (sessions.size >= KNOWN_MAX)
      for (const known of sessions.values()) if (!isThere(known)) sessions.delete(known.id);
    sessions.set(id, { id, userId, projectId, language, agent, startedAt: now() });
  }

  /** Of a program that ended nothing is left. */
  function isThere({ id, agent, projectId, language }: AgentSession): boolean {
    const program = reach(agent);
    return program !== undefined && sessionIdOf(program, projectId, language) === id;
  }

  return {
    note,
    isThere,
    get: (id: SessionId): AgentSession | undefined => sessions.get(id),
    of: (userId: UserId): readonly AgentSession[] =>
      [...sessions.values()].filter((each) => each.userId === userId && isThere(each)),

    /** Looks for the sessions of a program, once. */
    async look(program: Program): Promise<void> {
      const { agent, userId, instance } = program;
      if (looked.get(agent) === instance) return;
      let count = 0;
      for await (const row of rows.list(userId)) {
        if (++count > RECENT) break;
        const { projectId, language, sessionId } = row.run;
        if (row.agent === agent && sessionIdOf(program, projectId, language) === sessionId) note(agent, row.run);
      }
      looked.set(agent, instance);
    },

    forget(agent: DeviceId): void {
      looked.delete(agent);
      for (const [id, session] of sessions) if (session.agent === agent) sessions.delete(id);
    },
  };
}

/** The same as long as the program goes on; its successor has none of its variables. */
export function sessionIdOf(
  { agent, instance }: Pick<AgentConnection, 'agent' | 'instance'>,
  projectId: ProjectId,
  language: Language,
): SessionId {
  const bytes = createHash('sha256')
    .update(JSON.stringify([agent, instance, projectId, language]))
    .digest()
    .subarray(0, 16);
  // RFC 9562 §5.8: made in a way of our own.
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return formatUuid(bytes) as SessionId;
}
