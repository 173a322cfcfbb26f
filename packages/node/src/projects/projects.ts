/**
 * The projects of this device: folders that were opened, each kept equal to its documents.
 *
 * 1. A folder is one project, however often it is opened and by whatever link it is reached.
 * 2. Opening writes nothing into the folder.
 */
import {
  attachmentMachine,
  checkDocumentPath,
  documentPathOf,
  Failure,
  filePathOf,
  newId,
  type AttachmentState,
  type Document,
  type DocumentId,
  type IdSource,
  type Project,
  type ProjectId,
  type UserId,
} from '@markco/protocol';
import { realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, sep } from 'node:path';
import type { DocumentCatalog, ProjectRow } from '../documents/catalog.ts';
import type { DocumentRecord } from '../documents/document-record.ts';
import type { Documents } from '../documents/documents.ts';
import type { FolderEvent } from '../files/events.ts';
import type { Folder } from '../files/folder.ts';
import type { Logger } from '../observe/log.ts';
import { readable, rewriteLinksTo } from './move.ts';
import { search, type Query } from './search.ts';
import { documentOf } from './document-of.ts';
import { slugOf } from './slug.ts';

export type ProjectsParts = {
  readonly catalog: DocumentCatalog;
  readonly documents: Documents;
  readonly createFolder: (projectId: ProjectId, root: string) => Folder;
  /** A random 32-bit number: who made one step of edits. */
  readonly author: () => number;
  readonly ids: IdSource;
  readonly userId: UserId;
  /** The device's own state folder, which is no project. */
  readonly home: string;
  readonly log: Logger;
  /** Ends the connections that have a document open. */
  readonly disconnect: (id: DocumentId, failure: Failure) => void;
  readonly onFolderEvent: (projectId: ProjectId, event: FolderEvent) => void;
};

const RESCAN_TIMEOUT_MS = 60_000;

export type ProjectHere = Project & { readonly localRootPath?: string };

export type Projects = ReturnType<typeof createProjects>;

