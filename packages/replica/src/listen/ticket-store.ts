/** Tickets of one process, in its memory: whoever has one when it stops gets another. */
import { Failure, TICKET_MS } from '@markco/protocol';
import type { Ticket, TicketStore } from './tickets.ts';

/** Of one person, and of all: more are refused until some are used or over. */
export const TICKETS_PER_USER_MAX = 1_000;
export const TICKETS_MAX = 10_000;

export const tooManyTickets = (): Failure =>
  new Failure('too_many', 'Too many tickets wait to be used. Use them, or wait half a minute.', { retryable: true });

export function createTicketStore(now: () => number): TicketStore {
  const kept = new Map<string, { readonly ticket: Ticket; readonly endsAt: number }>();
  return {
    async put(hash, ticket) {
      let mine = 0;
      for (const [each, { ticket: other, endsAt }] of kept) {
        if (endsAt <= now()) kept.delete(each);
        else if (other.by.userId === ticket.by.userId) mine++;
      }
      if (mine >= TICKETS_PER_USER_MAX || kept.size >= TICKETS_MAX) throw tooManyTickets();
      const endsAt = now() + TICKET_MS;
      kept.set(hash, { ticket, endsAt });
      return endsAt;
    },
    async take(hash) {
      const found = kept.get(hash);
      kept.delete(hash);
      return found !== undefined && found.endsAt > now() ? found.ticket : undefined;
    },
  };
}
