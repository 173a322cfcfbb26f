/**
 * Addresses of the page: `/`, `/p/:slug/:docPath#heading` and `/runs/:run#fromEvent`. Pure: text in, a place out, and back.
 * Whatever is not such an address is `home`, so that no address can break the page.
 */
import { RunIdSchema, type RunId } from '@markco/protocol';

export type Place =
  | { readonly at: 'home' }
  | { readonly at: 'project'; readonly slug: string }
  /** The whole output of one run; `from`: the number of the event to begin at. */
  | { readonly at: 'run'; readonly runId: RunId; readonly from?: number }
  | { readonly at: 'document'; readonly slug: string; readonly path: string; readonly heading?: string };

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export function parsePlace(pathname: string, hash = ''): Place {
  const run = RunIdSchema.safeParse(/^\/runs\/([^/]+)\/?$/.exec(pathname)?.[1]);
  if (run.success) {
    const from = /^#(\d{1,9})$/.exec(hash)?.[1];
    return { at: 'run', runId: run.data, ...(from === undefined ? {} : { from: Number(from) }) };
  }
  const match = /^\/p\/([a-z0-9][a-z0-9-]{0,62})(?:\/(.*))?$/.exec(pathname);
  if (match === null) return { at: 'home' };
  const slug = match[1] ?? '';
  const parts = (match[2] ?? '')
    .split('/')
    .filter((part) => part !== '')
    .map(decode);
  if (parts.some((part) => part === undefined)) return { at: 'home' };
  if (parts.length === 0) return { at: 'project', slug };
  const heading = decode(hash.replace(/^#/, ''));
  return {
    at: 'document',
    slug,
    path: parts.join('/'),
    ...(heading === undefined || heading === '' ? {} : { heading }),
  };
}

export function formatPlace(place: Place): string {
  if (place.at === 'home') return '/';
  if (place.at === 'run') return `/runs/${place.runId}${place.from === undefined ? '' : `#${place.from}`}`;
  if (place.at === 'project') return `/p/${place.slug}`;
  const path = place.path.split('/').map(encodeURIComponent).join('/');
  return `/p/${place.slug}/${path}${place.heading === undefined ? '' : `#${encodeURIComponent(place.heading)}`}`;
}
