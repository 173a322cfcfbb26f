/**
 * The open documents: loaded when first asked for, compacted when they have grown, given back when nobody has them.
 *
 * A document that cannot be loaded is refused, never opened empty.
 */
import { absorb, emptySummary, Failure, inspectUpdate, type DocumentId, type Summary } from '@markco/protocol';
import { keyOf } from '../store/key.ts';
import type { Store } from '../store/store.ts';
import type { RoomChange } from './changes.ts';
import { createAuthors } from './authors.ts';
import { compact, EVICTED_WITH, shouldCompact, worthCompacting } from './compaction.ts';
import type { Log } from './log.ts';
import { decodeStateRecord } from './record.ts';
import { insertion } from './insertion.ts';
import type { Loaded } from './loaded.ts';
import { Room } from './room.ts';
import { createSleepers } from './sleepers.ts';
import { readUpdates, requireWhole } from './tail.ts';
import type { Views } from './views.ts';

export type RoomsParts = {
  readonly store: Store;
  readonly log: Log;
  readonly views: Views;
  readonly now: () => number;
  /**
   * Says what a document is that the log does not know: the text it starts with, or that there is none yet.
   * Rejects when the document is unknown, deleted, or should have a state and has none.
   */
  readonly beginning: (
    id: DocumentId,
  ) => Promise<{ readonly text: string; imported(seq: number): Promise<void> } | 'empty'>;
  /** Told of each document that is loaded with a state: a crash may have come between its import and the note of it. */
  readonly begun: (id: DocumentId) => Promise<void>;
  readonly onTrouble: (id: DocumentId, doing: string, cause: unknown) => void;
  readonly onPresence?: (id: DocumentId, frame: Uint8Array) => void;
  /** A document is loaded from now on. */
  readonly onLoaded?: (id: DocumentId) => void;
  /** Called when many documents were given back, or many came, and nobody types: a good moment to give back the memory of it. */
  readonly onRelease: () => void;
};

/** How long a document stays loaded after its last user has left: a reload of the page finds it warm. */
const LINGER_MS = 5_000;
const SWEEP_MS = 1_000;
/** One that another process writes need not be followed here until then. */
const lingerMs = ({ isWrittenHere }: Room): number => (isWrittenHere ? LINGER_MS : SWEEP_MS);
/** Compactions that a sweep has under way at once; the others wait for the next. */
const COMPACTIONS_MAX = 4;
/** Bytes of documents given back that are worth collecting for. */
const RELEASED_BYTES_MIN = 2 * 1024 * 1024;
/** So many who came leave as much behind that was needed to let them in. */
const CAME_MIN = 500;
/** So many in one sweep: more are on their way. */
const COMING_MIN = 50;

export type Rooms = ReturnType<typeof createRooms>;

