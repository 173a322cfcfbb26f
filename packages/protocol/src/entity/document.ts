/** A Markdown document of a project (seed 000 §2.6). `path` has no extension unless its twin's would collide. */
import * as z from 'zod/mini';
import { DocumentIdSchema, ProjectIdSchema } from '../id.ts';
import { LIMITS } from '../limits.ts';
import { BytesSchema, PathSchema, Sha256Schema, TimeSchema } from './scalar.ts';

export const DocumentSchema = z.strictObject({
  id: DocumentIdSchema,
  projectId: ProjectIdSchema,
  path: PathSchema,
  ext: z.enum(['.md', '.qmd']),
  /** What readers call it: front matter `title`, else the first heading, else the file's name without its number. */
  title: z.optional(z.string().check(z.maxLength(500))),
  textSnapshot: z.optional(z.string().check(z.maxLength(LIMITS.documentTextBytesMax))),
  contentHash: z.optional(Sha256Schema),
  sizeBytes: BytesSchema,
  updatedAt: TimeSchema,
  createdAt: TimeSchema,
});
export type Document = z.infer<typeof DocumentSchema>;
