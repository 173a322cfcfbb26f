/**
 * What people do to documents in the page: create, rename, delete.
 *
 * 1. A name that is taken or leads elsewhere is refused, and nothing has changed then.
 * 2. The file comes first and the row second: a crash in between is found at the next start as what a program did.
 * 3. Nothing is replaced, and nothing is deleted that was not read into the history before.
 */
import {
  checkDocumentPath,
  documentPathOf,
  Failure,
  filePathOf,
  LIMITS,
  newId,
  splitExt,
  type DocumentId,
  type IdSource,
  type ProjectId,
} from '@markco/protocol';
import type { Catalog, DocumentRecord, FileForm } from '@markco/replica/documents/document-record';
import { contentHash } from './content-hash.ts';
import { encodeAs, endingsOf, isText } from './endings.ts';
import { LEFT_ALONE, type FolderEvent } from './events.ts';
import { fileFailure, folderOf, tempPathFor, type Files } from './files.ts';
import type { Membership } from './membership.ts';
import type { FaultPoint } from './reconcile.ts';
import { hasNoFileYet, newRow, toRenamed, twinsOf } from './rows.ts';
import { reasonAgainstPath } from './walk.ts';
import { writtenTitle } from './written-title.ts';

const REMOVE_TRIES = 5;
const NEW_FORM = { bom: false, endings: [] } as const;

export type PageActionParts = {
  readonly files: Files;
  readonly catalog: Catalog;
  readonly membership: Membership;
  readonly ids: IdSource;
  readonly randomName: () => string;
  /** Brings document and file in line now; what is left alone resolves too. */
  readonly align: (id: DocumentId) => Promise<void>;
  /** The file is one that is left alone, so that what is in it cannot be taken in. */
  readonly isLeftAlone: (id: DocumentId) => boolean;
  readonly forget: (id: DocumentId) => void;
  readonly emit: (event: FolderEvent) => void;
  readonly fault: (point: FaultPoint) => void;
};

export type PageActions = {
  /** `filePath` with its extension. Fails with `bad_request` or `conflict` (name taken). `form`: as the file was when it was deleted. */
  create(filePath: string, text: string, form?: FileForm): Promise<DocumentRecord>;
  /**
   * Puts the rows of documents that begin without a file, which comes with the first edit. Fails with `not_ready`
   * when a name was taken since it was looked up: who looks again finds what is there.
   */
  begin(drafts: readonly DocumentRecord[]): Promise<void>;
  /** Makes the file of a document that began without one; its text follows as any change does. */
  give(id: DocumentId): Promise<void>;
  /** Fails like `create`, and with `not_found` or `document_deleted`. */
  rename(id: DocumentId, filePath: string): Promise<DocumentRecord>;
  /** Deletes the file; the document becomes a tombstone. What others wrote until then is in its history, if it has one. */
  remove(id: DocumentId): Promise<void>;
  requireLive(id: DocumentId): DocumentRecord;
};

