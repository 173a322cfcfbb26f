/** Where a WebSocket address of the rendezvous leads. */
import { Failure, type DocumentId } from '@markco/protocol';
import { requirePathLength, syncAddressOf } from '@markco/replica/listen/sync-address';
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
    const address = syncAddressOf(url);
    const mine = kept.of(userId);
    const project = address.userId === userId ? mine.bySlug(address.project) : undefined;
    if (project === undefined) throw new Failure('not_found', 'There is no such project here.');
    requirePathLength(address);
    return {
      kind: 'sync',
      documentId: mine.resolve(project.id, address.docPath),
      readOnly: address.readOnly,
    };
  };
}
