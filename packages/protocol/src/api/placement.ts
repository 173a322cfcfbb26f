/** Where a run would go, or went, and why: the scheduler's decision as people read it. */
import * as z from 'zod/mini';
import { RouteReasonSchema } from '../entity/run.ts';
import { CountSchema, TimeSchema } from '../entity/scalar.ts';
import { DeviceIdSchema, DocumentIdSchema, ProjectIdSchema } from '../id.ts';
import { LIMITS } from '../limits.ts';

export const DecisionSchema = z.strictObject({
  at: TimeSchema,
  /** One or two sentences. */
  why: z.string(),
  chosen: z.optional(DeviceIdSchema),
  reason: z.optional(RouteReasonSchema),
  /** Whether the run does not see the variables of the session it had, which is on another device. */
  newSession: z.boolean(),
  /** The device whose return would let it run. */
  waitsFor: z.optional(DeviceIdSchema),
  /** Best first. */
  devices: z.array(
    z.strictObject({
      deviceId: DeviceIdSchema,
      name: z.string(),
      score: z.int(),
      /** The rule that keeps it off. */
      refused: z.optional(z.string()),
      /** The score or the refusal in words: `laptop: 30 · nothing waits +20, near +10`. */
      line: z.string(),
    }),
  ),
  /** How many more were ranked. */
  devicesLeftOut: CountSchema,
});
export type Decision = z.infer<typeof DecisionSchema>;

export const PLACEMENT_ROUTES = {
  /** Where a run would go now. Starts nothing. */
  placement: {
    method: 'POST',
    path: '/api/placement',
    body: z.strictObject({
      projectId: ProjectIdSchema,
      language: z.string().check(z.minLength(1), z.maxLength(50)),
      documentId: z.optional(DocumentIdSchema),
      code: z.string().check(z.maxLength(LIMITS.codeBytesMax)),
      runOn: z.optional(z.string().check(z.minLength(1), z.maxLength(100))),
    }),
    status: 200,
    answer: DecisionSchema,
  },
  /** Why a run went where it went; of one that was placed anew, the last time. */
  runDecision: { method: 'GET', path: '/api/runs/:id/decision', status: 200, answer: DecisionSchema },
} as const;
