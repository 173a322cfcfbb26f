/**
 * The way back from an account elsewhere: `/sign-in/with/PROVIDER?code=…&state=…`. What it says leaves the address bar
 * before it is used, and is handed to the cloud once.
 */
import type { Api } from '@markco/client';
import { Failure } from '@markco/protocol';
import type { SignInParts } from '../boot/sign-in.ts';

export type FinishParts = Pick<SignInParts, 'history'> & {
  readonly api: Api;
  readonly location: Pick<Location, 'pathname' | 'search'>;
};

/** Resolves to what went wrong; to nothing when somebody is signed in, or the address is another one. */
export async function finishSignIn({ location, history, api }: FinishParts): Promise<Failure | undefined> {
  const provider = /^\/sign-in\/with\/([\w-]{1,50})$/.exec(location.pathname)?.[1];
  const { search } = location;
  if (provider === undefined || search === '') return undefined;
  history.replaceState(null, '', '/');
  try {
    await api('providerSignIn', { params: { provider }, body: { search } });
    return undefined;
  } catch (error) {
    return Failure.from(error);
  }
}
