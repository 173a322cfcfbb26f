/**
 * Who may speak to this device: decided before anything else looks at a request.
 *
 * 1. `Host` must be one of the names this device goes by, letter for letter; so a page elsewhere cannot reach it by
 *    pointing its own name here.
 * 2. `Origin`, when there is one, must be a page that this device served. There is no CORS.
 * 3. A browser that says the request comes from another site is believed.
 * 4. The token is compared in constant time.
 */
import { Failure } from '@markco/protocol';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export type Guard = {
  /** Why the request is refused, or undefined. `isPage`: it asks for the page itself, which any link may lead to. */
  foreign(headers: IncomingHttpHeaders, isPage: boolean): Failure | undefined;
  /** @param query only on WebSockets, which cannot send the header from a browser */
  signedIn(headers: IncomingHttpHeaders, query?: URLSearchParams): boolean;
};

export const SESSION_COOKIE = 'session_token';

export function createGuard({ token, hosts }: { readonly token: string; readonly hosts: readonly string[] }): Guard {
  const names = new Set(hosts);
  const origins = new Set(hosts.map((host) => `http://${host}`));
  const expected = digest(token);
  const matches = (given: string): boolean => timingSafeEqual(digest(given), expected);

  return {
    foreign(headers, isPage) {
      if (headers.host === undefined || !names.has(headers.host)) {
        return new Failure(
          'forbidden',
          `This device answers to ${hosts.join(', ')} only. Open it by one of these names.`,
        );
      }
      if (headers.origin !== undefined && !origins.has(headers.origin)) {
        return new Failure('forbidden', 'Another site asked for this. Only the page of this device may.');
      }
      const site = headers['sec-fetch-site'];
      if (!isPage && (site === 'cross-site' || site === 'same-site')) {
        return new Failure('forbidden', 'Another site asked for this. Only the page of this device may.');
      }
      return undefined;
    },

    signedIn(headers, query) {
      const bearer = /^Bearer ([^\s]+)$/.exec(headers.authorization ?? '')?.[1];
      if (bearer !== undefined) return matches(bearer);
      const fromQuery = query?.get('token');
      if (typeof fromQuery === 'string') return matches(fromQuery);
      const cookie = cookies(headers.cookie).get(SESSION_COOKIE);
      return cookie !== undefined && matches(cookie);
    },
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function cookies(header: string | undefined): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of header?.split(';') ?? []) {
    const at = part.indexOf('=');
    if (at > 0) found.set(part.slice(0, at).trim(), part.slice(at + 1).trim());
  }
  return found;
}
