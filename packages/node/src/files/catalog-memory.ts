/** For tests: a catalog that is never lost. */
import { filePathOf, type DocumentId } from '@markco/protocol';
import type { Catalog, DocumentRecord } from '@markco/replica/documents/document-record';

export function createMemoryCatalog(): Catalog {
  const rows = new Map<DocumentId, DocumentRecord>();
  const paths = new Map<string, DocumentId>();
  const keyOf = (projectId: string, filePath: string): string => `${projectId}/${filePath}`;
  return {
    get: (id) => rows.get(id),
    byPath(projectId, filePath) {
      const id = paths.get(keyOf(projectId, filePath));
      return id === undefined ? undefined : rows.get(id);
    },
    list: (projectId) => [...rows.values()].filter((row) => row.projectId === projectId && row.deletedAt === undefined),
    put(records) {
      for (const record of records) {
        const before = rows.get(record.id);
        if (before !== undefined && paths.get(keyOf(before.projectId, filePathOf(before))) === before.id)
          paths.delete(keyOf(before.projectId, filePathOf(before)));
        rows.set(record.id, record);
        if (record.deletedAt === undefined) paths.set(keyOf(record.projectId, filePathOf(record)), record.id);
      }
      return Promise.resolve();
    },
  };
}
