/**
 * What a person does with the documents of a project: list, create, delete, bring back, move, search.
 *
 * 1. A path is checked, and free, before anything is written.
 * 2. A deleted document's id is never used again, and its text is never lost: it comes back as a new document, in a
 *    file with the same bytes.
 */
import {
  checkDocumentPath,
  Failure,
  filePathOf,
  type Document,
  type DocumentId,
  type ProjectId,
} from '@markco/protocol';
import type { DocumentCatalog, ProjectRow } from '../documents/catalog.ts';
import type { DocumentRecord } from '../documents/document-record.ts';
import type { Documents } from '../documents/documents.ts';
import type { Folder } from './folder.ts';
import { documentOf } from './document-of.ts';
import { readable, rewriteLinksTo } from './move.ts';
import { search, type Query } from './search.ts';

type ProjectDocumentsParts = {
  readonly catalog: Pick<DocumentCatalog, 'byPath' | 'get' | 'list'>;
  readonly documents: Pick<Documents, 'edit' | 'read'>;
  /** A random 32-bit number: who made one step of edits. */
  readonly author: () => number;
  /** @throws Failure `not_found` */
  readonly row: (id: string) => ProjectRow;
  /** @throws Failure `not_ready` when the folder cannot be reached */
  readonly folderOf: (id: ProjectId) => Pick<Folder, 'create' | 'initialText' | 'remove' | 'rename'>;
  /** Whether a row is of a document: a name that was opened and never written to is none yet. */
  readonly isBegun: (record: DocumentRecord) => boolean;
};

export type ProjectDocuments = ReturnType<typeof createProjectDocuments>;

export function createProjectDocuments({ catalog, documents, author, row, folderOf, isBegun }: ProjectDocumentsParts) {
  function record(projectId: string, documentId: string): DocumentRecord {
    const found = catalog.get(documentId as DocumentId);
    if (found === undefined || found.projectId !== row(projectId).project.id)
      throw new Failure('not_found', 'There is no such document here.');
    return found;
  }

  function live(projectId: string, documentId: string): DocumentRecord {
    const found = record(projectId, documentId);
    if (found.deletedAt !== undefined)
      throw new Failure('document_deleted', 'This document was deleted. Restore it to go on.');
    return found;
  }

  /** The file path for a document's path; a name that may not be used is refused. */
  function filePathFor(projectId: ProjectId, path: string, ext: '.md' | '.qmd' | undefined): string {
    const named = /\.(md|qmd)$/.test(path) ? path : `${path}${ext ?? '.md'}`;
    // As it was typed too: nobody names a document ` ` or `a.` on purpose.
    const typed = checkDocumentPath(path);
    const checked = typed instanceof Failure ? typed : checkDocumentPath(named);
    if (checked instanceof Failure) throw checked;
    if (catalog.byPath(projectId, checked) !== undefined)
      throw new Failure('conflict', `There is a document ${checked} already. Choose another name.`);
    return checked;
  }

  const read = async (found: DocumentRecord): Promise<string> =>
    found.file?.seq === -1
      ? (await folderOf(found.projectId).initialText(found.id)).text
      : (await documents.read(found.id)).text;

  return {
    documents: (id: string): Document[] => [...catalog.list(row(id).project.id)].filter(isBegun).map(documentOf),
    document: (projectId: string, documentId: string): Document => documentOf(live(projectId, documentId)),
    record: live,

    async create(projectId: string, path: string, ext: '.md' | '.qmd' | undefined, text: string): Promise<Document> {
      const { project } = row(projectId);
      const opened = catalog.byPath(project.id, /\.(md|qmd)$/.test(path) ? path : `${path}${ext ?? '.md'}`);
      if (opened !== undefined && !isBegun(opened)) {
        const { seq } = await documents.read(opened.id);
        if (seq === 0 && text !== '')
          await documents.edit(
            opened.id,
            0,
            [{ author: author(), edits: [{ at: 0, remove: 0, insert: text }] }],
            'page',
          );
        if (seq === 0) return documentOf(opened);
      }
      const filePath = filePathFor(project.id, path, ext);
      return documentOf(await folderOf(project.id).create(filePath, text));
    },

    async remove(projectId: string, documentId: string): Promise<void> {
      const found = live(projectId, documentId);
      // A document that nobody opened has no history yet; with its file its text would be gone.
      if (isBegun(found)) await readable(documents.read(found.id));
      await folderOf(found.projectId).remove(found.id);
    },

    async undelete(projectId: string, documentId: string): Promise<Document> {
      const found = record(projectId, documentId);
      if (found.deletedAt === undefined) return documentOf(found);
      const filePath = filePathFor(found.projectId, filePathOf(found), undefined);
      // The id of what was deleted is never used again: the text comes back as a new document.
      const { text } = await documents.read(found.id);
      return documentOf(await folderOf(found.projectId).create(filePath, text, found.deletedForm));
    },

    async move(
      projectId: string,
      documentId: string,
      path: string,
      ext: '.md' | '.qmd' | undefined,
    ): Promise<{ document: Document; updatedLinks: number; updatedDocuments: DocumentId[] }> {
      const found = live(projectId, documentId);
      const from = filePathOf(found);
      const to = filePathFor(found.projectId, path, ext ?? found.ext);
      await folderOf(found.projectId).rename(found.id, to);
      const rewritten = await rewriteLinksTo(
        {
          records: [...catalog.list(found.projectId)],
          read,
          readForEdit: (id) => documents.read(id),
          edit: async (id, seq, edits) => void (await documents.edit(id, seq, [{ author: author(), edits }], 'page')),
        },
        found.id,
        from,
        to,
      );
      return {
        document: documentOf(live(projectId, documentId)),
        updatedLinks: rewritten.links,
        updatedDocuments: rewritten.documents,
      };
    },

    search: (projectId: string, query: Query, signal: AbortSignal) =>
      search({ records: catalog.list(row(projectId).project.id), read }, query, signal),
  };
}
