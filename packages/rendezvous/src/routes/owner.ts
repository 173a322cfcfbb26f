/**
 * Who runs this cloud, and that it becomes somebody else: for whoever is at the machine that it runs on, which is shown by
 * its token. From then on the token is another one, so that nobody who had the line comes in as the new owner.
 */
import { Failure, type Subject } from '@markco/protocol';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { Accounts } from '../accounts/accounts.ts';
import type { Note } from '../accounts/admission.ts';
import { signedIn } from '../accounts/signed-in.ts';
import type { Deletion } from '../deletion/deletion.ts';

export type OwnerRoutesParts = {
  readonly accounts: Accounts;
  readonly deletion: Pick<Deletion, 'remove'>;
  readonly tokenHash: () => string;
  /** Answers the new one. */
  readonly replaceToken: () => Promise<string>;
  readonly note: Note;
};

export function ownerRoutes({
  accounts,
  deletion,
  tokenHash,
  replaceToken,
  note,
}: OwnerRoutesParts): SomeHandlers<'cloudAccounts' | 'handOverCloud'> {
  function requireToken(subject: Subject | null): void {
    const { person } = signedIn(accounts, subject);
    if (person.session !== undefined || person.device !== undefined)
      throw new Failure('forbidden', 'Do this on the machine that the cloud runs on: markco cloud owner');
  }

  return {
    cloudAccounts({ subject }) {
      requireToken(subject);
      return {
        accounts: accounts.all().map(({ id, name, operates, createdAt }) => ({
          ...{ id, name, operates },
          createdAt: new Date(createdAt).toISOString(),
        })),
      };
    },
    async handOverCloud({ subject, body }) {
      requireToken(subject);
      const { passkeys, identities } = accounts.operator();
      if (body.deletesOwn !== true && passkeys.length + identities.length === 0)
        throw new Failure(
          'conflict',
          'The account that runs the cloud has no way to sign in but its line, which would be worth nothing from then on. Add a passkey under Account first, or have it deleted: --delete-own. Nothing was changed.',
        );
      const { before, after } = await accounts.handOver(body.account, tokenHash());
      const token = await replaceToken();
      note('account.handed-over', { account: before.id, to: after.id });
      if (body.deletesOwn === true) await deletion.remove(before, before.name);
      return { token };
    },
  };
}