export function createPageActions(
  parts: PageActionParts,
  { projectId, tag }: { readonly projectId: ProjectId; readonly tag: string },
): PageActions {
  const { files, catalog, membership, ids, randomName, align, isLeftAlone, forget, emit, fault } = parts;
  const hasFile = (filePath: string): boolean => catalog.byPath(projectId, filePath) !== undefined;

  const requireLive = (id: DocumentId): DocumentRecord => {
    const record = catalog.get(id);
    if (record === undefined || record.projectId !== projectId) {
      throw new Failure('not_found', 'There is no such document in this project. Look at the list of documents again.');
    }
    if (record.deletedAt !== undefined) {
      throw new Failure('document_deleted', 'This document was deleted. Its history can be restored.');
    }
    return record;
  };

  const requireFree = async (filePath: string, but?: DocumentId): Promise<string> => {
    const path = checkDocumentPath(filePath);
    if (path instanceof Failure) throw path;
    if (splitExt(path) === null) {
      throw new Failure('bad_request', `${JSON.stringify(path)} is no document: give it the extension .md or .qmd.`);
    }
    const reason = await reasonAgainstPath(files, path);
    if (reason !== null) {
      throw new Failure('bad_request', `${JSON.stringify(path)} cannot be a document there. ${LEFT_ALONE[reason]}`);
    }
    const record = catalog.byPath(projectId, path);
    if (record !== undefined && record.id !== but) throw taken(path);
    return path;
  };

  const create = async (filePath: string, text: string, form?: FileForm): Promise<DocumentRecord> => {
    const path = await requireFree(filePath);
    await files.makeFolder(folderOf(path));
    const bytes = encodeAs(text, form ?? NEW_FORM);
    const temp = tempPathFor(path, tag, randomName());
    try {
      const stat = await files.writeNew(temp, bytes, form);
      if (!(await files.place(temp, path))) throw taken(path);
      await files.syncFolder(folderOf(path));
      const found = { filePath: path, diskPath: path, stat, hash: await contentHash(bytes), title: writtenTitle(text) };
      const row = newRow(found, { id: newId<DocumentId>(ids), projectId }, hasFile);
      const moved = twinsOf(catalog, projectId, path);
      await catalog.put([row, ...moved]);
      emit({ type: 'added', id: row.id, filePath: path });
      for (const twin of moved) emit(toRenamed(twin));
      return row;
    } catch (error) {
      await files.remove(temp, () => true).catch(() => false);
      throw fileFailure(error, path);
    }
  };

  const begin = async (drafts: readonly DocumentRecord[]): Promise<void> => {
    const rows = drafts.map((draft) => {
      const filePath = filePathOf(draft);
      const there = catalog.byPath(projectId, filePath);
      if (there !== undefined && there.id !== draft.id)
        throw new Failure('not_ready', `${JSON.stringify(filePath)} was made just now. Open it again.`);
      return { ...draft, ...documentPathOf(filePath, hasFile) };
    });
    const moved = drafts.flatMap((draft) => twinsOf(catalog, projectId, filePathOf(draft)));
    await catalog.put([...rows, ...moved]);
    for (const twin of moved) emit(toRenamed(twin));
  };

  const give = async (id: DocumentId): Promise<void> => {
    const record = requireLive(id);
    const path = await requireFree(filePathOf(record), id);
    const bytes = new Uint8Array();
    await files.makeFolder(folderOf(path));
    const temp = tempPathFor(path, tag, randomName());
    try {
      const stat = await files.writeNew(temp, bytes, undefined);
      // A file that came there meanwhile is taken in as what somebody wrote.
      if (!(await files.place(temp, path))) return;
      await files.syncFolder(folderOf(path));
      const { mtimeMs, ino, size } = stat;
      // The empty file is what the document was before its first edit.
      await catalog.put([{ ...record, file: { seq: 0, mtimeMs, ino, size, hash: await contentHash(bytes) } }]);
      emit({ type: 'added', id, filePath: path });
    } catch (error) {
      await files.remove(temp, () => true).catch(() => false);
      throw fileFailure(error, path);
    }
  };

  const rename = async (id: DocumentId, filePath: string): Promise<DocumentRecord> => {
    const record = requireLive(id);
    const to = await requireFree(filePath, id);
    const from = membership.diskPathOf(record);
    if (to === filePathOf(record)) return record;
    if (!(await files.move(from, to))) throw (await files.stat(from)) === undefined ? notThere(from) : taken(to);
    fault('afterMove');
    for (const folder of new Set([folderOf(from), folderOf(to)])) await files.syncFolder(folder);
    return await membership.renamed(requireLive(id), to);
  };

  /** How the file is written, so that a delete can be undone to the byte; nothing where that cannot be read. */
  const formAt = async (path: string): Promise<FileForm | undefined> => {
    const resolved = await files.resolve(path).catch(() => 'outside' as const);
    const open = typeof resolved === 'string' ? undefined : await files.open(resolved.path).catch(() => undefined);
    try {
      const bytes = await open?.read(LIMITS.documentStateBytesMax);
      if (open === undefined || bytes === undefined || bytes === null || !isText(bytes)) return undefined;
      const { mode, uid, gid } = await open.stat();
      return { ...endingsOf(bytes), mode, uid, gid };
    } finally {
      await open?.close();
    }
  };

  const remove = async (id: DocumentId): Promise<void> => {
    for (let tries = 0; tries < REMOVE_TRIES; tries++) {
      requireLive(id);
      // A file that cannot be written can still be deleted.
      await align(id).catch(() => undefined);
      const record = requireLive(id);
      const path = membership.diskPathOf(record);
      const form = await formAt(path);
      // One that never had a file has none to take away, and maybe not even the folder for it.
      const isRemoved =
        !hasNoFileYet(record) &&
        (await files.remove(path, (there) => {
          const file = catalog.get(id)?.file;
          return (
            isLeftAlone(id) || there?.kind === 'link' || (there?.mtimeMs === file?.mtimeMs && there?.ino === file?.ino)
          );
        }));
      if (!isRemoved && !hasNoFileYet(record)) {
        if ((await files.stat(path)) !== undefined) continue;
        // A program renamed or deleted it; which of the two shows in a moment.
        membership.missing(id);
        throw notThere(path);
      }
      fault('afterUnlink');
      await files.syncFolder(folderOf(path)).catch(() => undefined);
      const deletedAt = new Date(ids.now()).toISOString();
      await catalog.put([{ ...requireLive(id), deletedAt, ...(form === undefined ? {} : { deletedForm: form }) }]);
      forget(id);
      emit({ type: 'removed', id, filePath: filePathOf(record) });
      return;
    }
    throw new Failure('conflict', 'Another program keeps changing this file. Close that program and delete it again.', {
      retryable: true,
    });
  };

  return {
    create: (filePath, text, form) => membership.inTurn(() => create(filePath, text, form)),
    begin: (drafts) => membership.inTurn(() => begin(drafts)),
    give: (id) => membership.inTurn(() => give(id)),
    rename: (id, filePath) => membership.inTurn(() => rename(id, filePath)),
    remove: (id) => membership.inTurn(() => remove(id)),
    requireLive,
  };
}

function taken(path: string): Failure {
  return new Failure('conflict', `There is a file ${JSON.stringify(path)} already. Choose another name.`);
}
function notThere(path: string): Failure {
  return new Failure(
    'not_found',
    `${JSON.stringify(path)} is not in its folder right now: another program renamed or deleted it. Look again.`,
    { retryable: true },
  );
}
