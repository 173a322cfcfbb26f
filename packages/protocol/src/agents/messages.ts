/**
 * What a plain agent and a cloud say to each other over `WS /api/agents/connect`: JSON, one message a text frame
 * (docs/protocol/agents.md). Names are spelled as other languages spell them. Unknown fields are passed over.
 */
import * as z from 'zod/mini';
import { LanguageSchema } from '../entity/language.ts';
import { CountSchema } from '../entity/scalar.ts';
import { RunIdSchema, type DeviceId, type ProjectId, type RunId, type UserId } from '../id.ts';
import { LIMITS } from '../limits.ts';

/** One message. A larger one ends the connection with 1009. */
export const AGENT_MESSAGE_BYTES_MAX = 1024 * 1024;
/** Messages of streams that an agent may send before they are acknowledged, and their bytes. */
export const AGENT_WINDOW = { messages: 256, bytes: 4 * 1024 * 1024 } as const;

const text = z.string().check(z.maxLength(200));
const id = z.string().check(z.minLength(1), z.maxLength(100));

/** `RUNTIME_UP` with the same id again says it anew. */
export const AgentRuntimeSchema = z.object({
  runtime_id: id,
  language: LanguageSchema,
  version: z.optional(text),
});
export type AgentRuntime = z.infer<typeof AgentRuntimeSchema>;

const RUNTIMES_MAX = 20;
const RUNNING_MAX = 1_000;
const envelope = {
  message_id: id,
  user_id: id,
  timestamp: z.iso.datetime({ offset: true }),
};

export const AgentMessageSchema = z.discriminatedUnion('type', [
  z.object({
    ...envelope,
    type: z.literal('REGISTER'),
    /** Made anew by each start of the program: another one knows nothing of what the last one ran. */
    instance: id,
    os: z.optional(text),
    version: z.optional(z.string().check(z.maxLength(50))),
    runtimes: z.array(AgentRuntimeSchema).check(z.maxLength(RUNTIMES_MAX)),
    /** Requests that it still has something of: running, or with messages that were not acknowledged. */
    running: z.optional(z.array(z.object({ request_id: RunIdSchema })).check(z.maxLength(RUNNING_MAX))),
  }),
  z.object({ ...envelope, type: z.literal('HEARTBEAT') }),
  z.object({ ...envelope, type: z.literal('RUNTIME_UP'), runtime: AgentRuntimeSchema }),
  z.object({ ...envelope, type: z.literal('RUNTIME_DOWN'), runtime_id: id }),
  z.object({
    ...envelope,
    type: z.literal('MRP_RESPONSE'),
    /** The `message_id` of the request. */
    reply_to: id,
    /** Of a stream: its messages are numbered from 0 without a gap. */
    seq: z.optional(CountSchema),
    event: z.optional(id),
    data: z.optional(z.unknown()),
    /** Of an answer that is no stream, and of a stream that was refused: as HTTP has it. */
    status: z.optional(z.int().check(z.minimum(100), z.maximum(599))),
    body: z.optional(z.unknown()),
  }),
]);
export type AgentMessage = z.infer<typeof AgentMessageSchema>;

const content = z.string().check(z.maxLength(LIMITS.eventBytesMax));
const bundle = z.record(text, z.unknown());
/** The events of `/mrp/v1/execute/stream`, as far as they are taken in; others are passed over. */
export const AgentEventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('start') }),
  z.object({ event: z.enum(['stdout', 'stderr']), data: z.object({ content }) }),
  z.object({
    event: z.literal('stdin_request'),
    data: z.object({ prompt: content, password: z.optional(z.boolean()) }),
  }),
  z.object({ event: z.literal('display'), data: z.object({ data: bundle, metadata: z.optional(bundle) }) }),
  z.object({
    event: z.literal('result'),
    data: z.object({
      result: z.optional(z.nullable(content)),
      executionCount: z.optional(CountSchema),
      /** Milliseconds. */
      duration: z.optional(z.number().check(z.minimum(0))),
    }),
  }),
  z.object({
    event: z.literal('error'),
    data: z.object({
      type: text,
      message: content,
      traceback: z.optional(z.array(content).check(z.maxLength(10_000))),
    }),
  }),
  z.object({ event: z.literal('done') }),
]);
export type AgentEvent = z.infer<typeof AgentEventSchema>;

/** What a cloud says, less the envelope. */
export type ToAgent =
  | {
      readonly type: 'DEVICE_LIST';
      /** Which of them the agent is. */
      readonly device_id: DeviceId;
      readonly devices: readonly {
        readonly device_id: DeviceId;
        readonly name: string;
        readonly status: 'online' | 'offline';
        readonly runtimes: readonly AgentRuntime[];
      }[];
    }
  | {
      readonly type: 'REGISTER';
      readonly reply_to: string;
      readonly heartbeat_seconds: number;
      /** From which message on each goes on. */
      readonly resume: readonly Received[];
      /** Nobody waits for these any more: they are to be stopped, and what is left of them dropped. */
      readonly forget: readonly RunId[];
    }
  | { readonly type: 'HEARTBEAT'; readonly reply_to?: string; readonly received: readonly Received[] }
  | {
      readonly type: 'MRP_REQUEST';
      readonly method: 'POST';
      readonly path: string;
      readonly body: Readonly<Record<string, unknown>>;
      readonly project_id?: ProjectId;
      readonly project?: string;
      readonly doc_path?: string;
    }
  | { readonly type: 'ERROR'; readonly reply_to?: string; readonly code: string; readonly message: string };

/** All messages of a stream before this one are on the disk of the cloud. */
export type Received = { readonly request_id: string; readonly next_seq: number };

export type AgentEnvelope = {
  readonly message_id: string;
  readonly user_id: UserId;
  readonly timestamp: string;
};
