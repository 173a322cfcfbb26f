/** What every place where tickets are kept has to do; each kind's test calls it. */
import { TICKET_MS, type UserId } from '@markco/protocol';
import { describe, expect, test } from 'vitest';
import { TICKETS_PER_USER_MAX } from './ticket-store.ts';
import type { Ticket, TicketStore } from './tickets.ts';

const [ada, bob] = ['00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-00000000000b'] as UserId[];
const ticketOf = (userId = ada): Ticket => ({
  ...{ path: '/api/stream', readOnly: true },
  by: { userId: userId as UserId, account: 'a', session: 's', device: undefined },
});

/** @param open two processes of one place, and how its clock is set on */
export function ticketStoreContract(
  name: string,
  open: () => Promise<{
    readonly one: TicketStore;
    readonly two: TicketStore;
    readonly wait: (ms: number) => Promise<void>;
  }>,
): void {
  describe(`tickets in ${name}`, () => {
    test('one that was put is taken once, whoever asks, however many ask at once', async () => {
      const { one, two } = await open();
      const endsAt = await one.put('first', ticketOf());
      expect(endsAt).toBeGreaterThan(0);
      await two.put('second', ticketOf(bob));
      const taken = await Promise.all([one, two, one, two].map((store) => store.take('first')));
      expect(taken.filter((each) => each !== undefined)).toEqual([ticketOf()]);
      expect(await one.take('second')).toEqual(ticketOf(bob));
      expect([await one.take('second'), await two.take('never')]).toEqual([undefined, undefined]);
    });

    test('one that is over opens nothing', async () => {
      const { one, wait } = await open();
      await one.put('late', ticketOf());
      await wait(TICKET_MS);
      expect(await one.take('late')).toBeUndefined();
    });

    test('of one person there are so many at most; nobody else notices, and there is room again when they are over', async () => {
      const { one, two, wait } = await open();
      for (let n = 0; n < TICKETS_PER_USER_MAX; n += 100)
        await Promise.all(Array.from({ length: 100 }, (_, at) => one.put(`t${n + at}`, ticketOf())));
      await expect(two.put('more', ticketOf())).rejects.toMatchObject({ code: 'too_many' });
      expect(await two.take('more')).toBeUndefined();
      await two.put('hers', ticketOf(bob));
      await one.take('t0');
      await two.put('again', ticketOf());
      await expect(one.put('more', ticketOf())).rejects.toMatchObject({ code: 'too_many' });
      await wait(TICKET_MS);
      await one.put('later', ticketOf());
      expect(await two.take('later')).toEqual(ticketOf());
    });
  });
}
