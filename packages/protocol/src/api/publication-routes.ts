/** The part of the route table that is about pages that a person shows to everybody, at the cloud that keeps them. */
import * as z from 'zod/mini';
import { CountSchema, PathSchema, SlugSchema, TimeSchema } from '../entity/scalar.ts';

/** `ada` of `/@ada`: once it was somebody's it is nobody else's. */
export const UserNameSchema = z
  .string()
  .check(z.regex(/^[a-z0-9](?:[a-z0-9-]{0,37}[a-z0-9])?$/, 'must be 1 to 39 of a-z, 0-9 and -, with no - at its ends'));
/** Of one secret in one page. */
const FindingIdSchema = z.string().check(z.regex(/^[0-9a-f]{16}$/, 'must be 16 of 0-9 and a-f'));
/** `saved`: readers see what is saved. `asked`: what was there when its owner said so. */
export const PublicationUpdateSchema = z.enum(['saved', 'asked']);

export const PublicationSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('none'), userName: z.optional(UserNameSchema) }),
  z.strictObject({
    state: z.literal('public'),
    url: z.string(),
    userName: UserNameSchema,
    name: SlugSchema,
    update: PublicationUpdateSchema,
    /** Since when it is public, and when its owner last said so. */
    since: TimeSchema,
    publishedAt: TimeSchema,
    /** That readers see. */
    pages: CountSchema,
    /** Secrets that keep pages back, until they are gone or their owner allows just them. */
    held: z.array(z.strictObject({ path: PathSchema, line: CountSchema, kind: z.string(), id: FindingIdSchema })),
    leftOut: z.array(z.strictObject({ path: PathSchema, why: z.string() })),
  }),
]);
export type Publication = z.infer<typeof PublicationSchema>;

const path = '/api/projects/:id/publication';

export const PUBLICATION_ROUTES = {
  publication: { method: 'GET', path, status: 200, answer: PublicationSchema },
  /** Publishes the project, or publishes it again as it is now. What is left out stays as it was. */
  publish: {
    method: 'PUT',
    path,
    body: z.strictObject({
      /** Needed once: from then on it is known. */
      userName: z.optional(UserNameSchema),
      update: z.optional(PublicationUpdateSchema),
      /** Findings that may be shown. */
      allow: z.optional(z.array(FindingIdSchema).check(z.maxLength(100))),
    }),
    status: 200,
    answer: PublicationSchema,
  },
  /** Nothing of it is public any more when this has answered. */
  unpublish: { method: 'DELETE', path, status: 204 },
} as const;
