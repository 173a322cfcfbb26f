/** A folder of documents, independent of any machine's path (seed 000 §2.4). */
import * as z from 'zod/mini';
import { ProjectIdSchema, UserIdSchema } from '../id.ts';
import { NameSchema, SlugSchema, TimeSchema } from './scalar.ts';

export const ProjectSchema = z.strictObject({
  id: ProjectIdSchema,
  userId: UserIdSchema,
  slug: SlugSchema,
  displayName: NameSchema,
  configPath: z.literal('mrmd.md'),
  source: z.enum(['created', 'imported-git', 'opened-local']),
  syncMode: z.enum(['active', 'paused']),
  visibility: z.enum(['private', 'shared']),
  createdAt: TimeSchema,
  updatedAt: TimeSchema,
});
export type Project = z.infer<typeof ProjectSchema>;
