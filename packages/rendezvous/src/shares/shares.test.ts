/** Share links where two processes of one cloud serve them, on a clock that is set. */
import { newId, type ProjectId, type UserId } from '@markco/protocol';
import { createSharedMemory } from '@markco/replica/store/shared-memory.fixture';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createLive } from '../accounts/live.ts';
import { openRows } from '../accounts/rows.ts';
import { openShares, SHARES_MAX } from './shares.ts';

const HOUR_MS = 3_600_000;

async function twoProcesses() {
  const clock = { at: Date.UTC(2026, 0, 1) };
  const ids = { now: () => clock.at, randomBytes };
  const memory = createSharedMemory(Math.random);
  const open = async () => {
    const store = memory.open();
    const live = createLive();
    const log = {
      writeIf: async (change: Parameters<typeof store.commit>[0][number]) => (await store.commit([change]))[0] === true,
    };
    const rows = await openRows({ log, shared: store });
    const told: string[] = [];
    return {
      ...{ rows, live, told, shares: await openShares({ store, rows, ids, live }) },
      hold: (id: string) => live.hold([`share ${id}`], { refuse: ({ message }) => void told.push(message) }),
    };
  };
  const about = { userId: newId<UserId>(ids), projectId: newId<ProjectId>(ids), role: 'edit' } as const;
  return { one: await open(), two: await open(), clock, about, stranger: newId<UserId>(ids) };
}

test('a link made at one process leads somewhere at the other, and who came by it is cut off at both when it is revoked', async () => {
  const { one, two, about, stranger } = await twoProcesses();
  const { share, token } = await one.shares.make(about);
  await two.rows.reload();
  expect(two.shares.withToken(token)).toEqual(share);
  expect(two.shares.withToken(`${token}x`)).toBeUndefined();
  one.hold(share.id);
  two.hold(share.id);
  await expect(two.shares.revoke(stranger, share.id)).rejects.toMatchObject({ code: 'not_found' });
  expect(two.shares.get(share.id)).toEqual(share);
  await two.shares.revoke(about.userId, share.id);
  expect(two.told).toEqual(['This link was revoked by its owner.']);
  await one.rows.reload();
  expect(one.told).toEqual(two.told);
  expect([one.shares.get(share.id), one.shares.list(about.userId)]).toEqual([undefined, []]);
});

test('when the time of a link is over nobody comes by it, who is there is cut off, and it is forgotten', async () => {
  const { one, two, about, clock } = await twoProcesses();
  const { share, token } = await one.shares.make({ ...about, lastsMs: HOUR_MS });
  const stays = await one.shares.make(about);
  await two.rows.reload();
  two.hold(share.id);
  two.hold(stays.share.id);
  clock.at += HOUR_MS - 1;
  two.shares.endOver();
  expect([two.told, two.shares.withToken(token)]).toEqual([[], share]);
  clock.at += 1;
  two.shares.endOver();
  expect([two.told, two.shares.withToken(token)]).toEqual([['The time of this link is over.'], undefined]);
  await two.shares.sweep();
  await one.rows.reload();
  expect(one.shares.list(about.userId)).toEqual([stays.share]);
});

test('a person has so many links, and one more once one is revoked', async () => {
  const { one, about } = await twoProcesses();
  for (let at = 0; at < SHARES_MAX; at++) await one.shares.make(about);
  await expect(one.shares.make(about)).rejects.toMatchObject({ code: 'too_many' });
  const [first] = one.shares.list(about.userId);
  await one.shares.revoke(about.userId, first?.id ?? '');
  await one.shares.make(about);
  expect(one.shares.list(about.userId)).toHaveLength(SHARES_MAX);
});
