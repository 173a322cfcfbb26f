/** What processes ask each other by way of a real database. */
import { newId } from '@markco/protocol';
import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { NO_POSTGRES, startPostgres } from '../store/postgres.fixture.ts';
import { openPostgresStore } from '../store/postgres.ts';
import type { Sealed } from './asking.ts';
import { createMailbox } from './mailbox.ts';

const server = NO_POSTGRES === undefined ? await startPostgres() : undefined;
afterAll(() => server?.[Symbol.asyncDispose]());

const ids = { now: () => 1_000, randomBytes: (count: number) => new Uint8Array(randomBytes(count)) };
const [one, two, three] = [newId(ids), newId(ids), newId(ids)];
const asked = (to: string, seq: number): Sealed => ({ kind: 'ask', to, seq, sealed: Uint8Array.of(0, 255, seq) });

test('what is put there is taken once, in order, by whom it is for; a full one takes no more, and what nobody takes is thrown away', async ({
  skip,
}) => {
  if (server === undefined) return skip(NO_POSTGRES);
  const store = await openPostgresStore(await server.database());
  try {
    const [here, there] = [createMailbox(store), createMailbox(store)];
    for (const seq of [1, 2, 3]) expect(await here.put(one, asked(two, seq))).toBe(true);
    expect(await here.put(one, asked(three, 4))).toBe(true);
    const taken = (await Promise.all([there.take(two), there.take(two)])).flat();
    expect(taken).toEqual([1, 2, 3].map((seq) => ({ sender: one, message: asked(two, seq) })));
    expect(await there.take(two)).toEqual([]);
    const room = await Promise.all(Array.from({ length: 49 }, (_, seq) => here.put(two, asked(three, seq))));
    expect(room.every(Boolean)).toBe(true);
    expect([await here.put(one, asked(three, 50)), await here.put(one, asked(two, 1))]).toEqual([false, true]);
    await store.database.query({ text: "UPDATE mailbox SET at = at - interval '1 minute'" });
    expect(await here.put(one, asked(two, 2))).toBe(true);
    expect([(await there.take(three)).length, (await there.take(two)).length]).toEqual([0, 1]);
    return undefined;
  } finally {
    await store.close();
  }
});
