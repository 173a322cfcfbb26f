/**
 * Whether an update that repeats edits already held says the same as they do.
 *
 * A client that sends again what was not acknowledged is honest; one that writes other text under clocks that are
 * taken would make replicas differ for ever, since each keeps what it saw first. Deleted text can no longer be
 * compared and counts as the same.
 */
import * as Y from 'yjs';

type Piece = {
  readonly from: number;
  readonly text: string | undefined;
  readonly kind: string;
  readonly length: number;
};

export function repeatsFaithfully(held: readonly Uint8Array[], update: Uint8Array): boolean {
  const claimed = pieces([update]);
  const known = pieces(held);
  for (const [client, claims] of claimed) {
    const mine = known.get(client);
    if (mine === undefined) continue;
    for (const claim of claims) {
      for (const piece of mine) {
        const from = Math.max(claim.from, piece.from);
        const to = Math.min(claim.from + claim.length, piece.from + piece.length);
        if (from >= to || claim.kind === 'gone' || piece.kind === 'gone') continue;
        if (claim.kind !== piece.kind) return false;
        if (
          claim.text?.slice(from - claim.from, to - claim.from) !==
          piece.text?.slice(from - piece.from, to - piece.from)
        )
          return false;
      }
    }
  }
  return true;
}

function pieces(updates: readonly Uint8Array[]): Map<number, Piece[]> {
  const found = new Map<number, Piece[]>();
  for (const update of updates) {
    for (const struct of Y.decodeUpdate(update).structs) {
      const { client, clock } = struct.id;
      let list = found.get(client);
      if (list === undefined) found.set(client, (list = []));
      list.push({ from: clock, length: struct.length, ...describe(struct) });
    }
  }
  return found;
}

function describe(struct: Y.Item | Y.GC | Y.Skip): { kind: string; text: string | undefined } {
  if (!(struct instanceof Y.Item) || struct.content instanceof Y.ContentDeleted)
    return { kind: 'gone', text: undefined };
  if (struct.content instanceof Y.ContentString) return { kind: 'text', text: struct.content.str };
  return { kind: `content ${struct.content.getRef()} ${JSON.stringify(struct.content.getContent())}`, text: undefined };
}
