/** The digest of each document's text and history, kept as long as the document does not change. */
import type { DocumentId } from '@markco/protocol';
import type { DocumentRecord } from '../../documents/document-record.ts';
import type { Rooms } from '../../documents/rooms.ts';

export type Digests = ReturnType<typeof createDigests>;

export function createDigests(rooms: Pick<Rooms, 'hold' | 'onChange'>) {
  const kept = new Map<DocumentId, string>();
  rooms.onChange(({ id }) => kept.delete(id));

  return {
    /** In hexadecimal. A file that nobody opened here has no history yet: whoever asks for it makes it one. */
    async of(record: DocumentRecord): Promise<string> {
      if (record.deletedAt !== undefined) return NOTHING;
      if (record.file !== null && record.file.seq < 0) return `ff${record.contentHash.padEnd(14, '0').slice(0, 14)}`;
      const known = kept.get(record.id);
      if (known !== undefined) return known;
      return rooms.hold(record.id, (room) => {
        const digest = Buffer.from(room.digest).toString('hex');
        kept.set(record.id, digest);
        return digest;
      });
    },
  };
}

const NOTHING = '0'.repeat(16);
