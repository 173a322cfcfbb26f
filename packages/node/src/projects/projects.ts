/**
 * The projects of this device: folders that were opened, each kept equal to its documents.
 *
 * 1. A folder is one project, however often it is opened and by whatever link it is reached.
 * 2. Opening writes nothing into the folder.
 * 3. No open project is inside of another one, so that no file is two documents.
 */
import {
  attachmentMachine,
  Failure,
  newId,
  type AttachmentState,
  type DocumentId,
  type IdSource,
  type Project,
  type ProjectId,
  type UserId,
} from '@markco/protocol';
import { mkdir, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, sep } from 'node:path';
import type { DocumentCatalog, ProjectRow } from '@markco/replica/documents/catalog';
import type { Documents } from '@markco/replica/documents/documents';
import type { FolderEvent } from '../files/events.ts';
import type { Folder } from '../files/folder.ts';
import type { Logger } from '../observe/log.ts';
import { createBeginnings } from '@markco/replica/projects/beginnings';
import { createLagging } from './lagging.ts';
import { overlapOf, type OpenFolder } from './overlap.ts';
import { roomIn } from './room-for.ts';
import { createRegister, type Registered } from '@markco/replica/projects/register';
import { createProjectDocuments } from '@markco/replica/projects/project-documents';
import { slugOf } from '@markco/replica/projects/slug';
import { createTakeRows } from '@markco/replica/projects/take-rows';

export type ProjectsParts = {
  readonly catalog: DocumentCatalog;
  readonly documents: Documents;
  readonly createFolder: (projectId: ProjectId, root: string) => Folder;
  /** A random 32-bit number: who made one step of edits. */
  readonly author: () => number;
  readonly ids: IdSource;
  readonly userId: () => UserId;
  /** The device's own state folder, which is no project. */
  readonly home: string;
  readonly log: Logger;
  /** Ends the connections that have a document open. */
  readonly disconnect: (id: DocumentId, failure: Failure) => void;
  readonly onFolderEvent: (projectId: ProjectId, event: FolderEvent) => void;
};

export type ProjectHere = Project & { readonly localRootPath?: string };

export type Projects = ReturnType<typeof createProjects>;

