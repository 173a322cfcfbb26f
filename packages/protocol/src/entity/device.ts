/** One installation owned by a user (seed 000 §2.2). */
import * as z from 'zod/mini';
import { DeviceIdSchema, UserIdSchema } from '../id.ts';
import { NameSchema, TimeSchema } from './scalar.ts';

export const DeviceSchema = z.strictObject({
  id: DeviceIdSchema,
  userId: UserIdSchema,
  kind: z.enum(['desktop', 'phone', 'web', 'server-agent']),
  name: NameSchema,
  os: z.optional(z.string().check(z.maxLength(100))),
  appVersion: z.optional(z.string().check(z.maxLength(50))),
  mrmdVersion: z.optional(z.string().check(z.maxLength(50))),
  lastSeenAt: TimeSchema,
  status: z.enum(['online', 'offline', 'sleeping']),
  createdAt: TimeSchema,
});
export type Device = z.infer<typeof DeviceSchema>;
