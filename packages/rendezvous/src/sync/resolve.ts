/** Where a WebSocket address of the rendezvous leads. */
import { Failure, LIMITS, type DocumentId } from '@markco/protocol';
import type { Subject } from '@markco/replica/listen/guard';
import type { Kept } from '../documents/kept.ts';

export type SocketTarget =
  | { readonly kind: 'link' }
  | { readonly kind: 'stream' }
  | { readonly kind: 'signal' }
  | { readonly kind: 'sync'; readonly documentId: DocumentId; readonly readOnly: boolean };

export function createResolve(kept: Pick<Kept, 'of'>): (url: URL, subject: Subject) => SocketTarget {
  return (url, { userId }) => {
    if (url.pathname === '/api/link') return { kind: 'link' };
    if (url.pathname === '/api/stream') return { kind: 'stream' };
    if (url.pathname === '/api/signal') return { kind: 'signal' };
    const [, owner, slug, encoded] = /^\/sync\/([^/]+)\/([^/]+)\/(.+)$/.exec(url.pathname) ?? [];
    if (owner === undefined || slug === undefined || encoded === undefined)
      throw new Failure('not_found', `There is no WebSocket ${url.pathname} here.`);
    const docPath = decode(encoded);
    const mine = kept.of(userId);
    const project = owner === userId ? mine.bySlug(decode(slug)) : undefined;
    if (project === undefined) throw new Failure('not_found', 'There is no such project here.');
    if (Buffer.byteLength(docPath) > LIMITS.pathBytesMax)
      throw new Failure('bad_request', 'The path of a document is at most 1,024 bytes.');
    return {
      kind: 'sync',
      documentId: mine.resolve(project.id, docPath),
      readOnly: url.searchParams.get('mode') === 'read',
    };
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new Failure('bad_request', 'The address is not encoded as a URL.', { cause });
  }
}
