/** What is known of documents without reading them again. */
import { newId, type DocumentId } from '@markco/protocol';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RoomChange } from '@markco/replica/documents/changes';
import type { DocumentRecord } from '@markco/replica/documents/document-record';
import type { Room } from '@markco/replica/documents/room';
import { createDigests } from '@markco/replica/replicate/digests';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a document that changed and was given back since is not read again to be compared', async () => {
  const id = newId<DocumentId>({ now: () => 1, randomBytes: (length) => new Uint8Array(length) });
  const record = { id, file: null } as unknown as DocumentRecord;
  const room = { digest: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) } as unknown as Room;
  const loaded = new Map([[id, room]]);
  const reads: DocumentId[] = [];
  let tell: (change: RoomChange) => void = () => undefined;
  const digests = createDigests({
    peek: (asked) => loaded.get(asked),
    hold: async (asked, work) => {
      reads.push(asked);
      return work(room);
    },
    onChange(listener) {
      tell = listener;
      return () => undefined;
    },
  });
  tell({ id } as RoomChange);
  await vi.advanceTimersByTimeAsync(1_000);
  loaded.clear();
  expect([await digests.of(record), reads]).toEqual(['0102030405060708', []]);
  // One that was given back in the moment it changed is read, once.
  tell({ id } as RoomChange);
  await vi.advanceTimersByTimeAsync(1_000);
  expect([await digests.of(record), await digests.of(record), reads]).toEqual([
    '0102030405060708',
    '0102030405060708',
    [id],
  ]);
});
