/**
 * Where published pages are asked for, beside everything else that the cloud answers.
 *
 * 1. With an origin of their own they are there and nowhere else, and nothing else is there.
 * 2. Without one they are below `/@` at the names of the cloud, and their policy gives them no origin.
 * 3. They are only read: no other method, no cookie, nothing that a request says of who sends it.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import type { Guard } from '@markco/replica/listen/guard';
import type { Answer } from './answer.ts';
import { PAGE_POLICY } from './style.ts';

export type DoorParts = {
  /** `https://pages.example.com`; null for the names of the cloud. */
  readonly publishOrigin: string | null;
  readonly guard: Pick<Guard, 'foreign'>;
  readonly answer: (path: string, origin: string) => Promise<Answer>;
  readonly onError: (error: unknown) => void;
};

const HEADERS = {
  'content-security-policy': PAGE_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Kept, and asked for each time whether it still holds: what was taken back is gone at once.
  'cache-control': 'public, no-cache',
  vary: 'accept-encoding',
} as const;

/** Listens before `others`, who get what is not for published pages. */
export function publishedDoor(
  { publishOrigin, guard, answer, onError }: DoorParts,
  others: RequestListener,
): RequestListener {
  const ownHost = publishOrigin === null ? null : new URL(publishOrigin).host;

  async function give(request: IncomingMessage, response: ServerResponse, path: string, origin: string): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { ...HEADERS, allow: 'GET, HEAD', connection: 'close' }).end();
      return;
    }
    const { status, body, isPacked, headers: about, tag, location } = await answer(path, origin);
    const headers = { ...HEADERS, ...about, etag: `"${tag}"`, ...(location === undefined ? {} : { location }) };
    if (status === 200 && request.headers['if-none-match']?.includes(`"${tag}"`) === true) {
      response.writeHead(304, headers).end();
      return;
    }
    const takesPacked = /(?:^|[\s,])gzip(?:$|[\s,;])/.test(String(request.headers['accept-encoding'] ?? ''));
    const bytes = isPacked && !takesPacked ? gunzipSync(body) : body;
    response.writeHead(status, {
      ...headers,
      'content-length': bytes.length,
      ...(isPacked && takesPacked ? { 'content-encoding': 'gzip' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : bytes);
  }

  return (request, response) => {
    const path = pathOf(request.url);
    const isOwn = ownHost !== null && request.headers.host === ownHost;
    if (!isOwn && (!path.startsWith('/@') || guard.foreign(request.headers, true) !== undefined)) {
      others(request, response);
      return;
    }
    if (!isOwn && publishOrigin !== null) {
      response.writeHead(308, { ...HEADERS, location: publishOrigin + (request.url ?? '') }).end();
      return;
    }
    const origin = publishOrigin ?? `${schemeOf(request)}://${request.headers.host ?? ''}`;
    give(request, response, path, origin).catch((error: unknown) => {
      onError(error);
      if (!response.headersSent) response.writeHead(500, { ...HEADERS, 'cache-control': 'no-store' });
      response.end();
    });
  };
}

/** Without what follows `?`, and decoded where it can be: what cannot names no page. */
function pathOf(url = ''): string {
  const path = url.replace(/[?#].*$/s, '');
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** A server in front that speaks TLS says so. */
const schemeOf = ({ headers }: IncomingMessage): string =>
  headers['x-forwarded-proto'] === 'https' ? 'https' : 'http';
