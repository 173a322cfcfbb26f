/**
 * The JSON text frames of `WS /api/stream`. A `ref` is made by whoever asks and comes back with the answer.
 * Binary frames of the same socket carry documents: `sync/channel.ts`.
 */
import * as z from 'zod/mini';
import { DocumentSchema } from '../entity/document.ts';
import { RunEventSchema } from '../entity/run-event.ts';
import { RunSchema } from '../entity/run.ts';
import { CountSchema } from '../entity/scalar.ts';
import { DocumentIdSchema, ProjectIdSchema, RunIdSchema, SessionIdSchema } from '../id.ts';
import { LIMITS } from '../limits.ts';
import { RunRequestSchema } from './routes.ts';

const ref = z.optional(z.union([z.string().check(z.maxLength(64)), CountSchema]));

const submitFields = RunRequestSchema.def.shape;

export const StreamRequestSchema = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('submit'), ref, ...submitFields }),
  z.strictObject({ op: z.literal('follow'), ref, runId: RunIdSchema, fromSeq: z.optional(CountSchema) }),
  z.strictObject({ op: z.literal('unfollow'), ref, runId: RunIdSchema }),
  z.strictObject({
    op: z.literal('input'),
    ref,
    runId: RunIdSchema,
    text: z.string().check(z.maxLength(LIMITS.eventBytesMax)),
  }),
  z.strictObject({ op: z.literal('interrupt'), ref, sessionId: SessionIdSchema }),
  z.strictObject({ op: z.literal('cancel'), ref, runId: RunIdSchema }),
  /** From now on: every change of the project's list of documents and of its runs' states. */
  z.strictObject({ op: z.literal('watch'), ref, projectId: ProjectIdSchema }),
  z.strictObject({ op: z.literal('unwatch'), ref, projectId: ProjectIdSchema }),
]);
export type StreamRequest = z.infer<typeof StreamRequestSchema>;

/** What a device says about a file it could not write, or could again. */
export const FileTroubleSchema = z.object({
  documentId: z.optional(DocumentIdSchema),
  path: z.string(),
  code: z.string(),
  message: z.string(),
  recovered: z.boolean(),
});

/** On whose disks a document is, as it was when its digest was this one. The device that says so is the first. */
export const CopiesSchema = z.object({
  documentId: DocumentIdSchema,
  /** `digestOf` the document, in hexadecimal: of any other state this says nothing. */
  digest: z.string().check(z.regex(/^[0-9a-f]{16}$/)),
  devices: z
    .array(
      z.object({
        name: z.string(),
        /** Whether it is known to have this state on its disk. */
        has: z.boolean(),
        online: z.boolean(),
        /** Unix milliseconds: since when it has it; of one that has not, since when it is connected, or is not. */
        since: CountSchema,
      }),
    )
    .check(z.maxLength(LIMITS.devicesMax)),
});
export type Copies = z.infer<typeof CopiesSchema>;

export const StreamAnswerSchema = z.union([
  /** With `runId`: a follow that cannot go on, after the events that came before. */
  z.object({ ref, runId: z.optional(RunIdSchema), error: z.object({ code: z.string(), message: z.string() }) }),
  z.object({ ref, runId: RunIdSchema, event: RunEventSchema }),
  /** A follow that reached the end: the run's terminal state, after its last event. */
  z.object({ ref, runId: RunIdSchema, ended: RunSchema }),
  z.object({
    ref,
    projectId: ProjectIdSchema,
    documents: z.optional(z.array(DocumentSchema)),
    removed: z.optional(z.array(DocumentIdSchema)),
    run: z.optional(RunSchema),
    trouble: z.optional(FileTroubleSchema),
    /** Files that are no documents, and appeared, changed or went: at most 1,000, of more the first. */
    files: z.optional(z.array(z.string())),
    /** Of a document that is open here: told when it changes, while there are other devices that have its project. */
    copies: z.optional(CopiesSchema),
  }),
  // After the changes of a project, which may carry a run too.
  z.object({ ref, run: RunSchema }),
  z.object({ ref, ok: z.literal(true) }),
]);
export type StreamAnswer = z.infer<typeof StreamAnswerSchema>;
