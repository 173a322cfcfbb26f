/** Documents that were changed here and of which the cloud has not said that it has all. */
import type { DocumentId } from '@markco/protocol';

/** Of more, those that changed first are not counted. */
const DOCUMENTS_MAX = 20_000;

export type Unsaved = {
  changed(id: DocumentId): void;
  saved(id: DocumentId): void;
  all(): Iterable<DocumentId>;
  /** Null when it has everything. `since`: when the first of them was changed, Unix milliseconds. */
  state(): { readonly documents: number; readonly since: number } | null;
  clear(): void;
};

export function createUnsaved(now: () => number): Unsaved {
  const since = new Map<DocumentId, number>();
  return {
    changed(id) {
      if (!since.has(id)) since.set(id, now());
      const [oldest] = since.keys();
      if (since.size > DOCUMENTS_MAX && oldest !== undefined) since.delete(oldest);
    },
    saved: (id) => void since.delete(id),
    all: () => since.keys(),
    state() {
      const [first] = since.values();
      return first === undefined ? null : { documents: since.size, since: first };
    },
    clear: () => since.clear(),
  };
}
