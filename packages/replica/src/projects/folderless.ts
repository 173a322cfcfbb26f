/** Names of documents where there are no files: a row of the catalog is all there is to change. */
import { Failure, type DocumentId } from '@markco/protocol';
import type { DocumentCatalog } from '../documents/catalog.ts';
import type { DocumentRecord } from '../documents/document-record.ts';
import type { Folder } from './folder.ts';

export function createFolderless(catalog: Pick<DocumentCatalog, 'get' | 'put'>, now: () => number): Folder {
  const nowText = (): string => new Date(now()).toISOString();

  /** Without the stamp it has, so that the catalog gives it a new one. */
  function row(id: DocumentId): Omit<DocumentRecord, 'named'> {
    const found = catalog.get(id);
    if (found === undefined) throw new Failure('not_found', 'There is no such document here.');
    const { named: _, ...unstamped } = found;
    return unstamped;
  }

  return {
    begin: (records) => catalog.put(records),
    remove: (id) => catalog.put([{ ...row(id), deletedAt: nowText(), updatedAt: nowText() }]),
    rename(id, filePath) {
      const ext = filePath.endsWith('.qmd') ? '.qmd' : '.md';
      return catalog.put([{ ...row(id), path: filePath.slice(0, -ext.length), ext, updatedAt: nowText() }]);
    },
    initialText: (id) =>
      Promise.reject(new Failure('storage_failed', `The document ${id} has a file, and there are none here.`)),
    rescan: () => Promise.resolve(),
  };
}
