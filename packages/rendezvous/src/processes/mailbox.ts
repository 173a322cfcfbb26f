/**
 * Questions of one process to another, and their answers (`asking.ts`), by way of the database while there is no other
 * way. Each is taken out once. What nobody takes is thrown away: whoever asked has given it up by then.
 *
 * They are sealed before they come here, and of no use to whoever reads the database.
 */
import type { PostgresStore } from '../store/postgres.ts';
import type { Sealed } from './asking.ts';

/** For one process at once; further ones go nowhere. */
const WAITING_MAX = 50;
const KEPT_SECONDS = 20;

/** What another process is throwing away or taking just now is left to it. */
const PUT = `WITH over AS (DELETE FROM mailbox WHERE id IN
    (SELECT id FROM mailbox WHERE at < now() - ${KEPT_SECONDS} * interval '1 second' FOR UPDATE SKIP LOCKED))
  INSERT INTO mailbox (receiver, sender, kind, seq, sealed) SELECT $1, $2, $3, $4, $5
  WHERE (SELECT count(*) FROM mailbox WHERE receiver = $1) < ${WAITING_MAX}`;
const TAKE = 'DELETE FROM mailbox WHERE receiver = $1 RETURNING id, sender, kind, seq, sealed';

type Row = { id: string; sender: string; kind: Sealed['kind']; seq: string; sealed: Buffer };

export type Mailbox = {
  /** False when it went nowhere. */
  put(sender: string, message: Sealed): Promise<boolean>;
  /** In the order in which they came. */
  take(receiver: string): Promise<readonly { readonly sender: string; readonly message: Sealed }[]>;
};

export const createMailbox = ({ database }: Pick<PostgresStore, 'database'>): Mailbox => ({
  async put(sender, { kind, to, seq, sealed }) {
    const { rowCount } = await database.query({
      ...{ name: 'put into mailbox', text: PUT },
      values: [to, sender, kind, seq, Buffer.from(sealed)],
    });
    return rowCount === 1;
  },
  async take(receiver) {
    const { rows } = await database.query<Row>({ name: 'take from mailbox', text: TAKE, values: [receiver] });
    return rows
      .toSorted((a, b) => Number(a.id) - Number(b.id))
      .map(({ sender, kind, seq, sealed }) => ({
        sender,
        message: { kind, to: receiver, seq: Number(seq), sealed: new Uint8Array(sealed) },
      }));
  },
});
