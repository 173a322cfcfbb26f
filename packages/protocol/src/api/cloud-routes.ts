/** The part of the route table that is about the cloud that a device keeps its documents with. */
import * as z from 'zod/mini';
import { TimeSchema } from '../entity/scalar.ts';

export const CloudSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('none') }),
  z.strictObject({
    state: z.enum(['connected', 'connecting', 'offline', 'refused']),
    /** `https://cloud.example.com`, without a token. */
    url: z.string(),
    /** Since when it is so. */
    since: TimeSchema,
    /** Why it is not connected. */
    why: z.optional(z.string()),
  }),
]);
export type Cloud = z.infer<typeof CloudSchema>;

export const CLOUD_ROUTES = {
  cloud: { method: 'GET', path: '/api/cloud', status: 200, answer: CloudSchema },
  /** Answers once it is connected. A cloud that refuses, or is not there, changes nothing. */
  joinCloud: {
    method: 'POST',
    path: '/api/cloud',
    body: z.strictObject({
      url: z.url({ protocol: /^https?$/ }).check(z.maxLength(2_048)),
      token: z.string().check(z.minLength(1), z.maxLength(500)),
    }),
    status: 200,
    answer: CloudSchema,
  },
  /** What it keeps stays there; this device tells it nothing more. */
  leaveCloud: { method: 'DELETE', path: '/api/cloud', status: 204 },
} as const;
