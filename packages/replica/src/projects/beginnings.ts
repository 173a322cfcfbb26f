/**
 * How a document begins: the name that is opened becomes an id, and what the document starts with when it has no log.
 *
 * 1. A name nobody wrote to is a draft, kept in memory only; its row is on disk before it can be edited, and its file
 *    comes with the first edit. A name that was taken meanwhile by a file is that file's.
 * 2. A file is imported once. An import that was cut is finished from the first state in the log.
 */
import {
  checkDocumentPath,
  documentPathOf,
  Failure,
  filePathOf,
  newId,
  type DocumentId,
  type IdSource,
  type ProjectId,
} from '@markco/protocol';
import type { DocumentCatalog } from '../documents/catalog.ts';
import type { DocumentRecord } from '../documents/document-record.ts';
import type { Folder } from './folder.ts';

type BeginningsParts = {
  readonly catalog: Pick<DocumentCatalog, 'byPath' | 'deletedAt' | 'get' | 'project' | 'put'>;
  readonly ids: IdSource;
  readonly log: { warn(event: string, fields: Readonly<Record<string, string>>, cause: unknown): void };
  /** @throws Failure `not_ready` when the folder cannot be reached */
  readonly folderOf: (id: ProjectId) => Pick<Folder, 'initialText'>;
  readonly folderIfThere: (id: ProjectId) => Pick<Folder, 'begin' | 'rescan'> | undefined;
};

const RESCAN_TIMEOUT_MS = 60_000;

export function createBeginnings({ catalog, ids, log, folderOf, folderIfThere }: BeginningsParts) {
  /** Documents that somebody is opening by a new name. */
  const drafts = new Map<DocumentId, DocumentRecord>();
  const draftsByPath = new Map<string, DocumentId>();

  /** The files that a path without its extension, or with it, may mean. */
  function candidatesOf(docPath: string): { readonly asFile: string | undefined; readonly all: readonly string[] } {
    const asFile = documentPathOf(docPath, () => true) === null ? undefined : docPath;
    return { asFile, all: [...(asFile === undefined ? [] : [asFile]), `${docPath}.md`, `${docPath}.qmd`] };
  }

  /** The document a sync address means, if it is there. */
  function find(projectId: ProjectId, docPath: string): DocumentId | undefined {
    for (const candidate of candidatesOf(docPath).all) {
      const found = catalog.byPath(projectId, candidate) ?? undefined;
      if (found !== undefined) return found.id;
    }
    return undefined;
  }

  return {
    find,

    /** The document a sync address means: one that is there, or one that begins with the first edit. */
    resolve(projectId: ProjectId, docPath: string): DocumentId {
      const found = find(projectId, docPath);
      if (found !== undefined) return found;
      const { asFile, all: candidates } = candidatesOf(docPath);
      const filePath = asFile ?? `${docPath}.md`;
      if (candidates.some((candidate) => catalog.deletedAt(projectId, candidate) !== undefined)) {
        throw new Failure(
          'document_deleted',
          `The document ${docPath} was deleted. Create it anew to use its name again.`,
        );
      }
      const checked = checkDocumentPath(filePath);
      if (checked instanceof Failure) throw checked;
      const key = `${projectId}/${checked}`;
      const drafted = draftsByPath.get(key);
      if (drafted !== undefined) return drafted;
      const draft = newRecord(projectId, checked, ids);
      drafts.set(draft.id, draft);
      draftsByPath.set(key, draft.id);
      return draft.id;
    },

    /** Why a document cannot be opened, or undefined. */
    refusal(id: DocumentId): Failure | undefined {
      if (drafts.has(id)) return undefined;
      const found = catalog.get(id);
      if (found === undefined || catalog.project(found.projectId)?.closed === true) {
        return new Failure('not_found', 'There is no such document here.');
      }
      if (found.deletedAt !== undefined)
        return new Failure('document_deleted', 'This document was deleted. Restore it to go on.');
      return undefined;
    },

    /** What a document starts with that has no log yet; see `RoomsParts.beginning`. */
    async beginning(id: DocumentId): Promise<{ text: string; imported(seq: number): Promise<void> } | 'empty'> {
      const draft = drafts.get(id);
      if (draft !== undefined) {
        const forget = (): void => {
          drafts.delete(id);
          draftsByPath.delete(draftKey(draft));
        };
        try {
          await (folderIfThere(draft.projectId)?.begin([draft]) ?? catalog.put([draft]));
        } catch (error) {
          // A draft whose row may be in memory only stays one, so that the next try puts it on disk.
          if (catalog.get(id) === undefined) forget();
          throw error;
        }
        forget();
        return 'empty';
      }
      const found = catalog.get(id);
      if (found === undefined) throw new Failure('not_found', 'There is no such document here.');
      if (found.file === null) return 'empty';
      if (found.file.seq > 0) {
        throw new Failure(
          'storage_failed',
          `The log of ${found.path} is missing. It stays closed so that nothing is overwritten; its file is untouched.`,
        );
      }
      if (found.file.seq === 0) return 'empty';
      const { text, file } = await folderOf(found.projectId).initialText(id);
      return {
        text,
        imported: async (seq) => {
          const now = catalog.get(id) ?? found;
          await catalog.put([{ ...now, file: { ...file, seq }, contentHash: file.hash, sizeBytes: file.size }]);
        },
      };
    },

    /**
     * Finishes an import that was cut after the text was in the log and before the row said so: the file as it was
     * then is the first state; whatever it is now is compared with that.
     */
    async begun(id: DocumentId): Promise<void> {
      const found = catalog.get(id);
      if (found === undefined || found.file === null || found.file.seq >= 0 || found.deletedAt !== undefined) return;
      await catalog.put([{ ...found, file: { ...found.file, seq: 1, mtimeMs: -1, hash: '' } }]);
      // What others wrote into the file since is found by looking; nobody waits, since looking may need this document.
      folderIfThere(found.projectId)
        ?.rescan(AbortSignal.timeout(RESCAN_TIMEOUT_MS))
        .catch((cause: unknown) =>
          log.warn('project.not-looked-through', { project_id: found.projectId, doc_path: found.path }, cause),
        );
    },
  };
}

function draftKey(draft: DocumentRecord): string {
  return `${draft.projectId}/${filePathOf(draft)}`;
}

/** The row of a document that begins now. */
export function newRecord(projectId: ProjectId, filePath: string, ids: IdSource): DocumentRecord {
  const now = new Date(ids.now()).toISOString();
  const ext = filePath.endsWith('.qmd') ? '.qmd' : '.md';
  return {
    id: newId<DocumentId>(ids),
    projectId,
    path: filePath.slice(0, -ext.length),
    ext,
    createdAt: now,
    updatedAt: now,
    sizeBytes: 0,
    contentHash: '',
    file: null,
  };
}
