/** How whoever is signed in shows that it is still them, within the session that they have (`step-up.ts`). */
import { Failure } from '@markco/protocol';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { Note } from '../accounts/admission.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { Passkeys } from '../accounts/passkeys.ts';
import type { Sessions } from '../accounts/sessions.ts';
import { signedIn } from '../accounts/signed-in.ts';
import type { createWho } from '../accounts/who.ts';
import { siteOf } from './sign-in.ts';

export type ConfirmRoutesParts = {
  readonly accounts: Accounts;
  readonly sessions: Pick<Sessions, 'confirm'>;
  readonly passkeys: Pick<Passkeys, 'beginConfirm' | 'confirm'>;
  readonly who: ReturnType<typeof createWho>;
  readonly note: Note;
};

export function confirmRoutes({
  accounts,
  sessions,
  passkeys,
  who,
  note,
}: ConfirmRoutesParts): SomeHandlers<'beginConfirm' | 'confirm'> {
  return {
    beginConfirm: ({ subject, request }) => passkeys.beginConfirm(siteOf(request), signedIn(accounts, subject).account),
    async confirm({ subject, body }) {
      const { person, account } = signedIn(accounts, subject);
      if (person.session === undefined) throw new Failure('bad_request', 'Sign in first: only a session is confirmed.');
      if ('token' in body) {
        const found = who(body.token.trim(), 'header');
        const isToken = found?.role === 'owner' && found.session === undefined && found.device === undefined;
        if (!isToken || found.account !== account.id)
          throw new Failure('unauthorized', 'This is not the token of this cloud. Copy its line again.');
      } else await passkeys.confirm(account, body);
      await sessions.confirm(person.session);
      note('account.confirmed', { account: account.id, with: 'token' in body ? 'token' : 'passkey' });
      return undefined;
    },
  };
}
