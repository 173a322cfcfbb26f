/** A project in a folder of one device (seed 000 §2.5, §4.1). `stale`: the files lag behind and must catch up. */
import * as z from 'zod/mini';
import { AttachmentIdSchema, DeviceIdSchema, ProjectIdSchema } from '../id.ts';
import { defineMachine } from '../machine.ts';
import { TimeSchema } from './scalar.ts';

export const AttachmentStateSchema = z.enum(['detached', 'attaching', 'attached', 'stale']);
export type AttachmentState = z.infer<typeof AttachmentStateSchema>;

export const ATTACHMENT_EVENTS = ['attach', 'caught-up', 'fell-behind', 'detach', 'give-up'] as const;
export type AttachmentEvent = (typeof ATTACHMENT_EVENTS)[number];

export const attachmentMachine = defineMachine<AttachmentState, AttachmentEvent>(
  'project attachment',
  'detached',
  ATTACHMENT_EVENTS,
  {
    detached: { attach: 'attaching' },
    attaching: { 'caught-up': 'attached', 'give-up': 'detached' },
    attached: { 'fell-behind': 'stale', detach: 'detached' },
    stale: { 'caught-up': 'attached', detach: 'detached' },
  },
);

const hash = z.string().check(z.maxLength(128));

export const ProjectAttachmentSchema = z.strictObject({
  id: AttachmentIdSchema,
  projectId: ProjectIdSchema,
  deviceId: DeviceIdSchema,
  localRootPath: z.optional(z.string().check(z.maxLength(4_096))),
  state: AttachmentStateSchema,
  lastSyncedAt: z.optional(TimeSchema),
  localHeadHash: z.optional(hash),
  cloudHeadHash: z.optional(hash),
});
export type ProjectAttachment = z.infer<typeof ProjectAttachmentSchema>;