export function createProjects(parts: ProjectsParts) {
  const { catalog, documents, ids, log } = parts;
  const folders = new Map<ProjectId, Folder>();
  const attachments = new Map<ProjectId, AttachmentState>();
  const opening = new Map<string, Promise<ProjectRow>>();
  const attaching = new Map<ProjectId, Promise<void>>();
  /** Slugs of projects whose rows are on their way to the disk. */
  const reserved = new Set<string>();
  /** Documents that somebody is opening by a new name. Their row is on disk before they can be edited, and their file comes with the first edit. */
  const drafts = new Map<DocumentId, DocumentRecord>();
  const draftsByPath = new Map<string, DocumentId>();

  catalog.onChange(({ removed }) => {
    for (const id of removed)
      parts.disconnect(id, new Failure('document_deleted', 'This document was deleted. Restore it to go on.'));
  });

  function step(id: ProjectId, event: Parameters<typeof attachmentMachine.step>[1]): void {
    const from = attachments.get(id) ?? attachmentMachine.initial;
    const next = attachmentMachine.step(from, event);
    attachments.set(id, next.state);
    if (next.ok) log.info('attachment.changed', { project_id: id, from, to: next.state, reason: event });
  }

  /** However many ask at once, a folder is watched once. */
  function attach(found: ProjectRow, signal: AbortSignal): Promise<void> {
    const { id } = found.project;
    let work = attaching.get(id);
    if (work === undefined) {
      work = attachOnce(found, signal).finally(() => attaching.delete(id));
      attaching.set(id, work);
    }
    return work;
  }

  async function attachOnce({ project, localRootPath }: ProjectRow, signal: AbortSignal): Promise<void> {
    if (localRootPath === undefined || folders.has(project.id)) return;
    step(project.id, 'attach');
    const folder = parts.createFolder(project.id, localRootPath);
    folder.onEvent((event) => parts.onFolderEvent(project.id, event));
    try {
      const began = performance.now();
      const { documents: count } = await folder.open(signal);
      folders.set(project.id, folder);
      step(project.id, 'caught-up');
      log.info('project.opened', {
        project_id: project.id,
        documents: count,
        ms: Math.round(performance.now() - began),
      });
    } catch (error) {
      step(project.id, 'give-up');
      await folder.close();
      throw error;
    }
  }

  function row(id: string): ProjectRow {
    const found = catalog.project(id as ProjectId);
    if (found === undefined || found.closed === true) throw new Failure('not_found', 'There is no such project here.');
    return found;
  }

  function folderOf(id: ProjectId): Folder {
    const folder = folders.get(id);
    if (folder === undefined)
      throw new Failure(
        'not_ready',
        'The folder of this project cannot be reached now. Connect its disk, then open it again.',
      );
    return folder;
  }

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

  const here = ({ project, localRootPath }: ProjectRow): ProjectHere => ({
    ...project,
    ...(localRootPath === undefined ? {} : { localRootPath }),
  });

  async function openLocal(
    localPath: string,
    displayName: string | undefined,
    signal: AbortSignal,
  ): Promise<{ project: ProjectHere; created: boolean }> {
    const root = await existingFolder(localPath);
    // The home too may be named by a link.
    if (`${root}${sep}`.startsWith(`${await realpath(parts.home)}${sep}`))
      throw new Failure('bad_request', `${root} is where MarkCo keeps its own state. Open a folder of yours.`);
    const known = [...catalog.projects()].find((candidate) => candidate.localRootPath === root);
    if (known !== undefined) {
      const wasClosed = known.closed === true;
      if (wasClosed) await catalog.putProject({ ...known, closed: false });
      await attach(known, signal);
      return { project: here(known), created: wasClosed };
    }
    let work = opening.get(root);
    const created = work === undefined;
    if (work === undefined) {
      work = createProject(root, displayName, signal).finally(() => opening.delete(root));
      opening.set(root, work);
    }
    return { project: here(await work), created };
  }

  async function createProject(
    root: string,
    displayName: string | undefined,
    signal: AbortSignal,
  ): Promise<ProjectRow> {
    const now = new Date(ids.now()).toISOString();
    const name = displayName ?? (basename(root) || root);
    const slugs = new Set([...reserved, ...[...catalog.projects()].map((candidate) => candidate.project.slug)]);
    const project: Project = {
      id: newId<ProjectId>(ids),
      userId: parts.userId,
      slug: slugOf(name, (slug) => slugs.has(slug)),
      displayName: name.slice(0, 200),
      configPath: 'mrmd.md',
      source: 'opened-local',
      syncMode: 'active',
      visibility: 'private',
      createdAt: now,
      updatedAt: now,
    };
    const created: ProjectRow = { project, localRootPath: root };
    reserved.add(project.slug);
    try {
      await catalog.putProject(created);
    } finally {
      reserved.delete(project.slug);
    }
    await attach(created, signal);
    return created;
  }

  return {
    openLocal,

    /** Opens again what was open when the device stopped. A folder that is gone is reported, and tried again by hand. */
    async resume(signal: AbortSignal): Promise<void> {
      await Promise.all(
        [...catalog.projects()]
          .filter((candidate) => candidate.closed !== true)
          .map((candidate) =>
            attach(candidate, signal).catch((cause: unknown) =>
              log.warn('project.not-reachable', { project_id: candidate.project.id }, cause),
            ),
          ),
      );
    },

    list: (): ProjectHere[] => [...catalog.projects()].filter((candidate) => candidate.closed !== true).map(here),
    get: (id: string): ProjectHere => here(row(id)),
    root(id: string): string {
      const { localRootPath } = row(id);
      if (localRootPath === undefined) throw new Failure('not_ready', 'This project has no folder on this device.');
      return localRootPath;
    },
    bySlug: (slug: string): ProjectHere | undefined => {
      const found = [...catalog.projects()].find(
        (candidate) => candidate.project.slug === slug && candidate.closed !== true,
      );
      return found === undefined ? undefined : here(found);
    },

    /** Forgets the folder, leaves its files as they are; opening it again finds the same documents. */
    async closeProject(id: string): Promise<void> {
      const found = row(id);
      await folders.get(found.project.id)?.flush('all', AbortSignal.timeout(10_000));
      await folders.get(found.project.id)?.close();
      folders.delete(found.project.id);
      step(found.project.id, 'detach');
      await catalog.putProject({ ...found, closed: true });
      for (const { id: documentId } of catalog.list(found.project.id)) {
        parts.disconnect(
          documentId,
          new Failure('not_found', 'This project was closed here. Open its folder to go on.'),
        );
      }
    },

    /** Those that have a file: a name that was opened and never written to is no document yet. */
    documents: (id: string): Document[] =>
      [...catalog.list(row(id).project.id)].filter(({ file }) => file !== null).map(documentOf),
    document: (projectId: string, documentId: string): Document => documentOf(live(projectId, documentId)),
    record: live,

    /** The document a sync address means: one that is there, or one that begins with the first edit. */
    resolve(projectId: ProjectId, docPath: string): DocumentId {
      const asFile = documentPathOf(docPath, () => true) === null ? undefined : docPath;
      const candidates = [...(asFile === undefined ? [] : [asFile]), `${docPath}.md`, `${docPath}.qmd`];
      for (const candidate of candidates) {
        const found = catalog.byPath(projectId, candidate) ?? undefined;
        if (found !== undefined) return found.id;
      }
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
        await catalog.put([draft]);
        drafts.delete(id);
        draftsByPath.delete(draftKey(draft));
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
      folders
        .get(found.projectId)
        ?.rescan(AbortSignal.timeout(RESCAN_TIMEOUT_MS))
        .catch((cause: unknown) =>
          log.warn('project.not-looked-through', { project_id: found.projectId, doc_path: found.path }, cause),
        );
    },

    async create(projectId: string, path: string, ext: '.md' | '.qmd' | undefined, text: string): Promise<Document> {
      const { project } = row(projectId);
      const opened = catalog.byPath(project.id, /\.(md|qmd)$/.test(path) ? path : `${path}${ext ?? '.md'}`);
      if (opened?.file === null) {
        const { seq } = await documents.read(opened.id);
        if (seq === 0 && text !== '')
          await documents.edit(
            opened.id,
            0,
            [{ author: parts.author(), edits: [{ at: 0, remove: 0, insert: text }] }],
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
      if (found.file !== null) await readable(documents.read(found.id));
      await folderOf(found.projectId).remove(found.id);
    },

    async undelete(projectId: string, documentId: string): Promise<Document> {
      const found = record(projectId, documentId);
      if (found.deletedAt === undefined) return documentOf(found);
      const filePath = filePathFor(found.projectId, filePathOf(found), undefined);
      // The id of what was deleted is never used again: the text comes back as a new document.
      const { text } = await documents.read(found.id);
      return documentOf(await folderOf(found.projectId).create(filePath, text));
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
          edit: async (id, seq, edits) =>
            void (await documents.edit(id, seq, [{ author: parts.author(), edits }], 'page')),
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

    /** Every document of the project that changed before the call is in its file when it resolves. */
    flush: (projectId: ProjectId, signal: AbortSignal): Promise<void> => folderOf(projectId).flush('all', signal),

    async close(): Promise<void> {
      await Promise.all([...folders.values()].map((folder) => folder.close()));
    },
  };
}

function draftKey(draft: DocumentRecord): string {
  return `${draft.projectId}/${filePathOf(draft)}`;
}

function newRecord(projectId: ProjectId, filePath: string, ids: IdSource): DocumentRecord {
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

async function existingFolder(localPath: string): Promise<string> {
  if (!isAbsolute(localPath)) throw new Failure('bad_request', 'Give the folder as an absolute path.');
  try {
    const root = await realpath(localPath);
    if ((await stat(root)).isDirectory()) return root;
  } catch (cause) {
    throw new Failure('not_found', `The folder ${localPath} does not exist or cannot be read.`, { cause });
  }
  throw new Failure('bad_request', `${localPath} is a file. Give the folder it is in.`);
}
