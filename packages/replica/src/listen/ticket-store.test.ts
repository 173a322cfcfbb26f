import { createTicketStore } from './ticket-store.ts';
import { ticketStoreContract } from './ticket-store.contract.ts';

ticketStoreContract('memory', async () => {
  let now = 1_000;
  const store = createTicketStore(() => now);
  return { one: store, two: store, wait: async (ms) => void (now += ms) };
});
