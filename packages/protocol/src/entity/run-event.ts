/** One entry of a run's stream (seed 000 §2.10). `seq` starts at 0 in each run and has no gaps. */
import * as z from 'zod/mini';
import { RunEventIdSchema, RunIdSchema } from '../id.ts';
import { LIMITS } from '../limits.ts';
import { CountSchema, TimeSchema } from './scalar.ts';

const text = z.string().check(z.maxLength(LIMITS.eventBytesMax));
/** MIME type → its data: text, or base64 for binary types, or JSON for `application/json`. */
const MimeBundleSchema = z.record(z.string().check(z.maxLength(200)), z.unknown());
const envelope = { id: RunEventIdSchema, runId: RunIdSchema, seq: CountSchema, createdAt: TimeSchema };

export const RunEventSchema = z.discriminatedUnion('type', [
  /** Raw, with its escape codes. */
  z.strictObject({ ...envelope, type: z.literal('stdout'), payload: z.strictObject({ text }) }),
  z.strictObject({ ...envelope, type: z.literal('stderr'), payload: z.strictObject({ text }) }),
  z.strictObject({
    ...envelope,
    type: z.literal('display'),
    payload: z.strictObject({ data: MimeBundleSchema, metadata: z.record(z.string(), z.unknown()) }),
  }),
  z.strictObject({
    ...envelope,
    type: z.literal('progress'),
    payload: z.strictObject({
      fraction: z.optional(z.number().check(z.minimum(0), z.maximum(1))),
      message: z.optional(text),
    }),
  }),
  z.strictObject({
    ...envelope,
    type: z.literal('stdin-request'),
    payload: z.strictObject({ prompt: text, password: z.boolean() }),
  }),
  /** What was answered is kept only when it was no password. */
  z.strictObject({
    ...envelope,
    type: z.literal('stdin-response'),
    payload: z.strictObject({ text: z.optional(text) }),
  }),
  z.strictObject({
    ...envelope,
    type: z.literal('result'),
    payload: z.strictObject({
      data: z.nullable(MimeBundleSchema),
      executionCount: CountSchema,
      /** Milliseconds. */
      durationMs: z.number().check(z.minimum(0)),
    }),
  }),
  z.strictObject({
    ...envelope,
    type: z.literal('error'),
    payload: z.strictObject({
      type: z.string().check(z.maxLength(200)),
      message: text,
      traceback: z.array(text).check(z.maxLength(10_000)),
    }),
  }),
]);
export type RunEvent = z.infer<typeof RunEventSchema>;
export type RunEventType = RunEvent['type'];
