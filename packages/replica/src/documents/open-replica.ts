/** The documents of a replica with all that keeps them: one log below, rooms and names above it. */
import type { DeviceId } from '@markco/protocol';
import type { Store } from '../store/store.ts';
import { createDigests, type Digests } from '../replicate/digests.ts';
import { createLinks, type Links } from '../replicate/links.ts';
import { openCatalog, type DocumentCatalog } from './catalog.ts';
import { createDocuments, type Documents } from './documents.ts';
import { createLog, type Log, type LogParts } from './log.ts';
import { createRooms, type Rooms, type RoomsParts } from './rooms.ts';
import { createViews, type Views } from './views.ts';

export type ReplicaParts = Pick<LogParts, 'onStorage' | 'onSync' | 'describe' | 'retryMs'> &
  Pick<RoomsParts, 'beginning' | 'begun' | 'onTrouble'> & {
    readonly store: Store;
    readonly now: () => number;
    /** Whose names and deletions those made here are. */
    readonly self: DeviceId;
  };

export type Replica = {
  readonly log: Log;
  readonly views: Views;
  readonly rooms: Rooms;
  readonly catalog: DocumentCatalog;
  readonly documents: Documents;
  /** What keeping them equal with others goes by; one of each, whoever the others are. */
  readonly digests: Digests;
  readonly links: Links;
};

export async function openReplica({ self, beginning, begun, onTrouble, ...below }: ReplicaParts): Promise<Replica> {
  const { store, now } = below;
  const log = createLog(below);
  const views = createViews({ now });
  const rooms = createRooms({
    ...{ store, log, views, now, beginning, begun, onTrouble },
    // V8 collects when more is asked for; where nobody does anything nothing is. There only with --expose-gc.
    onRelease: () => globalThis.gc?.({ type: 'major', flavor: 'last-resort' }),
  });
  const catalog = await openCatalog({ store, log, device: self, now });
  const documents = createDocuments({ store, rooms, views });
  return { log, views, rooms, catalog, documents, digests: createDigests(rooms), links: createLinks() };
}
