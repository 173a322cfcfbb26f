/**
 * Tickets: what a client that can only put things into the address of a WebSocket puts there in place of its token. A
 * ticket opens one address, once, within `TICKET_MS`; so one that ends up in a log or a history opens nothing.
 */
import * as z from 'zod/mini';
import { TimeSchema } from '../entity/scalar.ts';

/** What it is called in an address. */
export const TICKET_QUERY = 'ticket';
export const TICKET_MS = 30_000;

export const TICKET_ROUTES = {
  /** For whoever may open the WebSocket now. Whether they still may is asked again when they come with it. */
  ticket: {
    method: 'POST',
    path: '/api/tickets',
    body: z.strictObject({
      /** Of the WebSocket, without what follows a `?`. */
      path: z.string().check(z.startsWith('/'), z.maxLength(4_096)),
      /** It is shown everything and changes nothing, whatever the address says. */
      mode: z.optional(z.literal('read')),
    }),
    status: 201,
    answer: z.strictObject({ ticket: z.string(), endsAt: TimeSchema }),
  },
} as const;
