/**
 * The end of an account, at this cloud (decision 41). What its person has on their devices is none of its business.
 *
 * 1. The account goes first, in one change with a note of what is left to do: from then on nobody comes in with anything of
 *    it, and whoever is there is cut off, at other processes once they have read that.
 * 2. Then all that it had is taken out of the store, before the person is told that it is done; and once more after
 *    SETTLE_MS, for what was on its way at another process.
 * 3. One process at a time does that (`fence.ts`). A kill in between is made good by whichever process looks next. Until it is done nobody can have the same user here.
 */
import { Failure, type AccountContents } from '@markco/protocol';
import type { AccountRow } from '../accounts/account-row.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Note } from '../accounts/admission.ts';
import type { Live } from '../accounts/live.ts';
import type { Sessions } from '../accounts/sessions.ts';
import type { Shares } from '../shares/shares.ts';
import { openFence, Superseded, type FenceParts } from './fence.ts';
import { accountGone, keyOf, type Gone, type GoneRow } from './gone.ts';
import type { UserData } from './user-data.ts';

/** Longer than it takes another process to hear of it and to write what it had taken in. */
export const SETTLE_MS = 10_000;

export type DeletionParts = FenceParts & {
  readonly accounts: Pick<Accounts, 'remove'>;
  readonly sessions: Pick<Sessions, 'end' | 'list'>;
  readonly shares: Pick<Shares, 'list' | 'revoke'>;
  readonly gone: Gone;
  readonly data: UserData;
  readonly live: Pick<Live, 'end'>;
  readonly now: () => number;
  readonly note: Note;
};

export type Deletion = {
  contents(account: AccountRow): Promise<AccountContents>;
  /** @throws Failure `bad_request` when that is not its name, `conflict` for the account that runs the cloud */
  remove(account: AccountRow, name: string): Promise<void>;
  /** Another process has deleted it. */
  heard(account: AccountRow): void;
  /** Goes on with what is not done. */
  sweep(): Promise<void>;
};

export function createDeletion(parts: DeletionParts): Deletion {
  const { accounts, sessions, shares, gone, data, live, now, note } = parts;
  let working: Promise<void> = Promise.resolve();
  let waiting = 0;

  function heard({ id, userId }: Pick<AccountRow, 'id' | 'userId'>): void {
    live.end(`account ${id}`, accountGone());
    data.forget(userId);
  }

  async function takeOut({ account, userId, at }: GoneRow): Promise<void> {
    const fence = await openFence(parts, keyOf(account));
    // After that, so that one that is finished in between is noticed by the fence.
    const row = await gone.stillLeft(account);
    if (row?.left === undefined) return;
    await fence.write([]);
    // What was read of it meanwhile, too.
    data.forget(userId);
    const isLast = now() >= at + SETTLE_MS;
    for (const { id } of shares.list(userId)) {
      await shares.revoke(userId, id);
      for (const session of sessions.list(id)) await sessions.end(session.id);
    }
    for (const { id } of sessions.list(account)) await sessions.end(id);
    await data.remove(userId, row.left, isLast, fence);
    if (isLast) await gone.finish(row, fence);
  }

  /** One after another. */
  function takeOutAll(isDue: (row: GoneRow) => boolean): Promise<void> {
    waiting++;
    working = working
      .catch(() => undefined)
      .then(async () => {
        for (const row of gone.unfinished()) if (isDue(row)) await takeOut(row).catch(unlessSuperseded);
      })
      .finally(() => waiting--);
    return working;
  }

  return {
    heard,
    async contents(account) {
      const { id, userId, devices, agents } = account;
      return {
        ...(await data.count(userId)),
        ...{ shares: shares.list(userId).length, devices: devices.length, agents: agents.length },
        sessions: sessions.list(id).length,
      };
    },
    async remove(account, name) {
      if (account.operates)
        throw new Failure(
          'conflict',
          'This account runs the cloud. Hand that over to another account first, on the machine that the cloud runs on: markco cloud owner NAME. To end both, stop the cloud and delete its state folder, and its database if it has one.',
        );
      if (name.trim() !== account.name.trim())
        throw new Failure(
          'bad_request',
          `Type the name of the account as it is: ${account.name}. Nothing was deleted.`,
        );
      await accounts.remove(account.id, (row) => [gone.rowOf(row, data.list(row.userId))]);
      note('account.deleted', { account: account.id, userId: account.userId });
      heard(account);
      try {
        await gone.reload();
        await takeOutAll((row) => row.account === account.id);
      } catch (cause) {
        throw new Failure(
          'storage_failed',
          'Your account is deleted, and nobody comes in with it any more. What it had is taken out as soon as the store answers; there is nothing that you have to do.',
          { cause },
        );
      }
    },
    async sweep() {
      if (waiting > 0) return;
      await takeOutAll(({ at }) => now() >= at + SETTLE_MS);
      await gone.sweep();
    },
  };
}

/** Whoever is at it goes on. */
function unlessSuperseded(cause: unknown): void {
  if (!(cause instanceof Superseded)) throw cause;
}
