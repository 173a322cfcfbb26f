/**
 * On which devices the document in view is, as far as that is known of the very state that is in view.
 *
 * 1. What the device says is of one state, by its digest. From the moment the document here changes it is not known
 *    any more, until the two are the same again.
 */
import { digestOf, summarizeDoc, type Copies, type DocumentId } from '@markco/protocol';
import { signal, type ReadonlySignal } from '@preact/signals';
import type { Doc } from 'yjs';
import type { CopyHere } from './save-status.ts';

/** After the last change; to compare takes as long as the document is large. */
const PAUSE_MS = 100;

export type CopiesInView = {
  readonly devices: ReadonlySignal<readonly CopyHere[] | undefined>;
  /** What the device says of a document. */
  told(copies: Copies): void;
  /** Shows another document, or none. Answers how to stop. */
  show(documentId: DocumentId, doc: Pick<Doc, 'on' | 'off'>): () => void;
};

export function createCopiesInView(digest: (doc: Doc) => string = digestOfDoc): CopiesInView {
  const devices = signal<readonly CopyHere[] | undefined>(undefined);
  const last = new Map<DocumentId, Copies>();
  let inView: { readonly id: DocumentId; readonly doc: Doc } | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function compare(): void {
    timer = undefined;
    const said = inView === undefined ? undefined : last.get(inView.id);
    devices.value =
      inView !== undefined && said !== undefined && digest(inView.doc) === said.digest ? said.devices : undefined;
  }

  function later(): void {
    clearTimeout(timer);
    timer = setTimeout(compare, PAUSE_MS);
  }

  return {
    devices,
    told(copies) {
      last.delete(copies.documentId);
      last.set(copies.documentId, copies);
      const [oldest] = last.keys();
      if (last.size > DOCUMENTS_MAX && oldest !== undefined) last.delete(oldest);
      if (copies.documentId === inView?.id && timer === undefined) compare();
    },
    show(id, doc) {
      const changed = (): void => {
        devices.value = undefined;
        later();
      };
      inView = { id, doc: doc as Doc };
      devices.value = undefined;
      doc.on('update', changed);
      later();
      return () => {
        doc.off('update', changed);
        clearTimeout(timer);
        timer = undefined;
        inView = undefined;
        devices.value = undefined;
      };
    },
  };
}

/** Documents of which it is remembered what was said last. */
const DOCUMENTS_MAX = 100;

function digestOfDoc(doc: Doc): string {
  return Array.from(digestOf(summarizeDoc(doc)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
