/**
 * Tickets of a cloud with several processes: one that was given at one of them is taken at another, once. The clock is
 * that of the database. What a crash of the database loses of them is asked for again.
 */
import { TICKET_MS } from '@markco/protocol';
import { TICKETS_MAX, TICKETS_PER_USER_MAX, tooManyTickets } from '@markco/replica/listen/ticket-store';
import { TicketSchema, type TicketStore } from '@markco/replica/listen/tickets';
import type { PostgresStore } from './postgres.ts';

/** What others are taking out just now is left to them. */
const PUT = `WITH over AS (DELETE FROM tickets WHERE hash IN
    (SELECT hash FROM tickets WHERE ends_at <= now() LIMIT 1000 FOR UPDATE SKIP LOCKED))
  INSERT INTO tickets (hash, user_id, about, ends_at)
  SELECT $1, $2, $3, now() + $4 * interval '1 millisecond'
  WHERE (SELECT count(*) FROM tickets WHERE user_id = $2 AND ends_at > now()) < $5
    AND (SELECT count(*) FROM tickets WHERE ends_at > now()) < $6
  RETURNING extract(epoch FROM ends_at) * 1000 AS ends_at`;
const TAKE = 'DELETE FROM tickets WHERE hash = $1 RETURNING about, ends_at > now() AS lasts';

export function createTicketsTable({ database }: Pick<PostgresStore, 'database'>): TicketStore {
  return {
    async put(hash, ticket) {
      const about = [hash, ticket.by.userId, JSON.stringify(ticket)];
      const { rows } = await database.query<{ ends_at: string }>({
        ...{ name: 'put ticket', text: PUT },
        values: [...about, TICKET_MS, TICKETS_PER_USER_MAX, TICKETS_MAX],
      });
      const [row] = rows;
      if (row === undefined) throw tooManyTickets();
      return Number(row.ends_at);
    },
    async take(hash) {
      const { rows } = await database.query<{ about: string; lasts: boolean }>({
        ...{ name: 'take ticket', text: TAKE },
        values: [hash],
      });
      const [row] = rows;
      return row?.lasts === true ? TicketSchema.parse(JSON.parse(row.about)) : undefined;
    },
  };
}
