/** What a client may ask for, and what then became a fact (seed 000 §5). */
import * as z from 'zod/mini';
import { CellIdSchema } from './entity/run.ts';
import { CountSchema, PathSchema, Sha256Schema } from './entity/scalar.ts';
import { DeviceIdSchema, DocumentIdSchema, ProjectIdSchema, RunIdSchema, SessionIdSchema } from './id.ts';
import { LIMITS } from './limits.ts';

const code = z.string().check(z.maxLength(LIMITS.codeBytesMax));
const hostType = z.enum(['device', 'cloud']);

export const MigrationTargetSchema = z.union([z.literal('cloud'), z.strictObject({ deviceId: DeviceIdSchema })]);
export type MigrationTarget = z.infer<typeof MigrationTargetSchema>;

export const CommandSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('project.openLocalPath'),
    deviceId: DeviceIdSchema,
    localPath: z.string().check(z.minLength(1), z.maxLength(4_096)),
  }),
  z.strictObject({ type: z.literal('document.open'), projectId: ProjectIdSchema, path: PathSchema }),
  z.strictObject({
    type: z.literal('run.submit'),
    sessionId: SessionIdSchema,
    code,
    documentId: z.optional(DocumentIdSchema),
    cellId: z.optional(CellIdSchema),
  }),
  z.strictObject({
    type: z.literal('session.ensure'),
    projectId: ProjectIdSchema,
    language: z.string().check(z.maxLength(50)),
  }),
  z.strictObject({ type: z.literal('session.migrate'), sessionId: SessionIdSchema, target: MigrationTargetSchema }),
  z.strictObject({ type: z.literal('run.cancel'), runId: RunIdSchema }),
]);
export type Command = z.infer<typeof CommandSchema>;

export const DomainEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('project.attached'), projectId: ProjectIdSchema, deviceId: DeviceIdSchema }),
  z.strictObject({
    type: z.literal('document.updated'),
    projectId: ProjectIdSchema,
    path: PathSchema,
    hash: Sha256Schema,
  }),
  z.strictObject({ type: z.literal('session.running'), sessionId: SessionIdSchema, hostType }),
  z.strictObject({ type: z.literal('run.started'), runId: RunIdSchema }),
  z.strictObject({
    type: z.literal('run.event'),
    runId: RunIdSchema,
    eventType: z.enum([
      'stdout',
      'stderr',
      'display',
      'progress',
      'stdin-request',
      'stdin-response',
      'result',
      'error',
    ]),
    seq: CountSchema,
  }),
  z.strictObject({ type: z.literal('run.completed'), runId: RunIdSchema }),
  z.strictObject({ type: z.literal('run.failed'), runId: RunIdSchema, message: z.string().check(z.maxLength(10_000)) }),
]);
export type DomainEvent = z.infer<typeof DomainEventSchema>;
