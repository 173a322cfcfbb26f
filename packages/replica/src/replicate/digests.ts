/**
 * The digest of each document's text and history, kept as long as the document does not change.
 *
 * What changed is looked at again while it is still loaded: else who comes back would wait until each document that
 * changed since the one before was read from disk.
 */
import type { DocumentId } from '@markco/protocol';
import type { DocumentRecord } from '../documents/document-record.ts';
import type { Room } from '../documents/room.ts';
import type { Rooms } from '../documents/rooms.ts';

/** Sooner than a document that nobody has open is given back (`rooms.ts`). */
const LOOK_MS = 1_000;

export type Digests = ReturnType<typeof createDigests>;

export function createDigests(rooms: Pick<Rooms, 'hold' | 'onChange' | 'peek'>) {
  const kept = new Map<DocumentId, string>();
  const changed = new Set<DocumentId>();
  let timer: NodeJS.Timeout | undefined;

  function keep(id: DocumentId, room: Room): string {
    const digest = Buffer.from(room.digest).toString('hex');
    kept.set(id, digest);
    return digest;
  }

  function look(): void {
    timer = undefined;
    for (const id of changed) {
      const room = rooms.peek(id);
      if (room !== undefined) keep(id, room);
    }
    changed.clear();
  }

  rooms.onChange(({ id }) => {
    kept.delete(id);
    changed.add(id);
    timer ??= setTimeout(look, LOOK_MS).unref();
  });

  return {
    /** It is gone: one of this id begins anew. */
    forget(id: DocumentId): void {
      kept.delete(id);
      changed.delete(id);
    },
    /** In hexadecimal; undefined when it would have to be read. */
    now(id: DocumentId): string | undefined {
      const room = rooms.peek(id);
      return kept.get(id) ?? (room === undefined ? undefined : keep(id, room));
    },
    /** In hexadecimal. A file that nobody opened here has no history yet: whoever asks for it makes it one. */
    async of(record: DocumentRecord): Promise<string> {
      if (record.deletedAt !== undefined) return NOTHING;
      if (record.file !== null && record.file.seq < 0) return `ff${record.contentHash.padEnd(14, '0').slice(0, 14)}`;
      return kept.get(record.id) ?? rooms.hold(record.id, (room) => keep(record.id, room));
    },
  };
}

const NOTHING = '0'.repeat(16);
