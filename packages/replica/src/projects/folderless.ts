/** Names of documents where there are no files: a row of the catalog is all there is to change. */
import { Failure, type DocumentId, type IdSource, type ProjectId } from '@markco/protocol';
import { createHash } from 'node:crypto';
import type { DocumentCatalog } from '../documents/catalog.ts';
import type { DocumentRecord } from '../documents/document-record.ts';
import type { Documents } from '../documents/documents.ts';
import { newRecord } from './beginnings.ts';
import type { Folder } from './folder.ts';

export type FolderlessParts = {
  readonly catalog: Pick<DocumentCatalog, 'byPath' | 'get' | 'put'>;
  readonly documents: Pick<Documents, 'edit'>;
  readonly ids: IdSource;
  /** A random 32-bit number: who made one step of edits. */
  readonly author: () => number;
};

export function createFolderless({ catalog, documents, ids, author }: FolderlessParts, projectId: ProjectId): Folder {
  const nowText = (): string => new Date(ids.now()).toISOString();

  /** Without the stamp it has, so that the catalog gives it a new one. */
  function row(id: DocumentId): Omit<DocumentRecord, 'named'> {
    const found = catalog.get(id);
    if (found === undefined) throw new Failure('not_found', 'There is no such document here.');
    const { named: _, ...unstamped } = found;
    return unstamped;
  }

  return {
    begin: (records) => catalog.put(records),
    async create(filePath, text) {
      if (catalog.byPath(projectId, filePath) !== undefined)
        throw new Failure('conflict', `There is a document ${filePath} already. Choose another name.`);
      const record = { ...newRecord(projectId, filePath, ids), ...factsOf(text) };
      await catalog.put([record]);
      if (text !== '')
        await documents.edit(record.id, 0, [{ author: author(), edits: [{ at: 0, remove: 0, insert: text }] }], 'page');
      return catalog.get(record.id) ?? record;
    },
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

/** Of the bytes that a file of this text would have. */
export function factsOf(text: string): Pick<DocumentRecord, 'contentHash' | 'sizeBytes'> {
  const bytes = Buffer.from(text);
  return { contentHash: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
}
