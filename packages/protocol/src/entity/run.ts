/** One request to run code in a session (seed 000 §2.9, §4.3). Its id is made by whoever submits it. */
import * as z from 'zod/mini';
import {
  DeviceIdSchema,
  DocumentIdSchema,
  ProjectIdSchema,
  RunIdSchema,
  SessionIdSchema,
  UserIdSchema,
} from '../id.ts';
import { LIMITS } from '../limits.ts';
import { defineMachine } from '../machine.ts';
import { LanguageSchema } from './language.ts';
import { CountSchema, NameSchema, TimeSchema } from './scalar.ts';

export const RunStateSchema = z.enum(['queued', 'scheduled', 'running', 'completed', 'failed', 'cancelled']);
export type RunState = z.infer<typeof RunStateSchema>;

export const RUN_EVENTS = ['schedule', 'start', 'complete', 'fail', 'cancel'] as const;
export type RunStep = (typeof RUN_EVENTS)[number];

/** Forward only; `completed`, `failed` and `cancelled` are terminal, and a run reaches exactly one of them. */
export const runMachine = defineMachine<RunState, RunStep>('run', 'queued', RUN_EVENTS, {
  queued: { schedule: 'scheduled', fail: 'failed', cancel: 'cancelled' },
  scheduled: { start: 'running', fail: 'failed', cancel: 'cancelled' },
  running: { complete: 'completed', fail: 'failed', cancel: 'cancelled' },
  completed: {},
  failed: {},
  cancelled: {},
});

export const RouteReasonSchema = z.enum(['session-affinity', 'gpu-required', 'availability', 'fallback']);
export type RouteReason = z.infer<typeof RouteReasonSchema>;

/** A cell's id: the Yjs id of its fence's first character, `CLIENT-CLOCK`, or the cell's own `#| label:`. */
export const CellIdSchema = z.string().check(z.minLength(1), z.maxLength(200));

export const RunSchema = z.strictObject({
  id: RunIdSchema,
  userId: UserIdSchema,
  projectId: ProjectIdSchema,
  documentId: z.optional(DocumentIdSchema),
  cellId: z.optional(CellIdSchema),
  sessionId: SessionIdSchema,
  language: LanguageSchema,
  code: z.string().check(z.maxLength(LIMITS.codeBytesMax)),
  state: RunStateSchema,
  routedTo: z.strictObject({
    hostType: z.enum(['device', 'cloud']),
    deviceId: z.optional(DeviceIdSchema),
    reason: RouteReasonSchema,
    /** A sentence for people. */
    why: z.optional(z.string().check(z.maxLength(2_000))),
  }),
  /** Left out of the history of its session: a program asked for it, nobody typed it. */
  unlisted: z.optional(z.literal(true)),
  /** Present while it waits: how many runs of its session come before it. */
  queuePosition: z.optional(CountSchema),
  /** Present while it waits for a device to come back: its name. */
  waitsFor: z.optional(NameSchema),
  /** Present while the device that was given it does not answer: since when. It may run there, or have ended. */
  unreachable: z.optional(TimeSchema),
  /** Present once it ended: the name of the device it ran on. */
  ranOn: z.optional(NameSchema),
  /** In what its host answers another device: how many events it has stored by now. */
  storedEvents: z.optional(CountSchema),
  createdAt: TimeSchema,
  startedAt: z.optional(TimeSchema),
  completedAt: z.optional(TimeSchema),
  error: z.optional(
    z.strictObject({
      type: z.optional(z.string().check(z.maxLength(200))),
      message: z.string().check(z.maxLength(10_000)),
    }),
  ),
});
export type Run = z.infer<typeof RunSchema>;
