/**
 * `markco up` prints an address that ends in `#token=…`. The token is traded once for a cookie that scripts cannot
 * read, and leaves the address bar before anything else happens, so that it is neither kept, shown nor sent elsewhere.
 */
import { createApi } from '@markco/client';
import { Failure } from '@markco/protocol';

export type SignInParts = {
  readonly location: Pick<Location, 'hash' | 'pathname' | 'search'>;
  readonly history: Pick<History, 'replaceState'>;
  readonly fetch: typeof fetch;
};

/** The token of the address, taken out of it. */
export function takeToken({ location, history }: Pick<SignInParts, 'location' | 'history'>): string | undefined {
  const token = /^#token=([\w.~-]{1,500})$/.exec(location.hash)?.[1];
  if (location.hash.startsWith('#token=')) history.replaceState(null, '', location.pathname + location.search);
  return token;
}

/** Resolves to what went wrong, or to nothing when there is a session or no token to make one of. */
export async function signIn(parts: SignInParts): Promise<Failure | undefined> {
  const token = takeToken(parts);
  if (token === undefined) return undefined;
  try {
    await createApi({ fetch: parts.fetch, origin: '', token })('signIn', {});
    return undefined;
  } catch (error) {
    return Failure.from(error);
  }
}
