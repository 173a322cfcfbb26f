/** What the rendezvous keeps: the documents of whoever is let in, each below their user. */
import {
  Failure,
  filePathOf,
  namedFiles,
  type DeviceId,
  type DocumentId,
  type IdSource,
  type Project,
  type ProjectId,
  type UserId,
} from '@markco/protocol';
import type { ProjectRow } from '@markco/replica/documents/catalog';
import type { LogParts } from '@markco/replica/documents/log';
import { openReplica, type Replica, type ReplicaParts } from '@markco/replica/documents/open-replica';
import type { ProjectsOf } from '@markco/replica/listen/document-routes';
import { createBeginnings } from '@markco/replica/projects/beginnings';
import { createFolderless } from '@markco/replica/projects/folderless';
import { createProjectDocuments } from '@markco/replica/projects/project-documents';
import { createRegister, type Registered } from '@markco/replica/projects/register';
import { slugOf } from '@markco/replica/projects/slug';
import { createTakeRows, type NamedElsewhere } from '@markco/replica/projects/take-rows';
import {
  openSharedReplica,
  type SharedReplica,
  type SharedReplicaParts,
} from '@markco/replica/shared/open-shared-replica';
import type { DocumentsTable } from '../store/documents-table.ts';
import { keepFacts } from './facts.ts';
import type { Store } from '@markco/replica/store/store';

export type KeptParts = Pick<LogParts, 'onStorage' | 'onSync' | 'describe' | 'retryMs'> & {
  readonly store: Store;
  /** For whoever reads the database. */
  readonly table: DocumentsTable | null;
  /** Where other processes keep the same documents; null: this one does so alone. */
  readonly sharing?: Sharing | null;
  readonly ids: IdSource;
  /** Who this is among the devices that name documents. */
  readonly self: DeviceId;
  readonly onTrouble: (doing: string, cause: unknown) => void;
};

export type Sharing = Pick<
  SharedReplicaParts,
  'store' | 'onCommitted' | 'onLoaded' | 'onName' | 'onNamed' | 'onPath' | 'onPresence'
> & {
  /** It is open, and what others do may be taken in. */
  opened(replica: SharedReplica): void;
};

/** Everything of one user; what is somebody else's does not exist. */
export type KeptOf = ProjectsOf & {
  list(): readonly Project[];
  /** @throws Failure `not_found` */
  project(id: string): Project;
  bySlug(slug: string): Project | undefined;
  /** A project that a device of the user has; keeps it from now on. */
  keep(project: Project): Promise<Project>;
  /** One that another program keeps, with the names of its documents. */
  register(asked: Registered): Promise<Project>;
  /** Why a document cannot be opened, or undefined. */
  refusal(id: DocumentId): Failure | undefined;
  takeRows(projectId: ProjectId, rows: readonly NamedElsewhere[]): Promise<void>;
  /** The document that a path means, if there is one. */
  find(projectId: ProjectId, docPath: string): DocumentId | undefined;
  /** The document that a path means; one that begins with the first edit when there is none. */
  resolve(projectId: ProjectId, docPath: string): DocumentId;
};

export type Kept = Replica & {
  /** A random 32-bit number: who made one step of edits. */
  readonly author: () => number;
  of(userId: UserId): KeptOf;
  /** Nothing of this person is known here any more; whoever has a document of theirs open is told why. */
  forget(userId: UserId, why: Failure): void;
  /** The files of its project that a document names. */
  namedBy(id: DocumentId): Promise<readonly string[]>;
  close(): Promise<void>;
};

