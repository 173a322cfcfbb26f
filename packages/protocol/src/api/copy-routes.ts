/** The part of the route table by which a device gives a cloud copies of the files that documents name. */
import * as z from 'zod/mini';
import { BytesSchema, PathSchema, Sha256Schema } from '../entity/scalar.ts';
import { LIMITS } from '../limits.ts';

export const COPY_ROUTES = {
  /** Files that documents of the project name. Answers those whose bytes are wanted; what is not named again goes first when there are too many. */
  offerCopies: {
    method: 'POST',
    path: '/api/projects/:id/copies',
    body: z.strictObject({
      files: z
        .array(z.strictObject({ path: PathSchema, contentHash: Sha256Schema, sizeBytes: BytesSchema }))
        .check(z.maxLength(LIMITS.copiesMax)),
    }),
    status: 200,
    answer: z.object({ wanted: z.array(PathSchema) }),
  },
  /** The bytes of one of them; other bytes than its hash says are refused. */
  putCopy: {
    method: 'PUT',
    path: '/api/projects/:id/copies/:contentHash',
    query: z.strictObject({ path: PathSchema }),
    rawBody: true,
    status: 204,
  },
} as const;
