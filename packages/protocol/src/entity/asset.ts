/** A binary file that documents refer to, named by its sha-256 (seed 000 §2.7). */
import * as z from 'zod/mini';
import { AssetIdSchema, ProjectIdSchema } from '../id.ts';
import { BytesSchema, PathSchema, Sha256Schema, TimeSchema } from './scalar.ts';

export const AssetSchema = z.strictObject({
  id: AssetIdSchema,
  projectId: ProjectIdSchema,
  path: PathSchema,
  contentHash: Sha256Schema,
  mimeType: z.string().check(z.maxLength(200)),
  sizeBytes: BytesSchema,
  storageKey: z.string().check(z.maxLength(1_024)),
  createdAt: TimeSchema,
});
export type Asset = z.infer<typeof AssetSchema>;
