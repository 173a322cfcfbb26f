/** For tests: documents on Yjs in memory, their log a list of updates, a position the number of them. */
import * as Y from 'yjs';
import type { DocumentId } from '@markco/protocol';
import type { DocumentTexts, TextEdit } from '@markco/replica/documents/texts';

export type MemoryTexts = DocumentTexts & {
  /** A document with this text. Answers its position. */
  import(id: DocumentId, text: string): number;
  /** An edit as the page makes it. */
  type(id: DocumentId, edit: TextEdit): void;
  text(id: DocumentId): string;
};

export function createMemoryTexts(): MemoryTexts {
  const documents = new Map<DocumentId, { readonly doc: Y.Doc; readonly log: Uint8Array[] }>();
  const listeners = new Set<(id: DocumentId, seq: number) => void>();

  const ensure = (id: DocumentId): { readonly doc: Y.Doc; readonly log: Uint8Array[] } => {
    const known = documents.get(id);
    if (known !== undefined) return known;
    const made = { doc: new Y.Doc({ guid: id }), log: [] as Uint8Array[] };
    documents.set(id, made);
    made.doc.on('update', (update: Uint8Array) => {
      made.log.push(update);
      for (const listener of listeners) listener(id, made.log.length);
    });
    return made;
  };
  const replay = (id: DocumentId, seq: number): Y.Doc => {
    const doc = new Y.Doc({ guid: id });
    for (const update of ensure(id).log.slice(0, seq)) Y.applyUpdate(doc, update);
    return doc;
  };
  const contentOf = (doc: Y.Doc): Y.Text => doc.getText('content');
  const apply = (doc: Y.Doc, edits: readonly TextEdit[]): void => {
    doc.transact(() => {
      for (const { at, remove, insert } of edits.toReversed()) {
        contentOf(doc).delete(at, remove);
        contentOf(doc).insert(at, insert);
      }
    });
  };

  return {
    import(id, text) {
      apply(ensure(id).doc, [{ at: 0, remove: 0, insert: text }]);
      return ensure(id).log.length;
    },
    type: (id, edit) => apply(ensure(id).doc, [edit]),
    text: (id) => contentOf(ensure(id).doc).toJSON(),
    read: (id) => Promise.resolve({ text: contentOf(ensure(id).doc).toJSON(), seq: ensure(id).log.length }),
    position: (id) => Promise.resolve(ensure(id).log.length),
    textAt: (id, seq) => Promise.resolve(contentOf(replay(id, seq)).toJSON()),
    edit(id, baseSeq, steps) {
      const fork = replay(id, baseSeq);
      const seen = Y.encodeStateVector(fork);
      for (const { author, edits } of steps) {
        fork.clientID = author;
        apply(fork, edits);
      }
      Y.applyUpdate(ensure(id).doc, Y.encodeStateAsUpdate(fork, seen));
      return Promise.resolve({ seq: ensure(id).log.length });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
