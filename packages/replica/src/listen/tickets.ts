/**
 * Tickets, which open a WebSocket in place of a token (`ticket-routes.ts` of the protocol).
 *
 * 1. A ticket is chance. What is kept is its hash, with whom it was given to and what it opens.
 * 2. Whoever looks for one takes it out, so it opens one connection at most, whatever comes of that.
 * 3. It says who somebody was when it was given. Whether they still are, and what they may, is decided when they come.
 */
import { Failure, TICKET_QUERY, UserIdSchema, type Subject } from '@markco/protocol';
import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { SomeHandlers } from './handlers.ts';

const TICKET_BYTES = 32;
/** That are being looked for at once; further ones are told to come again. */
const LOOKING_MAX = 200;

export const TicketSchema = z.object({
  path: z.string(),
  readOnly: z.boolean(),
  by: z.object({
    userId: UserIdSchema,
    account: z.optional(z.string()),
    session: z.optional(z.string()),
    device: z.optional(z.string()),
  }),
});
export type Ticket = z.infer<typeof TicketSchema>;

/** Where they are kept until they are used or over; `ticket-store.contract.ts` is what every kind does. */
export type TicketStore = {
  /** Answers when it ends. @throws Failure `too_many` */
  put(hash: string, ticket: Ticket): Promise<number>;
  /** Once; undefined for what is over or was never there. */
  take(hash: string): Promise<Ticket | undefined>;
};

export type Tickets = {
  readonly routes: SomeHandlers<'ticket'>;
  /**
   * Undefined where the address names no ticket. Else who comes, and the address as it is for them.
   * @throws Failure `unauthorized`
   */
  admit(url: URL): Promise<{ readonly subject: Subject; readonly url: URL }> | undefined;
};

export type TicketsParts = {
  readonly store: TicketStore;
  /** Throws for what such a subject may not open. */
  readonly resolve: (url: URL, subject: Subject) => unknown;
  /** Who that is now; undefined when what they came with has ended. */
  readonly again: (by: Ticket['by']) => Subject | undefined;
  readonly randomBytes: (length: number) => Uint8Array;
};

export function createTickets({ store, resolve, again, randomBytes }: TicketsParts): Tickets {
  let looking = 0;

  async function take(given: string, url: URL): Promise<{ readonly subject: Subject; readonly url: URL }> {
    if (looking >= LOOKING_MAX)
      throw new Failure('not_ready', 'Too many come in at once. Try again in a moment.', { retryable: true });
    looking++;
    const ticket = await store.take(hashOf(given)).finally(() => looking--);
    const subject = ticket?.path === url.pathname ? again(ticket.by) : undefined;
    if (ticket === undefined || subject === undefined)
      throw new Failure(
        'unauthorized',
        'This ticket opens nothing here: it was used, is over, or is for another address. Get a new one with POST /api/tickets.',
      );
    const asked = new URL(url);
    if (ticket.readOnly) asked.searchParams.set('mode', 'read');
    return { subject, url: asked };
  }

  return {
    routes: {
      async ticket({ subject, body }) {
        const url = URL.parse(`http://here${body.path}`);
        if (url?.host !== 'here' || url.search !== '' || url.hash !== '')
          throw new Failure('bad_request', '`path` is that of a WebSocket, without what follows a `?`.');
        if (subject?.role !== 'owner') throw new Failure('unauthorized', 'Sign in first.');
        resolve(url, subject);
        const { userId, account, session, device } = subject;
        const ticket = Buffer.from(randomBytes(TICKET_BYTES)).toString('base64url');
        const endsAt = await store.put(hashOf(ticket), {
          ...{ path: url.pathname, readOnly: body.mode === 'read' },
          by: { userId, account, session, device },
        });
        return { ticket, endsAt: new Date(endsAt).toISOString() };
      },
    },
    admit(url) {
      const given = url.searchParams.get(TICKET_QUERY);
      return given === null ? undefined : take(given, url);
    },
  };
}

const hashOf = (ticket: string): string => createHash('sha256').update(ticket).digest('hex');
