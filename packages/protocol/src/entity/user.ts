/** A person (seed 000 §2.1). Without a cloud account the e-mail is `user@localhost`. */
import * as z from 'zod/mini';
import { UserIdSchema } from '../id.ts';
import { NameSchema, TimeSchema } from './scalar.ts';

export const UserSchema = z.strictObject({
  id: UserIdSchema,
  email: z.string().check(z.maxLength(320)),
  name: z.optional(NameSchema),
  username: z.optional(z.string().check(z.maxLength(63))),
  avatarUrl: z.optional(z.string().check(z.maxLength(2_048))),
  plan: z.enum(['free', 'pro', 'team']),
  createdAt: TimeSchema,
});
export type User = z.infer<typeof UserSchema>;
