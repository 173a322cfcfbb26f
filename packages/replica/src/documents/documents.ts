/**
 * The documents of this device as text with a history. Everything here goes through the rooms, so that an edit made
 * on this device takes the same way as one that came over a socket.
 */
import { encodeStateVector, Failure, reaches, type DocumentId, type Moment } from '@markco/protocol';
import * as Y from 'yjs';
import type { Store } from '../store/store.ts';
import { docAt, moments, timeOf } from './history.ts';
import { TEXT_NAME } from './insertion.ts';
import type { Origin } from './record.ts';
import type { Room } from './room.ts';
import type { Rooms } from './rooms.ts';
import type { DocumentTexts, TextStep } from './texts.ts';
import type { Views } from './views.ts';

export type Documents = Omit<DocumentTexts, 'edit'> & {
  edit(id: DocumentId, baseSeq: number, steps: readonly TextStep[], origin: Origin): Promise<{ readonly seq: number }>;
  /** Gives `work` the document as it is now; not to be kept beyond the turn. */
  inspect<T>(id: DocumentId, work: (doc: Y.Doc, seq: number) => T): Promise<T>;
  /** Its state vector. */
  version(id: DocumentId): Promise<Uint8Array>;
  /** Resolves once the document is at least at this state vector, durable. */
  reached(id: DocumentId, stateVector: Uint8Array, signal: AbortSignal): Promise<void>;
  /** When it became what it was at a position, in Unix milliseconds; undefined at its very beginning. */
  timeOf(id: DocumentId, seq: number): Promise<number | undefined>;
  moments(id: DocumentId): Promise<{ readonly moments: readonly Moment[]; readonly seq: number }>;
};

export function createDocuments({
  store,
  rooms,
  views,
}: {
  readonly store: Store;
  readonly rooms: Rooms;
  readonly views: Views;
}): Documents {
  /** A document as it was; for the present the view itself. */
  async function docOf(room: Room, seq: number): Promise<Y.Doc> {
    if (seq === room.seq) return views.of(room);
    return docAt(store, room.id, seq, room.baseSeq + 1, room.tail);
  }

  return {
    read: (id) =>
      rooms.hold(id, async (room) => {
        const { placedSeq } = room;
        // What may still move has no position to note.
        if (placedSeq < room.seq)
          return { text: (await docOf(room, placedSeq)).getText(TEXT_NAME).toString(), seq: placedSeq };
        const read = { text: views.of(room).getText(TEXT_NAME).toString(), seq: room.seq };
        // A kill must not take back a position that somebody has noted.
        await room.written();
        return read;
      }),

    position: (id) => rooms.hold(id, (room) => room.placedSeq),

    inspect: (id, work) => rooms.hold(id, (room) => work(views.of(room), room.seq)),

    textAt: (id, seq) => rooms.hold(id, async (room) => (await docOf(room, seq)).getText(TEXT_NAME).toString()),

    edit: (id, baseSeq, steps, origin) =>
      rooms.hold(id, async (room) => {
        const doc = await docOf(room, baseSeq);
        try {
          const updates = steps.flatMap((step) => updatesOf(doc, step));
          const done = await Promise.all(updates.map((update) => room.submit(update, origin)));
          return done.at(-1) ?? { seq: room.seq };
        } catch (error) {
          // The view may hold an edit that the room refused.
          views.drop(id);
          throw error;
        }
      }),

    version: (id) => rooms.hold(id, (room) => encodeStateVector(room.summary.clocks)),

    reached: (id, stateVector, signal) =>
      rooms.hold(id, async (room) => {
        const wanted = Y.decodeStateVector(stateVector);
        while (!reaches(room.summary.clocks, wanted)) {
          await new Promise<void>((resolve, reject) => {
            const stop = (): void => {
              unsubscribe();
              signal.removeEventListener('abort', abort);
            };
            const unsubscribe = rooms.onChange((change) => {
              if (change.id !== id) return;
              stop();
              resolve();
            });
            const abort = (): void => {
              stop();
              reject(
                new Failure(
                  'barrier_timeout',
                  'The latest edits of this document have not arrived here in time. Run it again.',
                ),
              );
            };
            if (signal.aborted) abort();
            else signal.addEventListener('abort', abort);
          });
        }
        await room.durable();
      }),

    timeOf: (id, seq) =>
      rooms.hold(id, async (room) => {
        await room.written();
        return timeOf(store, id, seq);
      }),

    moments: (id) => rooms.hold(id, async (room) => ({ moments: await moments(store, id), seq: room.placedSeq })),

    onChange: (listener) => rooms.onChange((change) => listener(change.id, change.seq)),
  };
}

/** What making a step's edits in `doc` gives: one update, or none when they change nothing. */
function updatesOf(doc: Y.Doc, { author, edits }: TextStep): Uint8Array[] {
  const updates: Uint8Array[] = [];
  const listen = (update: Uint8Array): void => void updates.push(update);
  const ownId = doc.clientID;
  doc.on('update', listen);
  doc.clientID = author;
  doc.transact(() => {
    const text = doc.getText(TEXT_NAME);
    for (const { at, remove, insert } of edits.toReversed()) {
      if (remove > 0) text.delete(at, remove);
      if (insert !== '') text.insert(at, insert);
    }
  });
  doc.clientID = ownId;
  doc.off('update', listen);
  return updates;
}
