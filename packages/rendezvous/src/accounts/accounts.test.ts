/** Accounts, sessions, invites and codes, on a disk that is simulated and a clock that is set. */
import { newId, type UserId } from '@markco/protocol';
import { createLog } from '@markco/replica/documents/log';
import { nameKey } from '@markco/replica/store/key';
import { createSimulatedDisk } from '@markco/replica/store/simulated';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { openAccounts } from './accounts.ts';
import { createDeviceRequests } from './device-requests.ts';
import { openInvites } from './invites.ts';
import { createLive } from './live.ts';
import { createPending } from './pending.ts';
import { createRate } from './rate.ts';
import { openRows } from './rows.ts';
import { openSessions } from './sessions.ts';

const HOUR_MS = 3_600_000;

async function begin() {
  const clock = { at: Date.UTC(2026, 0, 1) };
  const ids = { now: () => clock.at, randomBytes };
  const { store } = createSimulatedDisk();
  const log = createLog({ store, now: ids.now, onStorage: () => undefined });
  const live = createLive();
  const troubles: unknown[] = [];
  const parts = {
    store,
    ids,
    live,
    rows: await openRows({ log, shared: null }),
    onGone: () => undefined,
    onDeleted: () => undefined,
    requireFree: () => undefined,
    onTrouble: (doing: string, cause: unknown) => void troubles.push([doing, cause]),
  };
  return { ...parts, clock, troubles, person: () => newId<UserId>(ids) };
}

