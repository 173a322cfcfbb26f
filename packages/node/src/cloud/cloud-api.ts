/** What a device asks of a cloud over HTTP. */
import { createApi, type Api } from '@markco/client/api';
import { Failure } from '@markco/protocol';

/**
 * Before it is let in, in words for people.
 * @throws Failure `not_ready` when it cannot be reached, `bad_request` when it is no such cloud, and what it says itself
 */
export function cloudApi(url: string): Api {
  const { host } = new URL(url);
  const api = openApi(url);
  return async (name, input) => {
    try {
      return await api(name, input);
    } catch (error) {
      const failure = Failure.from(error);
      if (failure.cause !== undefined && failure.code === 'not_ready')
        throw new Failure('not_ready', `${host} cannot be reached.`, { cause: failure.cause });
      if (failure.code === 'internal' || failure.message.startsWith('There is no '))
        throw new Failure('bad_request', `${host} is no MarkCo cloud, or an older one.`, { cause: failure });
      throw failure;
    }
  };
}

/** What it answers to who comes with this token, in its own words. */
export const openApi = (url: string, token?: string): Api =>
  createApi({
    origin: new URL(url).origin,
    ...(token === undefined ? {} : { token }),
    // To where it was named, and nowhere else.
    fetch: (input, init) => fetch(input, { ...init, redirect: 'error' }),
  });
