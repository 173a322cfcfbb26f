/** The part of the route table that is about the cloud that a device keeps its documents with. */
import * as z from 'zod/mini';
import { TimeSchema } from '../entity/scalar.ts';
import { SyncModeSchema } from '../sync-mode.ts';

/** What a cloud did that an honest one does not, in words for people. */
export const CloudDoubtSchema = z.strictObject({ since: TimeSchema, message: z.string() });
export type CloudDoubt = z.infer<typeof CloudDoubtSchema>;

export const CloudSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('none') }),
  z.strictObject({
    /** `off`: left alone, because its mode is `legacy`. */
    state: z.enum(['connected', 'connecting', 'offline', 'refused', 'off']),
    /** `https://cloud.example.com`, without a token. */
    url: z.string(),
    /** Since when it is so. */
    since: TimeSchema,
    /** Why it is not connected. */
    why: z.optional(z.string()),
    /** Documents that were changed here and that it has not said it has all of; absent when there are none. */
    unsaved: z.optional(z.strictObject({ documents: z.int(), since: TimeSchema })),
    /** Absent when there is nothing wrong with it. */
    doubts: z.optional(z.array(CloudDoubtSchema)),
    /** When it is not the usual one: of this device and of the cloud the more careful. */
    mode: z.optional(SyncModeSchema),
  }),
]);
export type Cloud = z.infer<typeof CloudSchema>;

const url = z.url({ protocol: /^https?$/ }).check(z.maxLength(2_048));

/** A cloud was asked to let this device in, and somebody who is signed in there says yes or no. */
export const CloudAskSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.enum(['none', 'joined', 'declined']) }),
  z.strictObject({ state: z.literal('failed'), why: z.string() }),
  z.strictObject({
    state: z.literal('waiting'),
    /** Where a person types the code. */
    page: z.string(),
    code: z.string(),
    /** Of this device's key; the page shows the same. */
    fingerprint: z.string(),
    endsAt: TimeSchema,
  }),
]);
export type CloudAsk = z.infer<typeof CloudAskSchema>;

export const CLOUD_ROUTES = {
  cloud: { method: 'GET', path: '/api/cloud', status: 200, answer: CloudSchema },
  /** Answers once it is connected. A cloud that refuses, or is not there, changes nothing. */
  joinCloud: {
    method: 'POST',
    path: '/api/cloud',
    body: z.strictObject({
      url,
      token: z.string().check(z.minLength(1), z.maxLength(500)),
    }),
    status: 200,
    answer: CloudSchema,
  },
  /** Without a token: answers the code that a person types there. One that was asked before is given up. */
  askCloud: {
    method: 'POST',
    path: '/api/cloud/ask',
    body: z.strictObject({ url }),
    status: 200,
    answer: CloudAskSchema,
  },
  /** Answers once it is decided, or after some seconds that it is not yet. */
  cloudAsked: { method: 'GET', path: '/api/cloud/ask', status: 200, answer: CloudAskSchema },
  giveUpCloud: { method: 'DELETE', path: '/api/cloud/ask', status: 204 },
  /** A person has seen to what is said to be wrong with it (`doubts`): it is said no more. */
  settleCloud: { method: 'DELETE', path: '/api/cloud/doubts', status: 204 },
  /** What it keeps stays there; this device tells it nothing more. */
  leaveCloud: { method: 'DELETE', path: '/api/cloud', status: 204 },
} as const;
