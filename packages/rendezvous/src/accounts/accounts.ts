/**
 * The people of this cloud. All of them are in memory, so that a connection is let in or refused in the turn it comes.
 *
 * 1. A change is on disk before anybody acts by it, and changes come one after another.
 * 2. A user, a passkey, an account elsewhere and a device's key each belong to one account at most.
 * 3. An address never leads to an account: two providers that say the same address are two people until somebody who
 *    is signed in says otherwise.
 */
import { Failure, newId, UserIdSchema, type IdSource, type UserId } from '@markco/protocol';
import { nameKey, pathKey, pathRange } from '@markco/replica/store/key';
import type { Store, StoreWrite } from '@markco/replica/store/store';
import type { Rows } from './rows.ts';
import { ACCOUNTS_MAX, AccountRowSchema, tooMany, type AccountRow } from './account-row.ts';

/** Of clouds that had one owner: the user of its devices. */
const OWNER = nameKey('owner');
/** The oldest are forgotten: a cloud has so many owners, one after another. */
const REVOKED_MAX = 100;
const keyOf = (id: string): Uint8Array => pathKey('w', ['account', id]);

export type Accounts = {
  /** Of whoever has the token of this cloud. */
  operator(): AccountRow;
  get(id: string): AccountRow | undefined;
  readonly count: number;
  /** The oldest first. */
  all(): readonly AccountRow[];
  withPasskey(credential: string): AccountRow | undefined;
  withIdentity(issuer: string, subject: string): AccountRow | undefined;
  withDevice(key: string): AccountRow | undefined;
  /** By the hash of its token. */
  withAgent(hash: string): AccountRow | undefined;
  ofUser(userId: UserId): AccountRow | undefined;
  create(name: string, has: Partial<Pick<AccountRow, 'passkeys' | 'identities'>>): Promise<AccountRow>;
  /** @throws Failure `not_found`, `too_many`, `conflict` when what it would have is another one's */
  change(id: string, change: (account: AccountRow) => AccountRow): Promise<AccountRow>;
  /**
   * From the turn in which it resolves nobody comes in with it; what is written along with it is there then, too.
   * @throws Failure `not_found`
   */
  remove(id: string, along: (account: AccountRow) => readonly StoreWrite[]): Promise<void>;
  /**
   * Another account runs the cloud, and the token that it had until now is worth nothing, at all processes.
   * @param revoked the hash of that token
   * @throws Failure `not_found`, `conflict` for the one that runs it
   */
  handOver(id: string, revoked: string): Promise<{ readonly before: AccountRow; readonly after: AccountRow }>;
  /**
   * A device of this user came in.
   * @returns whether the account had another user until now
   * @throws Failure `forbidden` when the account, or the user, is somebody else's
   */
  claim(id: string, userId: UserId): Promise<boolean>;
};

