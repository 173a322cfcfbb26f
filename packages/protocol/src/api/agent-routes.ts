/** The part of the route table that is about plain agents: programs that take runs from a cloud, each with a token of its own. */
import * as z from 'zod/mini';
import { NameSchema, TimeSchema } from '../entity/scalar.ts';
import { DeviceIdSchema, UserIdSchema } from '../id.ts';

const AgentSchema = z.strictObject({ id: DeviceIdSchema, name: NameSchema, createdAt: TimeSchema });
export type Agent = z.infer<typeof AgentSchema>;

export const AGENT_ROUTES = {
  agents: {
    method: 'GET',
    path: '/api/agents',
    status: 200,
    answer: z.strictObject({
      agents: z.array(AgentSchema),
      /** Why none is let in now; absent while they are. */
      closed: z.optional(z.string()),
    }),
  },
  /** The token is told this once. */
  addAgent: {
    method: 'POST',
    path: '/api/agents',
    body: z.strictObject({ name: NameSchema }),
    status: 201,
    answer: z.extend(AgentSchema, { token: z.string(), userId: UserIdSchema }),
  },
  /** Its connection ends at once. */
  removeAgent: { method: 'DELETE', path: '/api/agents/:agent', status: 204 },
} as const;
