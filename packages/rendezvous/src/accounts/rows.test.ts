/** Who may come in, where two processes of one cloud let people in at once. */
import { newId, type UserId } from '@markco/protocol';
import { createSharedMemory } from '@markco/replica/store/shared-memory.fixture';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { AccountRow } from './account-row.ts';
import { openAccounts } from './accounts.ts';
import { openInvites } from './invites.ts';
import { createLive } from './live.ts';
import { openRows } from './rows.ts';
import { openSessions } from './sessions.ts';

const ids = { now: Date.now, randomBytes };
const person = (): UserId => newId<UserId>(ids);

async function twoProcesses() {
  const memory = createSharedMemory(Math.random);
  const open = async () => {
    const store = memory.open();
    const live = createLive();
    const log = {
      writeIf: async (change: Parameters<typeof store.commit>[0][number]) => (await store.commit([change]))[0] === true,
    };
    const rows = await openRows({ log, shared: store });
    const gone: string[] = [];
    const accounts = await openAccounts({
      ...{ store, rows, ids, onGone: (name) => void gone.push(name), requireFree: () => undefined },
      onDeleted: ({ id }) => void gone.push(`deleted ${id}`),
    });
    const sessions = await openSessions({ store, rows, ids, live, onTrouble: () => undefined });
    return { rows, live, gone, accounts, sessions, invites: await openInvites({ store, rows, ids }) };
  };
  return [await open(), await open()] as const;
}

test('two processes know one operator, and of two users that come at once one is theirs', async () => {
  const [one, two] = await twoProcesses();
  const { id } = one.accounts.operator();
  expect(two.accounts.operator().id).toBe(id);
  const claims = await Promise.allSettled([one.accounts.claim(id, person()), two.accounts.claim(id, person())]);
  expect(claims.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  await Promise.all([one.rows.reload(), two.rows.reload()]);
  expect(one.accounts.operator()).toEqual(two.accounts.operator());
  expect(one.accounts.operator().isClaimed).toBe(true);
});

test('what both change of one account is kept, and a passkey is one account’s at most', async () => {
  const [one, two] = await twoProcesses();
  const { id } = one.accounts.operator();
  const passkey = (name: string): AccountRow['passkeys'][number] => ({
    ...{ id: name, publicKey: 'key', counter: 0, transports: [], rpId: 'localhost', createdAt: 1, name },
  });
  const add = (on: typeof one, name: string) =>
    on.accounts.change(id, (account) => ({ ...account, passkeys: [...account.passkeys, passkey(name)] }));
  await Promise.all([add(one, 'here'), add(two, 'there')]);
  await Promise.all([one.rows.reload(), two.rows.reload()]);
  for (const { accounts } of [one, two])
    expect(
      accounts
        .operator()
        .passkeys.map((each) => each.id)
        .toSorted(),
    ).toEqual(['here', 'there']);
  await expect(two.accounts.create('Bob', { passkeys: [passkey('here')] })).rejects.toMatchObject({
    code: 'conflict',
  });
});

test('an account that one process deletes is gone at the other, and who comes again meanwhile is somebody new at both', async () => {
  const [one, two] = await twoProcesses();
  const identity = {
    id: 'i',
    issuer: 'https://id.example.com',
    subject: 'ada',
    provider: 'Example',
    address: '',
    createdAt: 1,
  };
  const before = await one.accounts.create('Ada', { identities: [identity] });
  await two.rows.reload();
  // A change of it that waits at the other is refused, and makes it not come back.
  const [removed, changed] = await Promise.allSettled([
    one.accounts.remove(before.id, () => []),
    two.accounts.change(before.id, (account) => ({ ...account, name: 'Ada again' })),
  ]);
  expect(removed.status).toBe('fulfilled');
  if (changed.status === 'rejected') expect(changed.reason).toMatchObject({ code: 'not_found' });
  const after = await one.accounts.create('Ada', { identities: [identity] });
  await two.rows.reload();
  expect(two.gone).toEqual([`deleted ${before.id}`]);
  for (const { accounts } of [one, two]) {
    expect(accounts.get(before.id)).toBeUndefined();
    expect(accounts.withIdentity(identity.issuer, 'ada')).toEqual(after);
    expect(accounts.ofUser(before.userId)).toBeUndefined();
    await expect(accounts.remove(before.id, () => [])).rejects.toMatchObject({ code: 'not_found' });
  }
});

test('a session that one process ends ends at the other, with its connections', async () => {
  const [one, two] = await twoProcesses();
  const about = { account: one.accounts.operator().id, isPublic: false, with: 'token', browser: 'Firefox' };
  const { token, session } = await one.sessions.begin(about);
  await two.rows.reload();
  expect(two.sessions.find(token)?.id).toBe(session.id);
  const ended: string[] = [];
  two.live.hold([`session ${session.id}`], { refuse: ({ code }) => void ended.push(code) });
  await one.sessions.end(session.id);
  await two.rows.reload();
  expect([two.sessions.find(token), ended]).toEqual([undefined, ['unauthorized']]);
});

test('an invite that two processes take at once is used by one', async () => {
  const [one, two] = await twoProcesses();
  const { code } = await one.invites.make();
  await two.rows.reload();
  const uses = await Promise.allSettled(
    [one, two].map(({ invites, accounts }) => invites.use(code, () => accounts.create('Ada', {}))),
  );
  expect(uses.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
});
