/**
 * What a cloud does about its `SYNC_MODE`. `mirror` is told to the devices, which keep to it (`link.ts`). With `legacy` no
 * document comes in or goes out: what is kept can be listed and published pages can be read, and nothing changes.
 */
import { Failure, type DocumentId, type RouteName, type SyncMode } from '@markco/protocol';
import type { SomeHandlers } from '@markco/replica/listen/handlers';
import type { WebSocketConnection } from '@markco/replica/listen/connection';
import type { Subject } from '@markco/replica/listen/guard';

/** What changes a document, its name or its files. */
const CHANGES = [
  'registerLocal',
  'createDocument',
  'deleteDocument',
  'undeleteDocument',
  'moveDocument',
  'historyRestore',
  'offerCopies',
  'putCopy',
] as const satisfies readonly RouteName[];

// With its code it fits into the reason of a WebSocket that is closed.
const closed = (): Failure =>
  new Failure('not_ready', 'This cloud takes no documents now (SYNC_MODE=legacy). Yours stay on your devices.');

export function createModeHere(mode: SyncMode) {
  const isClosed = mode === 'legacy';
  const refuse = (): never => {
    throw closed();
  };

  return {
    /** Instead of the handlers of the same names. */
    handlers: (isClosed ? Object.fromEntries(CHANGES.map((name) => [name, refuse])) : {}) as unknown as SomeHandlers<
      (typeof CHANGES)[number]
    >,

    /** Whether the connection was closed: a device reads why from that. */
    refuses(connection: Pick<WebSocketConnection, 'refuse'>): boolean {
      if (isClosed) connection.refuse(closed());
      return isClosed;
    },

    /** Refuses a stock client before it is connected: it comes again ever more seldom. */
    resolve<T extends { readonly kind: string }>(resolve: (url: URL, subject: Subject) => T) {
      return (url: URL, subject: Subject): T => {
        const target = resolve(url, subject);
        return isClosed && target.kind === 'sync' ? refuse() : target;
      };
    },

    /** Why a document cannot be opened by a page. */
    refusal: (otherwise: (id: DocumentId) => Failure | undefined) => (isClosed ? closed : otherwise),
  };
}