export async function openKept({
  store,
  table,
  sharing = null,
  ids,
  self,
  onTrouble,
  ...below
}: KeptParts): Promise<Kept> {
  const { now } = ids;
  const parts: Omit<ReplicaParts, 'store'> = {
    ...{ ...below, now, self },
    beginning: (id) => beginnings.beginning(id),
    begun: (id) => beginnings.begun(id),
    onTrouble: (id, doing, cause) => onTrouble(`${doing} ${id}`, cause),
  };
  const shared = sharing === null ? null : await openSharedReplica({ ...parts, ...sharing });
  const replica = shared ?? (await openReplica({ ...parts, store }));
  const { rooms, catalog, documents, log } = replica;
  const author = (): number => Buffer.from(ids.randomBytes(4)).readUInt32BE();
  const folderOf = (id: ProjectId) => createFolderless({ catalog, documents, ids, author }, id);
  const beginnings = createBeginnings({
    ...{ catalog, ids, folderOf, folderIfThere: folderOf },
    log: { warn: (event, _fields, cause) => onTrouble(event, cause) },
  });
  const takeRows = createTakeRows({ catalog, folderOf, documents });
  const facts = keepFacts({
    ...{ store, rooms, catalog, documents, table, now, onTrouble },
    ...{ process: ids.randomBytes(8), isShared: shared !== null },
  });
  catalog.onChange(({ removed }) => {
    for (const id of removed)
      rooms.refuseAll(id, new Failure('document_deleted', 'This document was deleted. Restore it to go on.'));
  });
  /** Projects on their way to the disk, with whose they are. */
  const reserved = new Map<ProjectId, Project>();

  function of(userId: UserId): KeptOf {
    const mine = (project: Project | undefined): Project | undefined =>
      project?.userId === userId ? project : undefined;
    const projects = (): Project[] =>
      [...catalog.projects()].flatMap(({ project }) => (project.userId === userId ? [project] : []));
    function row(id: string): ProjectRow {
      const found = catalog.project(id as ProjectId);
      if (mine(found?.project) === undefined || found === undefined)
        throw new Failure('not_found', 'There is no such project here.');
      return found;
    }
    return {
      ...createProjectDocuments({
        ...{ catalog, documents, author, row, folderOf },
        isBegun: ({ contentHash }) => contentHash !== '',
      }),
      list: projects,
      project: (id) => row(id).project,
      bySlug: (slug) => projects().find((project) => project.slug === slug),
      async keep(project) {
        const known = catalog.project(project.id)?.project ?? reserved.get(project.id);
        if (known !== undefined) {
          if (known.userId !== userId) throw new Failure('not_found', 'There is no such project here.');
          return known;
        }
        const slugs = new Set([...projects(), ...reserved.values()].map(({ slug }) => slug));
        const kept = { ...project, userId, slug: slugOf(project.slug, (slug) => slugs.has(slug)) };
        reserved.set(kept.id, kept);
        try {
          await catalog.putProject({ project: kept });
        } catch (cause) {
          if (!(cause instanceof Failure && cause.code === 'conflict')) throw cause;
          // Another process has made a project: its slug may be this one, and it may be this project.
          reserved.delete(kept.id);
          return this.keep(project);
        } finally {
          reserved.delete(kept.id);
        }
        return kept;
      },
      register(asked) {
        return createRegister({ catalog, ids, folderOf, keep: (project) => this.keep({ ...project, userId }) })(asked);
      },
      refusal(id) {
        const record = catalog.get(id);
        // A draft has no row yet; only who was told its id can ask for it.
        const isOthers = record !== undefined && mine(catalog.project(record.projectId)?.project) === undefined;
        if (isOthers) return new Failure('not_found', 'There is no such document here.');
        return beginnings.refusal(id);
      },
      takeRows: (projectId, rows) => takeRows(projectId, rows),
      find: (projectId, docPath) => beginnings.find(projectId, docPath),
      resolve: (projectId, docPath) => beginnings.resolve(projectId, docPath),
    };
  }

  if (shared !== null) sharing?.opened(shared);

  return {
    ...replica,
    of,
    author,
    forget(userId, why) {
      for (const { id: projectId } of of(userId).list()) {
        for (const { id } of catalog.all(projectId)) {
          const room = rooms.peek(id);
          if (room !== undefined) rooms.drop(room, why);
          rooms.sleepers.refuse(id, why);
          // What it was says nothing of what may come by this id.
          rooms.sleepers.stirs(id);
          replica.digests.forget(id);
          shared?.log.forget(id);
        }
        catalog.forgetProject(projectId);
      }
    },
    async namedBy(id) {
      const record = catalog.get(id);
      return record === undefined ? [] : namedFiles((await documents.read(id)).text, filePathOf(record));
    },
    async close() {
      await facts.close();
      await rooms.close();
      await log.close();
    },
  };
}
