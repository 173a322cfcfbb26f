/**
 * Editors of the documents seen last, kept mounted but out of sight, so that going back to one costs no more
 * than showing it. At most `capacity`; the one not seen for longest is closed for the next.
 */
import { createEditor } from './editor.ts';
import type { EditorHandle, EditorParts } from './parts.ts';

export type PooledEditor = {
  readonly parts: EditorParts;
  /** Called when the editor leaves the pool, after it was destroyed: closes its runs and its document. */
  dispose(): void;
};

export type EditorPool = {
  /** Shows the document's editor, made by `make` (which gets its parent element) when the pool has none. */
  show(documentId: string, make: (parent: HTMLElement) => PooledEditor): EditorHandle;
  /** Shows none. */
  hide(): void;
  current(): EditorHandle | null;
  /** Closes a document's editor: it was deleted, or its project closed. */
  drop(documentId: string): void;
  destroy(): void;
};

type Entry = { readonly element: HTMLElement; readonly handle: EditorHandle; readonly dispose: () => void };

/** Editors kept as they are: a switch between them shows what is there. Each holds what it shows and its document. */
const KEPT = 24;

export function createEditorPool(options: { readonly parent: HTMLElement; readonly capacity?: number }): EditorPool {
  const { parent, capacity = KEPT } = options;
  /** Oldest first. */
  const entries = new Map<string, Entry>();
  let shown: string | null = null;

  function close(documentId: string): void {
    const entry = entries.get(documentId);
    if (entry === undefined) return;
    if (shown === documentId) shown = null;
    entries.delete(documentId);
    entry.handle.destroy();
    entry.element.remove();
    entry.dispose();
  }

  function hide(): void {
    const entry = shown === null ? undefined : entries.get(shown);
    shown = null;
    if (entry === undefined) return;
    if (entry.handle.view.hasFocus) entry.handle.view.contentDOM.blur();
    entry.element.inert = true;
    entry.element.classList.add('mc-pane-hidden');
  }

  return {
    show(documentId, make) {
      if (shown !== documentId) hide();
      let entry = entries.get(documentId);
      if (entry === undefined) {
        const element = parent.ownerDocument.createElement('div');
        element.className = 'mc-pane';
        parent.append(element);
        const { parts, dispose } = make(element);
        entry = { element, handle: createEditor(parts), dispose };
      }
      entries.delete(documentId);
      entries.set(documentId, entry);
      entry.element.inert = false;
      entry.element.classList.remove('mc-pane-hidden');
      shown = documentId;
      entry.handle.view.requestMeasure();
      for (const oldest of entries.keys()) {
        if (entries.size <= capacity) break;
        if (oldest !== documentId) close(oldest);
      }
      return entry.handle;
    },
    hide,
    current: () => (shown === null ? null : (entries.get(shown)?.handle ?? null)),
    drop: close,
    destroy() {
      for (const documentId of [...entries.keys()]) close(documentId);
    },
  };
}
