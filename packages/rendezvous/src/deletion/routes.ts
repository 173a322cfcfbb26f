/** The end of an account over HTTP: what would go, and that it goes. */
import { SESSION_COOKIE } from '@markco/replica/listen/guard';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { Accounts } from '../accounts/accounts.ts';
import { setCookie, signedIn } from '../accounts/signed-in.ts';
import type { RequireFresh } from '../accounts/step-up.ts';
import type { Deletion } from './deletion.ts';

export function deletionRoutes({
  accounts,
  deletion,
  requireFresh,
}: {
  readonly accounts: Accounts;
  readonly deletion: Pick<Deletion, 'contents' | 'remove'>;
  readonly requireFresh: RequireFresh;
}): SomeHandlers<'accountContents' | 'deleteAccount'> {
  return {
    accountContents: ({ subject }) => deletion.contents(signedIn(accounts, subject).account),
    async deleteAccount({ subject, request, body }) {
      const { person, account } = signedIn(accounts, subject);
      requireFresh(person);
      await deletion.remove(account, body.name);
      return new Response(null, { status: 204, headers: { 'set-cookie': setCookie(request, SESSION_COOKIE, '', 0) } });
    },
  };
}
