/**
 * Who may speak here: decided before anything else looks at a request.
 *
 * 1. `Host` must be one of the names this goes by, letter for letter; so a page elsewhere cannot reach it by
 *    pointing its own name here.
 * 2. `Origin`, when there is one, must be a page that was served here. There is no CORS.
 * 3. A browser that says the request comes from another site is believed.
 * 4. Nobody is anybody without a token.
 */
import { Failure, SHARE_HEADER, SHARE_QUERY, type Subject } from '@markco/protocol';
import type { IncomingHttpHeaders } from 'node:http';

export type { Subject } from '@markco/protocol';
/** Where a token came from: a browser sends the cookie by itself. */
export type TokenPlace = 'header' | 'query' | 'cookie';

export type Guard = {
  /** Why the request is refused, or undefined. `isPage`: it asks for the page itself, which any link may lead to. */
  foreign(headers: IncomingHttpHeaders, isPage: boolean): Failure | undefined;
  /**
   * @param query whole only on WebSockets, which cannot send the header from a browser
   * @throws Failure `unauthorized`
   */
  subject(headers: IncomingHttpHeaders, query?: URLSearchParams): Subject;
};

export type GuardParts = {
  /** With their ports. */
  readonly hosts: () => readonly string[];
  /** Of pages that were served here. */
  readonly origins: () => readonly string[];
  /** What this is, in sentences: `This device`. */
  readonly self: string;
  /** Whose token it is, compared in constant time. */
  readonly whose: (token: string, from: TokenPlace) => Subject | undefined;
  /** What to do for who has none. */
  readonly howToSignIn: string;
  /** False: a WebSocket's `?token=` is refused, whatever it is; a ticket is taken. */
  readonly takesTokensInAddresses?: boolean;
};

export const SESSION_COOKIE = 'session_token';
/** Of a guest, one for each link: a browser may be several, and somebody's own beside them. */
export const shareCookie = (id: string): string => `share_${id}`;

export function createGuard({ hosts, origins, self, whose, howToSignIn, ...more }: GuardParts): Guard {
  return {
    foreign(headers, isPage) {
      if (headers.host === undefined || !hosts().includes(headers.host)) {
        return new Failure(
          'forbidden',
          `${self} answers to ${hosts().join(', ')} only. Open it by one of these names.`,
        );
      }
      if (headers.origin !== undefined && !origins().includes(headers.origin)) {
        return new Failure('forbidden', `Another site asked for this. Only the page of ${lower(self)} may.`);
      }
      const site = headers['sec-fetch-site'];
      if (!isPage && (site === 'cross-site' || site === 'same-site')) {
        return new Failure('forbidden', `Another site asked for this. Only the page of ${lower(self)} may.`);
      }
      return undefined;
    },

    subject(headers, query) {
      const given = tokenOf(headers, query);
      if (given?.[1] === 'query' && more.takesTokensInAddresses === false)
        throw new Failure(
          'unauthorized',
          `${self} takes no token in an address. Get a ticket with POST /api/tickets, and open the WebSocket with ?ticket=TICKET.`,
        );
      const subject = given === undefined ? undefined : whose(...given);
      if (subject === undefined) throw new Failure('unauthorized', howToSignIn);
      return subject;
    },
  };
}

/** The first place that has one decides: a wrong token in the header is not made good by a cookie. */
function tokenOf(
  headers: IncomingHttpHeaders,
  query: URLSearchParams | undefined,
): readonly [string, TokenPlace] | undefined {
  const sent = /^Bearer ([^\s]+)$/.exec(headers.authorization ?? '')?.[1];
  if (sent !== undefined) return [sent, 'header'];
  const asked = query?.get('token') ?? undefined;
  if (asked !== undefined) return [asked, 'query'];
  const share = headers[SHARE_HEADER] ?? query?.get(SHARE_QUERY) ?? undefined;
  const kept = cookiesOf(headers.cookie).get(share === undefined ? SESSION_COOKIE : shareCookie(String(share)));
  return kept === undefined ? undefined : [kept, 'cookie'];
}

const lower = (sentence: string): string => sentence.charAt(0).toLowerCase() + sentence.slice(1);

export function cookiesOf(header: string | undefined | null): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of header?.split(';') ?? []) {
    const at = part.indexOf('=');
    if (at > 0) found.set(part.slice(0, at).trim(), part.slice(at + 1).trim());
  }
  return found;
}
