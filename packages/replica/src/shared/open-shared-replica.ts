/** The documents of a replica whose store other processes write to as well. */
import { Failure, formatUuid, type DocumentId, type ProjectId } from '@markco/protocol';
import { openCatalog, projectWrite, rowWrite } from '../documents/catalog.ts';
import { createDocuments } from '../documents/documents.ts';
import type { Replica, ReplicaParts } from '../documents/open-replica.ts';
import { createRooms } from '../documents/rooms.ts';
import { createViews } from '../documents/views.ts';
import { createDigests } from '../replicate/digests.ts';
import { createLinks } from '../replicate/links.ts';
import { keyOf, letterKey, rowsKey } from '../store/key.ts';
import type { SharedStore } from '../store/shared-store.ts';

import { createFollow, type Follow, type FollowParts } from './follow.ts';
import { createSharedLog, type Committed, type SharedLog } from './shared-log.ts';

export type SharedReplicaParts = Omit<ReplicaParts, 'store'> &
  Pick<FollowParts, 'onName' | 'onPath'> & {
    readonly store: SharedStore;
    /** To be told to the other processes, so that they need not read it. */
    readonly onCommitted: (committed: Committed) => void;
    /** Names or projects have changed: the others are to read them. */
    readonly onNamed: () => void;
    readonly onPresence: (id: DocumentId, frame: Uint8Array) => void;
    readonly onLoaded: (id: DocumentId) => void;
  };

export type SharedReplica = Omit<Replica, 'log'> & Follow & { readonly log: SharedLog };

const AGAIN = new Failure('not_ready', 'This document is being read anew. Try again in a moment.', { retryable: true });

export async function openSharedReplica(parts: SharedReplicaParts): Promise<SharedReplica> {
  const { store, now, self, onTrouble } = parts;
  // Before anything is read: what changes meanwhile is read again.
  const { cursor } = await store.changes(null);
  const versions = await store.versions('c');
  const views = createViews({ now });
  const log: SharedLog = createSharedLog({
    ...parts,
    rooms: { peek: (id) => rooms.peek(id), all: () => rooms.all() },
    onMoved: (id) => views.drop(id),
    onElsewhere: (id, seq) => rooms.changedElsewhere({ id, seq, origin: 'page', count: 1, isElsewhere: true }),
    onBroken(room, cause) {
      onTrouble(room.id, 'following the other processes in', cause);
      rooms.drop(room, AGAIN);
    },
  });
  const rooms = createRooms({
    ...parts,
    ...{ log, views },
    onLoaded(id) {
      log.loaded(id);
      parts.onLoaded(id);
    },
    onRelease: () => globalThis.gc?.({ type: 'major', flavor: 'last-resort' }),
  });
  const follow = createFollow({
    store,
    cursor,
    log,
    catalog: () => catalog,
    onName: parts.onName,
    onPath: parts.onPath,
  });
  const catalog = await openCatalog({
    ...{ store, log, device: self, now },
    shared: {
      pull: () => follow.pull(),
      commit: (projectId, was, rows) =>
        named({
          guard: { key: rowsKey(projectId), was, next: was + 1 },
          batch: rows.map(rowWrite),
          touched: rows.map(({ id }) => keyOf('d', id)),
        }),
      putProject: (was, row) =>
        named({
          guard: { key: letterKey('c'), was, next: was + 1 },
          batch: [projectWrite(row)],
          touched: [keyOf('p', row.project.id)],
        }),
    },
  });
  async function named(change: Parameters<SharedLog['writeIf']>[0]): Promise<boolean> {
    const isTaken = await log.writeIf(change);
    if (isTaken) {
      for (const key of change.touched ?? []) follow.wrote(key, change.guard.next);
      parts.onNamed();
    }
    return isTaken;
  }
  catalog.take({
    rows: [],
    projects: [],
    versions: versions.map(({ key, version }) => [key.length === 1 ? null : projectOf(key), version]),
  });
  const documents = createDocuments({ store, rooms, views });
  return {
    ...{ ...follow, log, views, rooms, catalog, documents },
    ...{ digests: createDigests(rooms), links: createLinks() },
  };
}

const projectOf = (key: Uint8Array): ProjectId => formatUuid(key.subarray(1, 17)) as ProjectId;