test('the first device of an account says whose it is, after a restart too, and nobody else’s comes in', async () => {
  const here = await begin();
  const accounts = await openAccounts(here);
  const [first, second] = [here.person(), here.person()];
  const { id, isClaimed } = accounts.operator();
  expect(isClaimed).toBe(false);
  const claims = await Promise.allSettled([first, second, first].map((user) => accounts.claim(id, user)));
  expect(claims.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(claims[1]).toMatchObject({ reason: { code: 'forbidden' } });
  const again = await openAccounts(here);
  expect(again.operator()).toMatchObject({ id, userId: first, operates: true });
  // Another account does not get at her documents by saying it was her.
  const other = await again.create('Bob', {});
  await expect(again.claim(other.id, first)).rejects.toMatchObject({ code: 'forbidden' });
  await again.claim(other.id, second);
  expect(again.get(other.id)).toMatchObject({ userId: second, isClaimed: true });
});

test('a cloud that had one owner has that one as who runs it', async () => {
  const here = await begin();
  const owner = here.person();
  await here.store.write([{ key: nameKey('owner'), value: new TextEncoder().encode(owner) }], { sync: true });
  const accounts = await openAccounts(here);
  expect(accounts.operator()).toMatchObject({ userId: owner, isClaimed: true });
});

test('a session ends after 12 idle hours, after 30 days, and on a public computer 12 hours after it began', async () => {
  const here = await begin();
  const sessions = await openSessions(here);
  const about = { account: 'a', with: 'passkey', browser: 'Firefox' };
  const own = await sessions.begin({ ...about, isPublic: false });
  const shared = await sessions.begin({ ...about, isPublic: true });
  const ended: string[] = [];
  here.live.hold([`session ${shared.session.id}`], { refuse: ({ code }) => void ended.push(code) });
  for (let hour = 0; hour < 11; hour++) {
    here.clock.at += HOUR_MS;
    expect([sessions.find(own.token)?.id, sessions.find(shared.token)?.id]).toEqual([
      own.session.id,
      shared.session.id,
    ]);
  }
  here.clock.at += HOUR_MS;
  expect([sessions.find(own.token)?.id, sessions.find(shared.token)]).toEqual([own.session.id, undefined]);
  await sessions.sweep();
  expect(ended).toEqual(['unauthorized']);
  for (let half = 0; half < 58; half++) {
    here.clock.at += 12 * HOUR_MS - 1;
    expect(sessions.find(own.token)).toBeDefined();
  }
  here.clock.at += 12 * HOUR_MS;
  expect(sessions.find(own.token)).toBeUndefined();

  const idle = await sessions.begin({ ...about, isPublic: false });
  here.clock.at += 12 * HOUR_MS;
  expect(sessions.find(idle.token)).toBeUndefined();
  const busy = await sessions.begin({ ...about, isPublic: false });
  for (let half = 0; half < 60; half++) {
    here.clock.at += 12 * HOUR_MS - 1;
    expect([half, sessions.find(busy.token) !== undefined]).toEqual([half, true]);
  }
  here.clock.at += 60;
  expect(sessions.find(busy.token)).toBeUndefined();
  expect(here.troubles).toEqual([]);
});

test('only the hash of a token is kept, sessions outlive a restart, and one that was ended lets nobody in', async () => {
  const here = await begin();
  const sessions = await openSessions(here);
  const about = { account: 'a', with: 'passkey', browser: 'Firefox', isPublic: false };
  const [one, two] = [await sessions.begin(about), await sessions.begin(about)];
  const kept: string[] = [];
  for await (const [key, value] of here.store.range({ gte: Uint8Array.of(0), lt: Uint8Array.of(255) }))
    kept.push(Buffer.from(key).toString('latin1') + Buffer.from(value).toString('latin1'));
  expect(kept.join().includes(one.session.id)).toBe(true);
  expect(kept.join().includes(one.token)).toBe(false);
  const again = await openSessions(here);
  expect(again.find(one.token)?.id).toBe(one.session.id);
  await again.end(one.session.id);
  expect([again.find(one.token), again.find(two.token)?.id]).toEqual([undefined, two.session.id]);
  expect((await openSessions(here)).find(one.token)).toBeUndefined();
  for (let count = 0; count < 60; count++) {
    here.clock.at += 1;
    await again.begin(about);
  }
  expect([again.list('a').length, again.find(two.token)]).toEqual([50, undefined]);
});

test('an invite is for one account, within a week; of two at once one is refused', async () => {
  const here = await begin();
  const invites = await openInvites(here);
  const { code } = await invites.make();
  expect(() => invites.require(`${code}x`)).toThrow('This invite was used, or is over');
  expect(() => invites.require(undefined)).toThrow('has invited');
  await expect(invites.use(code, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const both = await Promise.allSettled([1, 2].map((each) => invites.use(code, () => Promise.resolve(each))));
  expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect((await openInvites(here)).list()).toEqual([]);
  const late = await invites.make();
  here.clock.at += 7 * 24 * HOUR_MS;
  expect(() => invites.require(late.code)).toThrow('over');
  const { id } = await invites.make();
  await invites.withdraw(id);
  expect(invites.list()).toEqual([]);
});

test('T14 whoever types codes that are none is stopped after five in a minute, and the right one too then', async () => {
  const here = await begin();
  const accounts = await openAccounts(here);
  const requests = createDeviceRequests({ accounts, ids: here.ids });
  const { id } = accounts.operator();
  const { code, fingerprint, requestId } = requests.ask('box', 'k'.repeat(43), '192.0.2.1');
  expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  for (let guess = 0; guess < 5; guess++)
    expect(() => requests.look('BBBB-BBBB', id, '192.0.2.2')).toThrow('No device shows this code');
  for (const [account, from] of [
    [id, '192.0.2.3'],
    ['another', '192.0.2.2'],
  ] as const)
    expect(() => requests.look(code, account, from)).toThrow('Too many codes');
  here.clock.at += 60_000;
  expect(requests.look(` ${code.toLowerCase().replace('-', '')} `, id, '192.0.2.2')).toMatchObject({
    name: 'box',
    fingerprint,
  });
  await requests.approve(code, id, '192.0.2.2');
  expect(await requests.state(requestId, AbortSignal.timeout(1))).toBe('approved');
  expect(accounts.withDevice('k'.repeat(43))?.id).toBe(id);
  // One answer, once.
  expect(() => requests.decline(code, id, '192.0.2.2')).toThrow('No device shows this code');
  const second = requests.ask('box', 'l'.repeat(43), '192.0.2.1');
  here.clock.at += 600_000;
  expect(() => requests.look(second.code, id, '192.0.2.2')).toThrow('No device shows this code');
  await expect(requests.state(second.requestId, AbortSignal.timeout(1))).rejects.toMatchObject({ code: 'not_found' });
});

test('what waits is taken once, not for long, and at the bound the oldest is given up', () => {
  const clock = { at: 0 };
  const pending = createPending<number>({ max: 3, lastsMs: 100, now: () => clock.at, randomBytes });
  const names = [1, 2, 3, 4].map((value) => pending.put(value));
  expect(names.map((name) => pending.peek(name))).toEqual([undefined, 2, 3, 4]);
  expect([pending.take(names[1] ?? ''), pending.take(names[1] ?? '')]).toEqual([2, undefined]);
  clock.at = 100;
  expect(names.map((name) => pending.peek(name))).toEqual([undefined, undefined, undefined, undefined]);
});

test('so many a minute for each, at the bound and one beyond it', () => {
  const clock = { at: 0 };
  const rate = createRate(10, () => clock.at, 'Too often.');
  for (let count = 0; count < 10; count++) rate.take('one');
  expect(() => rate.take('one')).toThrow('Too often.');
  rate.take('two');
  clock.at = 59_999;
  expect(() => rate.take('one')).toThrow('Too often.');
  clock.at = 60_000;
  rate.take('one');
});
