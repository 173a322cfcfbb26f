/** The cookie of a session, and who asks with one. */
import { Failure, type Person, type Subject } from '@markco/protocol';
import { cookiesOf, SESSION_COOKIE } from '@markco/replica/listen/guard';
import type { AccountRow } from './account-row.ts';
import type { Accounts } from './accounts.ts';
import { browserName } from './browser-name.ts';
import type { Beginning, Sessions } from './sessions.ts';

const WHOLE_SECONDS = 30 * 24 * 3_600;
const PUBLIC_SECONDS = 12 * 3_600;

export function setCookie(request: Request, name: string, value: string, seconds: number, path = '/'): string {
  // A server in front that speaks TLS says so.
  const secure = request.headers.get('x-forwarded-proto') === 'https' ? '; Secure' : '';
  return `${name}=${value}; HttpOnly; SameSite=Strict; Path=${path}; Max-Age=${seconds}${secure}`;
}

export const cookieOf = (request: Request, name: string): string | undefined =>
  cookiesOf(request.headers.get('cookie')).get(name);

/**
 * Begins a session and answers its cookie. Always a new token, and the session that this browser had is over: whoever
 * knew that one knows nothing of this.
 */
export async function signIn(
  sessions: Sessions,
  request: Request,
  about: Omit<Beginning, 'browser'>,
): Promise<[name: string, value: string]> {
  const before = sessions.find(cookieOf(request, SESSION_COOKIE) ?? '');
  const { token } = await sessions.begin({ ...about, browser: browserName(request.headers.get('user-agent')) });
  if (before !== undefined) await sessions.end(before.id);
  return ['set-cookie', setCookie(request, SESSION_COOKIE, token, about.isPublic ? PUBLIC_SECONDS : WHOLE_SECONDS)];
}

export type SignedIn = { readonly person: Person; readonly account: AccountRow };

/** @throws Failure `unauthorized` */
export function signedIn(accounts: Accounts, subject: Subject | null): SignedIn {
  const account = subject?.role === 'owner' ? accounts.get(subject.account ?? '') : undefined;
  if (subject?.role !== 'owner' || account === undefined) throw new Failure('unauthorized', 'Sign in first.');
  return { person: subject, account };
}