export function createProjects(parts: ProjectsParts) {
  const { catalog, documents, ids, log } = parts;
  const folders = new Map<ProjectId, Folder>();
  const attachments = new Map<ProjectId, AttachmentState>();
  const opening = new Map<string, Promise<ProjectRow>>();
  const attaching = new Map<ProjectId, Promise<void>>();
  const openListeners: (() => void)[] = [];
  const stepListeners: (() => void)[] = [];
  /** Slugs of projects whose rows are on their way to the disk. */
  const reserved = new Set<string>();
  let registering: Promise<unknown> = Promise.resolve();

  catalog.onChange(({ removed }) => {
    for (const id of removed)
      parts.disconnect(id, new Failure('document_deleted', 'This document was deleted. Restore it to go on.'));
  });

  function step(id: ProjectId, event: Parameters<typeof attachmentMachine.step>[1]): void {
    const from = attachments.get(id) ?? attachmentMachine.initial;
    const next = attachmentMachine.step(from, event);
    attachments.set(id, next.state);
    if (next.state === 'attached' || next.state === 'detached') for (const listener of openListeners) listener();
    for (const listener of stepListeners) listener();
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
    const lagging = createLagging((event) => {
      if (folders.get(project.id) === folder) step(project.id, event);
    });
    folder.onEvent((event) => {
      lagging.hear(event);
      if (event.type === 'links-parted')
        log.warn('file.links-parted', { project_id: project.id, doc_path: event.filePath, others: event.others });
      parts.onFolderEvent(project.id, event);
    });
    try {
      const began = performance.now();
      const { documents: count } = await folder.open(signal);
      folders.set(project.id, folder);
      step(project.id, 'caught-up');
      if (lagging.lags) step(project.id, 'fell-behind');
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

  const here = ({ project, localRootPath }: ProjectRow): ProjectHere => ({
    ...project,
    // Those of before this device joined the user's others have become the user's.
    userId: parts.userId(),
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
    if (known !== undefined && known.closed !== true) {
      await attach(known, signal);
      return { project: here(known), created: false };
    }
    let work = opening.get(root);
    const created = work === undefined;
    if (work === undefined) {
      const overlap = overlapOf(root, openFolders());
      if (overlap !== undefined) throw overlap;
      work = (known === undefined ? createProject(root, displayName, signal) : reopen(known, signal)).finally(() =>
        opening.delete(root),
      );
      opening.set(root, work);
    }
    return { project: here(await work), created };
  }

  /** Those on their way count too: of two that overlap, opened at once, the first one wins. */
  function* openFolders(): Iterable<OpenFolder> {
    for (const { project, localRootPath, closed } of catalog.projects())
      if (localRootPath !== undefined && closed !== true)
        yield { displayName: project.displayName, root: localRootPath };
    for (const root of opening.keys()) yield { displayName: basename(root), root };
  }

  async function reopen(known: ProjectRow, signal: AbortSignal): Promise<ProjectRow> {
    const row = { ...known, closed: false };
    await catalog.putProject(row);
    await attach(row, signal);
    return row;
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
      userId: parts.userId(),
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

  /** Opens a project of another device in a folder here, which is made when it is missing; its documents come to it. */
  async function join(project: Project, localPath: string, signal: AbortSignal): Promise<ProjectHere> {
    const known = catalog.project(project.id);
    if (known !== undefined && known.closed !== true) return here(known);
    await mkdir(localPath, { recursive: true });
    const root = await existingFolder(localPath);
    const overlap = overlapOf(root, openFolders());
    if (overlap !== undefined) throw overlap;
    const slugs = new Set([...catalog.projects()].map((candidate) => candidate.project.slug));
    const slug = slugOf(project.slug, (candidate) => slugs.has(candidate));
    const row: ProjectRow = known ?? { project: { ...project, slug, userId: parts.userId() }, localRootPath: root };
    await catalog.putProject({ ...row, localRootPath: root, closed: false });
    await attach({ ...row, localRootPath: root }, signal);
    return here({ ...row, localRootPath: root });
  }

  return {
    ...createBeginnings({ catalog, ids, log, folderOf, folderIfThere: (id) => folders.get(id) }),
    ...createProjectDocuments({
      ...{ catalog, documents, author: parts.author, row, folderOf },
      isBegun: ({ file }) => file !== null,
    }),
    openLocal,
    takeRows: createTakeRows({ catalog, folderOf, documents }),

    join,
    /** A project that another program keeps: in its folder of before, or in one of its own in `parent`. */
    register(asked: Registered, parent: string, signal: AbortSignal): Promise<ProjectHere> {
      const keep = async (project: Omit<Project, 'userId'>): Promise<ProjectHere> => {
        const root = catalog.project(project.id)?.localRootPath ?? (await roomIn(parent, project));
        return join({ ...project, userId: parts.userId() }, root, signal);
      };
      // One after another, so that two do not choose the same folder.
      const work = registering.then(() => createRegister({ catalog, ids, folderOf, keep })(asked));
      registering = work.catch(() => undefined);
      return work;
    },

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
    /** Told whenever a project was opened or closed here. */
    onOpen: (listener: () => void): void => void openListeners.push(listener),

    /** Of a project that is or was open here; told whenever one changed. */
    attachment: (id: ProjectId): AttachmentState => attachments.get(id) ?? attachmentMachine.initial,
    onAttachment: (listener: () => void): void => void stepListeners.push(listener),

    /** Those that are open, as other devices may see them: where the folder is here is none of their business. */
    shared: (): readonly Project[] =>
      [...catalog.projects()]
        .filter(({ project }) => folders.has(project.id))
        .map(({ project }) => ({ ...project, userId: parts.userId() })),
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

    /** Every document of the project that changed before the call is in its file when it resolves. */
    flush: (projectId: ProjectId, signal: AbortSignal): Promise<void> => folderOf(projectId).flush('all', signal),

    async close(): Promise<void> {
      await Promise.all([...folders.values()].map((folder) => folder.close()));
    },
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