export async function openAccounts({
  store,
  rows,
  ids,
  onGone,
  requireFree,
  onDeleted,
}: {
  readonly store: Pick<Store, 'read' | 'range'>;
  readonly rows: Rows;
  readonly ids: IdSource;
  /** Another process has taken it away: `account ID` whose user is another one now, `device ID`, `agent ID`. */
  readonly onGone: (name: string) => void;
  /** Throws while something of a user is being taken away here. */
  readonly requireFree: (userId: UserId) => void;
  /** Another process has deleted it. */
  readonly onDeleted: (account: AccountRow) => void;
}): Promise<Accounts> {
  const accounts = new Map<string, AccountRow>();
  /** Everything that belongs to one account at most, with whose it is. */
  const taken = new Map<string, string>();
  let turn: Promise<unknown> = Promise.resolve();
  /** Those that were deleted: what was read before is not them. */
  const removed = new Set<string>();

  async function read(): Promise<void> {
    const missing = new Set(accounts.keys());
    for await (const [, value] of store.range(pathRange('w', ['account']))) {
      const parsed = AccountRowSchema.safeParse(JSON.parse(new TextDecoder().decode(value)));
      if (!parsed.success)
        throw new Failure(
          'unsupported',
          'An account here was written by a newer MarkCo. Upgrade this cloud; nothing was changed.',
          {
            cause: parsed.error,
          },
        );
      missing.delete(parsed.data.id);
      if (removed.has(parsed.data.id)) continue;
      const before = accounts.get(parsed.data.id);
      place(parsed.data);
      if (before !== undefined) tellGone(before, parsed.data);
    }
    for (const id of missing) {
      const gone = accounts.get(id);
      if (gone === undefined) continue;
      forget(gone);
      onDeleted(gone);
    }
  }
  await read();
  rows.onReload(read);

  function tellGone(before: AccountRow, now: AccountRow): void {
    if (before.userId !== now.userId || (before.operates && !now.operates)) onGone(`account ${before.id}`);
    for (const { id } of before.devices) if (!now.devices.some((each) => each.id === id)) onGone(`device ${id}`);
    for (const { id } of before.agents) if (!now.agents.some((each) => each.id === id)) onGone(`agent ${id}`);
  }

  function place(account: AccountRow): void {
    release(accounts.get(account.id));
    accounts.set(account.id, account);
    for (const name of namesOf(account)) taken.set(name, account.id);
  }

  /** Unless another account has a name of it by now: both may be read at once. */
  function release(account: AccountRow | undefined): void {
    for (const name of namesOf(account)) if (taken.get(name) === account?.id) taken.delete(name);
  }

  function forget(account: AccountRow): void {
    removed.add(account.id);
    release(account);
    accounts.delete(account.id);
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  }

  /** @param make asked anew when another process has changed an account meanwhile */
  async function keep(make: () => AccountRow): Promise<AccountRow> {
    let made: AccountRow | undefined;
    await rows.write(() => {
      const account = (made = make());
      const reason = tooMany(account);
      if (reason !== undefined) throw new Failure('too_many', reason);
      for (const name of namesOf(account)) {
        const whose = taken.get(name);
        if (whose !== undefined && whose !== account.id)
          throw new Failure('conflict', 'This belongs to another account of this cloud. Nothing was changed.');
      }
      return [{ key: keyOf(account.id), value: new TextEncoder().encode(JSON.stringify(account)) }];
    });
    const account = made ?? make();
    place(account);
    return account;
  }

  function fresh(name: string): AccountRow {
    return {
      ...{ id: newId(ids), userId: newId<UserId>(ids), isClaimed: false, name, operates: false },
      ...{ createdAt: ids.now(), revokedTokens: [], passkeys: [], identities: [], devices: [], agents: [] },
    };
  }

  const find = (name: string): AccountRow | undefined => accounts.get(taken.get(name) ?? '');
  function required(id: string): AccountRow {
    const account = accounts.get(id);
    if (account === undefined) throw new Failure('not_found', 'There is no such account here.');
    return account;
  }
  const operator = (): AccountRow | undefined => [...accounts.values()].find(({ operates }) => operates);

  if (operator() === undefined) {
    const row = await store.read(OWNER);
    const userId = row === undefined ? undefined : UserIdSchema.parse(new TextDecoder().decode(row));
    const account = { ...fresh('Owner of this cloud'), operates: true };
    // Of processes that begin at once one makes it.
    await keep(() => operator() ?? (userId === undefined ? account : { ...account, userId, isClaimed: true }));
  }

  return {
    operator() {
      const account = operator();
      if (account === undefined) throw new Error('The operator of a cloud is made when it is opened.');
      return account;
    },
    get: (id) => accounts.get(id),
    get count() {
      return accounts.size;
    },
    all: () => [...accounts.values()].toSorted((a, b) => a.createdAt - b.createdAt),
    withPasskey: (credential) => find(`passkey ${credential}`),
    withIdentity: (issuer, subject) => find(identityName(issuer, subject)),
    withDevice: (key) => find(`device ${key}`),
    withAgent: (hash) => find(`agent ${hash}`),
    ofUser: (userId) => find(`user ${userId}`),
    create: (name, has) =>
      inTurn(async () => {
        if (accounts.size >= ACCOUNTS_MAX)
          throw new Failure('too_many', 'This cloud has as many accounts as it takes. Ask who runs it.');
        const made = fresh(name);
        return keep(() => ({ ...made, ...has }));
      }),
    change: (id, change) => inTurn(async () => keep(() => change(required(id)))),
    remove: (id, along) =>
      inTurn(async () => {
        await rows.write(() => [{ key: keyOf(id), value: null }, ...along(required(id))]);
        const account = accounts.get(id);
        if (account !== undefined) forget(account);
      }),
    handOver: (id, revoked) =>
      inTurn(async () => {
        let made: readonly [before: AccountRow, after: AccountRow] | undefined;
        await rows.write(() => {
          const [was, next] = [operator(), required(id)];
          if (was === undefined || was.id === id)
            throw new Failure('conflict', 'This account runs the cloud already. Nothing was changed.');
          const revokedTokens = [...was.revokedTokens, revoked].slice(-REVOKED_MAX);
          made = [
            { ...was, operates: false, revokedTokens: [] },
            { ...next, operates: true, revokedTokens },
          ];
          return made.map((each) => ({ key: keyOf(each.id), value: new TextEncoder().encode(JSON.stringify(each)) }));
        });
        const [before, after] = made ?? [required(id), required(id)];
        place(before);
        place(after);
        onGone(`account ${before.id}`);
        return { before, after };
      }),
    claim: (id, userId) =>
      inTurn(async () => {
        const before = required(id);
        if (before.userId === userId && before.isClaimed) return false;
        await keep(() => {
          requireFree(userId);
          const account = required(id);
          if (account.userId === userId && account.isClaimed) return account;
          if (account.isClaimed || (taken.get(`user ${userId}`) ?? id) !== id) throw othersDevices();
          return { ...account, userId, isClaimed: true };
        });
        return before.userId !== userId;
      }),
  };
}

const identityName = (issuer: string, subject: string): string => `identity ${JSON.stringify([issuer, subject])}`;

function namesOf(account: AccountRow | undefined): string[] {
  if (account === undefined) return [];
  return [
    `user ${account.userId}`,
    ...account.passkeys.map(({ id }) => `passkey ${id}`),
    ...account.identities.map(({ issuer, subject }) => identityName(issuer, subject)),
    ...account.devices.map(({ key }) => `device ${key}`),
    ...account.agents.map(({ hash }) => `agent ${hash}`),
  ];
}

const othersDevices = (): Failure =>
  new Failure(
    'forbidden',
    'This cloud belongs to other devices. Add this one to them first, with `markco pair`, then it belongs here too.',
  );
