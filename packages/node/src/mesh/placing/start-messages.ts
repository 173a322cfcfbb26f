/**
 * What two devices say to each other about a run that one of them places on the other: the start protocol of
 * `@markco/scheduler` as JSON, with what it carries. Each message is whole and parsed once, here.
 *
 *   submitter → host   offer · grant · ask · withdraw · cancel
 *   host → submitter   waits · claim · started · void · ended
 */
import {
  LIMITS,
  NodeCapabilitySchema,
  RunIdSchema,
  RunRequestSchema,
  RunSchema,
  type ProjectId,
  type Run,
  type RunId,
  type RunRequest,
} from '@markco/protocol';
import type { ToCoordinator } from '@markco/scheduler';
import * as z from 'zod/mini';

const count = z.int().check(z.minimum(0));
const of = { runId: RunIdSchema, fence: count };
const GrantBytesSchema = z
  .string()
  .check(z.maxLength(Math.ceil(LIMITS.runGrantBytesMax / 3) * 4), z.regex(/^[A-Za-z0-9+/]+={0,2}$/));
const ErrorSchema = z.object({
  type: z.optional(z.string().check(z.maxLength(200))),
  message: z.string().check(z.maxLength(10_000)),
});

const StartMessageSchema = z.discriminatedUnion('type', [
  z.object({
    ...of,
    type: z.literal('offer'),
    /** Without the grant, which is signed for one host and one attempt; with it where its submitter is another device. */
    request: RunRequestSchema,
    /** Present where the host holds the session: nothing has to be claimed. */
    grant: z.optional(GrantBytesSchema),
  }),
  z.object({ ...of, type: z.literal('grant'), claim: count, grant: GrantBytesSchema }),
  z.object({ ...of, type: z.enum(['ask', 'withdraw', 'cancel']) }),
  z.object({ ...of, type: z.literal('waits') }),
  z.object({ ...of, type: z.literal('claim'), claim: count }),
  z.object({ ...of, type: z.literal('started'), run: RunSchema }),
  z.object({
    ...of,
    type: z.literal('void'),
    why: z.string().check(z.maxLength(100)),
    host: z.object({ capability: NodeCapabilitySchema, runningRuns: count, queuedRuns: count }),
  }),
  z.object({
    ...of,
    type: z.literal('ended'),
    end: z.enum(['completed', 'failed', 'cancelled', 'lost']),
    /** Absent where it never was a run of the host: `error` then says why. */
    run: z.optional(RunSchema),
    error: z.optional(ErrorSchema),
  }),
]);

export type StartMessage = z.infer<typeof StartMessageSchema>;
export type ToHost = Extract<StartMessage, { type: 'offer' | 'grant' | 'ask' | 'withdraw' | 'cancel' }>;
export type ToSubmitter = Exclude<StartMessage, ToHost>;
export type RunError = z.infer<typeof ErrorSchema>;
/** What can be placed elsewhere: a run with its id, its project and its language. */
export type Placeable = Omit<RunRequest, 'id' | 'projectId' | 'language'> & {
  readonly id: RunId;
  readonly projectId: ProjectId;
  readonly language: string;
};

/** Null for what a later version says, which is passed over. Throws `bad_request` for what is no message at all. */
export function readStartMessage(text: string): StartMessage | null {
  const parsed = StartMessageSchema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : null;
}

export function isForHost(message: StartMessage): message is ToHost {
  return ['offer', 'grant', 'ask', 'withdraw', 'cancel'].includes(message.type);
}

/** What of a message concerns the protocol itself. */
export function asStep(message: ToSubmitter): ToCoordinator {
  return message as ToCoordinator;
}

/** How a run that is over ended, as the protocol says it. */
export function endOf({ state, error }: Run): 'completed' | 'failed' | 'cancelled' | 'lost' {
  if (error?.type === 'lost') return 'lost';
  return state === 'completed' || state === 'cancelled' ? state : 'failed';
}
