/** A live interpreter of a project (seed 000 §2.8, §4.2). */
import * as z from 'zod/mini';
import { DeviceIdSchema, ProjectIdSchema, SessionIdSchema, UserIdSchema } from '../id.ts';
import { defineMachine } from '../machine.ts';
import { LanguageSchema } from './language.ts';
import { TimeSchema } from './scalar.ts';

export const SessionStateSchema = z.enum(['cold', 'starting', 'running', 'checkpointed', 'migrating', 'error']);
export type SessionState = z.infer<typeof SessionStateSchema>;

export const SESSION_EVENTS = ['start', 'ready', 'checkpoint', 'restore', 'migrate', 'arrive', 'stop', 'fail'] as const;
export type SessionEvent = (typeof SESSION_EVENTS)[number];

/** `stop` returns to `cold`: the session keeps its id and starts anew with the next run. `error` may be started again. */
export const sessionMachine = defineMachine<SessionState, SessionEvent>('runtime session', 'cold', SESSION_EVENTS, {
  cold: { start: 'starting', fail: 'error' },
  starting: { ready: 'running', stop: 'cold', fail: 'error' },
  running: { checkpoint: 'checkpointed', migrate: 'migrating', stop: 'cold', fail: 'error' },
  checkpointed: { restore: 'running', stop: 'cold', fail: 'error' },
  migrating: { arrive: 'running', stop: 'cold', fail: 'error' },
  error: { start: 'starting', stop: 'cold', fail: 'error' },
});

export const RuntimeSessionSchema = z.strictObject({
  id: SessionIdSchema,
  userId: UserIdSchema,
  projectId: ProjectIdSchema,
  language: LanguageSchema,
  hostType: z.enum(['device', 'cloud']),
  hostDeviceId: z.optional(DeviceIdSchema),
  hostRuntimeId: z.optional(z.string().check(z.maxLength(200))),
  state: SessionStateSchema,
  environmentHash: z.optional(z.string().check(z.maxLength(128))),
  /** `PROJECT:NAME`, the project by its slug, or by its id while it is not open: see `sessionName`. */
  sessionAffinityKey: z.optional(z.string().check(z.maxLength(200))),
  startedAt: z.optional(TimeSchema),
  updatedAt: TimeSchema,
});
export type RuntimeSession = z.infer<typeof RuntimeSessionSchema>;

/** The session of a project and a language that all its documents share unless they say otherwise. */
export const DEFAULT_SESSION = 'default';

/** A session's name within its project: the part of its affinity key after the first colon, which no slug has. */
export function sessionName({ sessionAffinityKey: key = DEFAULT_SESSION }: Pick<RuntimeSession, 'sessionAffinityKey'>) {
  return key.slice(key.indexOf(':') + 1);
}