export function createRooms(parts: RoomsParts) {
  const { store, log, views, now } = parts;
  const rooms = new Map<DocumentId, Room>();
  const loading = new Map<DocumentId, Promise<Room>>();
  const compacting = new Map<DocumentId, Promise<void>>();
  const listeners = new Set<(change: RoomChange) => void>();
  const seenListeners = new Set<(id: DocumentId) => void>();
  const sleepers = createSleepers();
  const authors = createAuthors();
  authors.onFree((id) => rooms.get(id)?.askAgain());
  let releasedBytes = 0;
  /** Who began to look at a document since memory was given back, and how many of them by the last sweep. */
  let [came, sweptCame] = [0, 0];
  const sweeper = setInterval(sweep, SWEEP_MS);
  sweeper.unref();

  function onChange(change: RoomChange): void {
    const room = rooms.get(change.id);
    if (room !== undefined && shouldCompact(room)) void startCompaction(room);
    tell(change);
  }

  function tell(change: RoomChange): void {
    for (const listener of listeners) listener(change);
  }

  function tellSeen(id: DocumentId): void {
    came++;
    for (const listener of seenListeners) listener(id);
  }

  function startCompaction(room: Room): Promise<void> {
    const running = compacting.get(room.id);
    if (running !== undefined) return running;
    if (!log.storage.ok) return Promise.resolve();
    const work = compact(room, { store, log, views })
      .catch((cause: unknown) => parts.onTrouble(room.id, 'compacting', cause))
      .finally(() => compacting.delete(room.id));
    compacting.set(room.id, work);
    return work;
  }

  async function load(id: DocumentId): Promise<Room> {
    const loaded = await readLog(store, id);
    const { onPresence } = parts;
    const room = new Room(id, loaded, { log, authors, now, onChange, onSeen: () => tellSeen(id), onPresence });
    room.idleSince = now();
    if (room.seq === 0) {
      const beginning = await parts.beginning(id);
      if (beginning !== 'empty' && beginning.text !== '') {
        await room.submit(insertion(beginning.text), 'import');
      }
      if (beginning !== 'empty') await beginning.imported(room.seq);
    } else await parts.begun(id);
    rooms.set(id, room);
    sleepers.stirs(id);
    parts.onLoaded?.(id);
    return room;
  }

  function sweep(): void {
    views.sweep();
    let isBusy = came - sweptCame >= COMING_MIN;
    sweptCame = came;
    for (const [id, room] of rooms) {
      if (room.seq !== room.sweptSeq) isBusy = true;
      // Nobody edits it just now: what is opened next, here or after a restart, finds it compact.
      if (room.seq === room.sweptSeq && worthCompacting(room) && compacting.size < COMPACTIONS_MAX)
        void startCompaction(room);
      room.sweptSeq = room.seq;
      if (!room.isIdle || now() - room.idleSince < lingerMs(room) || compacting.has(id)) continue;
      if (room.isWrittenHere && log.storage.ok && room.tail.length >= EVICTED_WITH) {
        void startCompaction(room);
        continue;
      }
      if (!log.storage.ok) continue;
      views.drop(id);
      rooms.delete(id);
      sleepers.rests(id, room.digest);
      releasedBytes += (room.base?.length ?? 0) + room.tailBytes;
      isBusy = true;
    }
    if (isBusy || (releasedBytes < RELEASED_BYTES_MIN && came < CAME_MIN)) return;
    releasedBytes = came = sweptCame = 0;
    parts.onRelease();
  }

  return {
    /** Who writes here, and on the devices that are connected. */
    authors,

    /** Who has documents open that are not loaded. */
    sleepers,

    /** @throws Failure when it cannot be loaded; asking again tries again */
    open(id: DocumentId): Promise<Room> {
      const room = rooms.get(id);
      if (room !== undefined) return Promise.resolve(room);
      let work = loading.get(id);
      if (work === undefined) {
        work = load(id).finally(() => loading.delete(id));
        loading.set(id, work);
      }
      return work;
    },

    /** Only if it is loaded. */
    peek: (id: DocumentId): Room | undefined => rooms.get(id),

    /** Runs `work` with the document loaded for as long as it takes. */
    async hold<T>(id: DocumentId, work: (room: Room) => T | Promise<T>): Promise<T> {
      const room = await this.open(id);
      room.holds++;
      try {
        return await work(room);
      } finally {
        room.holds--;
        if (room.isIdle) room.idleSince = now();
      }
    },

    onChange(listener: (change: RoomChange) => void): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    /** Told whenever somebody begins to look at a document. */
    onSeen(listener: (id: DocumentId) => void): () => void {
      seenListeners.add(listener);
      return () => seenListeners.delete(listener);
    },

    /** Another process has taken something in, of a document that is not loaded here. */
    changedElsewhere(change: RoomChange): void {
      tell(change);
      sleepers.stirs(change.id);
    },

    /** Whoever has it open is told why they cannot have it any more. */
    refuseAll(id: DocumentId, failure: Failure): void {
      rooms.get(id)?.refuseAll(failure);
      sleepers.refuse(id, failure);
    },

    /** It cannot be relied on: whoever has it open joins again, and it is loaded anew then. */
    drop(room: Room, failure: Failure): void {
      rooms.delete(room.id);
      views.drop(room.id);
      room.refuseAll(failure);
    },

    compact: startCompaction,

    all: (): Iterable<Room> => rooms.values(),
    get size(): number {
      return rooms.size;
    },

    async close(): Promise<void> {
      clearInterval(sweeper);
      await Promise.all(compacting.values());
    },
  };
}

/** What the log has of a document. */
async function readLog(store: Store, id: DocumentId): Promise<Loaded> {
  // The updates first: what another process compacts meanwhile is in the state then.
  const updates = await readUpdates(store, id, 1);
  const row = await store.read(keyOf('s', id));
  const state = row === undefined ? undefined : decodeStateRecord(row);
  const summary: Summary = state?.summary ?? emptySummary();
  const baseSeq = state?.seq ?? 0;
  const tail: Uint8Array[] = [];
  const since = updates.filter(({ seq }) => seq > baseSeq);
  for (const entry of requireWhole(id, baseSeq + 1, since)) {
    const update = entry.update.slice();
    const found = inspectUpdate(summary, update);
    if (found.kind === 'fresh') absorb(summary, found);
    else if (found.kind !== 'known') {
      throw new Failure(
        'storage_failed',
        `The log of document ${id} cannot be read. It stays closed so that nothing is overwritten; its file is untouched.`,
      );
    }
    tail.push(update);
  }
  return { baseSeq, base: state?.state.slice(), tail, summary };
}
