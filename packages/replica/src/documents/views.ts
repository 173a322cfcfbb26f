/**
 * Y.Docs of documents that are being worked on here: projected to their file, searched, compacted. A view is made
 * from a room's bytes, caught up when asked for, and dropped soon after.
 */
import * as Y from 'yjs';
import { applyAll } from './apply.ts';
import type { Room } from './room.ts';

type View = { readonly doc: Y.Doc; seq: number; usedAt: number; bytes: number };

/** Views kept at most, and their states' bytes; the longest unused goes first. */
const VIEWS_MAX = 32;
const BYTES_MAX = 16 * 1024 * 1024;
const IDLE_MS = 3_000;

export type Views = ReturnType<typeof createViews>;

export function createViews({ now }: { readonly now: () => number }) {
  /** In order of use, the longest unused first. */
  const views = new Map<string, View>();
  let bytes = 0;

  function drop(id: string): void {
    const view = views.get(id);
    if (view === undefined) return;
    views.delete(id);
    bytes -= view.bytes;
    view.doc.destroy();
  }

  function shrink(): void {
    for (const id of views.keys()) {
      if (views.size <= VIEWS_MAX && (bytes <= BYTES_MAX || views.size === 1)) return;
      drop(id);
    }
  }

  return {
    /** The document as it is now. Not to be kept beyond the turn. */
    of(room: Room): Y.Doc {
      const known = views.get(room.id);
      if (known !== undefined && known.seq >= room.baseSeq) {
        views.delete(room.id);
        views.set(room.id, known);
        applyAll(known.doc, room.tail.slice(known.seq - room.baseSeq));
        known.seq = room.seq;
        known.usedAt = now();
        return known.doc;
      }
      drop(room.id);
      // Without a name it would make one up, which takes longer than all the rest of it.
      const doc = new Y.Doc({ guid: room.id });
      applyAll(doc, room.updates());
      const view = { doc, seq: room.seq, usedAt: now(), bytes: (room.base?.length ?? 0) + room.tailBytes };
      views.set(room.id, view);
      bytes += view.bytes;
      shrink();
      return doc;
    },

    drop,

    /** Drops what nobody has used for a while. */
    sweep(): void {
      for (const [id, view] of views) if (now() - view.usedAt > IDLE_MS) drop(id);
    },

    get size(): number {
      return views.size;
    },
  };
}
