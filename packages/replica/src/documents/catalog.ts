/**
 * What this device knows of its projects and documents, in memory.
 *
 * A row that gets another path, or is deleted, gets a stamp, unless it comes with one from another device.
 *
 * A row changes in memory in the turn it is put, so that whoever reads it next builds on it, and is on disk when
 * `put` resolves. When the disk refuses, memory is ahead of it: the disk then has an older row, which is as true.
 */
import { ProjectSchema, Failure, type DeviceId, type DocumentId, type Project, type ProjectId } from '@markco/protocol';
import { filePathOf } from '@markco/protocol';
import * as z from 'zod/mini';
import { keyOf, tableRange } from '../store/key.ts';
import { createSharedRows, type SharedRowsParts } from '../shared/shared-rows.ts';
import type { Store, StoreWrite } from '../store/store.ts';
import { isLater, type Catalog, type DocumentRecord, type Stamp } from './document-record.ts';
import type { Log } from './log.ts';

const ProjectRowSchema = z.object({
  project: ProjectSchema,
  localRootPath: z.optional(z.string()),
  closed: z.optional(z.boolean()),
});
/** A project, and where its folder is on this device. `closed`: its files are left alone until it is opened again. */
export type ProjectRow = { readonly project: Project; readonly localRootPath?: string; readonly closed?: boolean };

type Shelf = {
  readonly all: Set<DocumentId>;
  readonly byPath: Map<string, DocumentId>;
  readonly live: Set<DocumentId>;
  readonly deletedPaths: Map<string, DocumentId>;
};

/** Where other processes change it too. */
export type CatalogShared = Pick<SharedRowsParts, 'commit' | 'pull'> & {
  /** False when another process has changed the list of projects. */
  putProject(was: number, row: ProjectRow): Promise<boolean>;
};

/** What other processes did. */
export type CatalogElsewhere = {
  readonly rows: readonly DocumentRecord[];
  readonly projects: readonly ProjectRow[];
  /** How often the rows of a project were changed; null: how often the list of projects was. */
  readonly versions: readonly (readonly [ProjectId | null, number])[];
};

export type CatalogChange = {
  readonly projectId: ProjectId;
  readonly changed: readonly DocumentRecord[];
  readonly removed: readonly DocumentId[];
  /** Another process made it, and sees to all that follows from it. */
  readonly isElsewhere?: boolean;
};

const ROWS_PER_WRITE = 1_000;

export type DocumentCatalog = Catalog & {
  projects(): Iterable<ProjectRow>;
  project(id: ProjectId): ProjectRow | undefined;
  /** @throws Failure `conflict` when another process has put projects meanwhile; it is known here then which */
  putProject(row: ProjectRow): Promise<void>;
  /** Knows nothing of it and its documents any more; what is on disk is for whoever asks. */
  forgetProject(id: ProjectId): void;
  /** Takes in what other processes did. */
  take(elsewhere: CatalogElsewhere): void;
  /** Told when another process has put a project. */
  onProjects(listener: () => void): void;
  /** The document that was at this path when it was deleted, if nothing took its place. */
  deletedAt(projectId: ProjectId, filePath: string): DocumentId | undefined;
  count(projectId: ProjectId): number;
  /** Those that were deleted too. */
  all(projectId: ProjectId): Iterable<DocumentRecord>;
  onChange(listener: (change: CatalogChange) => void): () => void;
  /** The next change of this document's name, or its deletion, is that of another device; with null it is not. */
  expect(id: DocumentId, stamp: Stamp | null): void;
};

export async function openCatalog({
  store,
  log,
  device,
  now,
  shared,
}: {
  readonly store: Store;
  readonly log: Pick<Log, 'write'>;
  readonly device: DeviceId;
  readonly now: () => number;
  readonly shared?: CatalogShared | undefined;
}): Promise<DocumentCatalog> {
  const records = new Map<DocumentId, DocumentRecord>();
  const shelves = new Map<ProjectId, Shelf>();
  const projects = new Map<ProjectId, ProjectRow>();
  const listeners = new Set<(change: CatalogChange) => void>();

  function shelf(id: ProjectId): Shelf {
    let found = shelves.get(id);
    if (found === undefined)
      shelves.set(id, (found = { all: new Set(), byPath: new Map(), live: new Set(), deletedPaths: new Map() }));
    return found;
  }

  function place(record: DocumentRecord): void {
    const { all, byPath, live, deletedPaths } = shelf(record.projectId);
    all.add(record.id);
    const before = records.get(record.id);
    if (before !== undefined && byPath.get(filePathOf(before)) === record.id) byPath.delete(filePathOf(before));
    records.set(record.id, record);
    const filePath = filePathOf(record);
    if (record.deletedAt === undefined) {
      byPath.set(filePath, record.id);
      live.add(record.id);
      deletedPaths.delete(filePath);
    } else {
      live.delete(record.id);
      if (!byPath.has(filePath)) deletedPaths.set(filePath, record.id);
    }
  }

  function forget(id: DocumentId): void {
    const record = records.get(id);
    if (record === undefined) return;
    records.delete(id);
    const { all, byPath, live } = shelf(record.projectId);
    all.delete(id);
    live.delete(id);
    if (byPath.get(filePathOf(record)) === id) byPath.delete(filePathOf(record));
  }

  const expected = new Map<DocumentId, Stamp>();
  let latest = 0;
  const stamp = (): Stamp => {
    latest = Math.max(now(), latest + 1);
    return { at: latest, by: device };
  };
  function seen(record: DocumentRecord): DocumentRecord {
    latest = Math.max(latest, record.named?.at ?? 0);
    return record;
  }

  function stamped(record: DocumentRecord): DocumentRecord {
    const before = records.get(record.id);
    const isFresh = record.named !== undefined && isLater(record.named, before?.named);
    const isSame =
      before !== undefined && filePathOf(before) === filePathOf(record) && before.deletedAt === record.deletedAt;
    // A row that comes without the stamp it had is to get a new one: its name is to count everywhere.
    const isToCount = record.named === undefined && before?.named !== undefined;
    if (isFresh || (isSame && !isToCount)) return seen(record);
    const named = expected.get(record.id);
    expected.delete(record.id);
    if (named !== undefined) return seen({ ...record, named });
    return { ...record, named: stamp() };
  }

  const sharedRows =
    shared === undefined
      ? undefined
      : createSharedRows({
          ...shared,
          ...{ place: (record) => place(seen(record)), forget, stamp },
          get: (id) => records.get(id),
          byPath: (projectId, filePath) => records.get(shelf(projectId).byPath.get(filePath) ?? ('' as DocumentId)),
        });
  let projectsVersion = 0;
  const projectListeners: (() => void)[] = [];

  async function write(rows: readonly DocumentRecord[]): Promise<void> {
    for (let at = 0; at < rows.length; at += ROWS_PER_WRITE) {
      const part = rows.slice(at, at + ROWS_PER_WRITE);
      await log.write(part.map(rowWrite));
    }
  }

  async function writeShared(
    rows: readonly DocumentRecord[],
    before: ReadonlyMap<DocumentId, DocumentRecord | undefined>,
  ): Promise<readonly DocumentRecord[]> {
    const put: DocumentRecord[] = [];
    for (const [projectId, mine] of byProject(rows))
      for (let at = 0; at < mine.length; at += ROWS_PER_WRITE)
        put.push(...((await sharedRows?.put(projectId, mine.slice(at, at + ROWS_PER_WRITE), before)) ?? []));
    return put;
  }

  function tell(rows: readonly DocumentRecord[], isElsewhere: boolean): void {
    for (const [projectId, mine] of byProject(rows)) {
      const change = {
        projectId,
        changed: mine.filter((record) => record.deletedAt === undefined),
        removed: mine.filter((record) => record.deletedAt !== undefined).map((record) => record.id),
        isElsewhere,
      };
      for (const listener of listeners) listener(change);
    }
  }

  for await (const [, value] of store.range(tableRange('p'))) {
    const row = decodeProject(value);
    projects.set(row.project.id, row);
  }
  for await (const [, value] of store.range(tableRange('d'))) place(seen(decodeRecord(value)));

  return {
    get: (id) => records.get(id),
    byPath(projectId, filePath) {
      const id = shelves.get(projectId)?.byPath.get(filePath);
      return id === undefined ? undefined : records.get(id);
    },
    *list(projectId) {
      for (const id of shelves.get(projectId)?.live ?? []) {
        const record = records.get(id);
        if (record !== undefined) yield record;
      }
    },
    *all(projectId) {
      for (const id of shelves.get(projectId)?.all ?? []) {
        const record = records.get(id);
        if (record !== undefined) yield record;
      }
    },
    count: (projectId) => shelves.get(projectId)?.live.size ?? 0,
    expect(id, stamp) {
      if (stamp === null) expected.delete(id);
      else expected.set(id, stamp);
    },
    async put(given) {
      const rows = given.map(stamped);
      sharedRows?.requireFree(rows);
      const before = new Map(rows.map(({ id }) => [id, records.get(id)]));
      for (const record of rows) place(record);
      if (shared === undefined) await write(rows);
      tell(shared === undefined ? rows : await writeShared(rows, before), false);
    },
    take({ rows, projects: others, versions }) {
      for (const [projectId, version] of versions)
        if (projectId === null) projectsVersion = Math.max(projectsVersion, version);
        else sharedRows?.version(projectId, version);
      for (const row of others) projects.set(row.project.id, row);
      if (others.length > 0) for (const listener of projectListeners) listener();
      tell(sharedRows?.take(rows) ?? [], true);
    },
    onProjects: (listener) => void projectListeners.push(listener),
    projects: () => projects.values(),
    project: (id) => projects.get(id),
    async putProject(row) {
      const was = projectsVersion;
      if (shared === undefined) await log.write([projectWrite(row)]);
      else if (await shared.putProject(was, row)) projectsVersion = Math.max(projectsVersion, was + 1);
      else {
        await shared.pull();
        throw new Failure('conflict', 'Another project was made in the same moment. Try again.', { retryable: true });
      }
      projects.set(row.project.id, row);
    },
    forgetProject(id) {
      for (const document of shelves.get(id)?.all ?? []) records.delete(document);
      shelves.delete(id);
      projects.delete(id);
      for (const listener of projectListeners) listener();
    },
    deletedAt: (projectId, filePath) => shelves.get(projectId)?.deletedPaths.get(filePath),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const encodeRow = (row: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(row));

export const rowWrite = (record: DocumentRecord): StoreWrite => ({
  key: keyOf('d', record.id),
  value: encodeRow(record),
});

export const projectWrite = (row: ProjectRow): StoreWrite => ({
  key: keyOf('p', row.project.id),
  value: encodeRow(row),
});

/** The rows were written by this program and are read by it alone: their shape is not checked again, 10,000 times a start. */
export const decodeRecord = (value: Uint8Array): DocumentRecord =>
  JSON.parse(new TextDecoder().decode(value)) as DocumentRecord;

/** @throws Failure `unsupported` */
export function decodeProject(value: Uint8Array): ProjectRow {
  const parsed = ProjectRowSchema.safeParse(JSON.parse(new TextDecoder().decode(value)));
  if (parsed.success) return withoutUndefined(parsed.data);
  throw new Failure('unsupported', 'A project here was written by a newer MarkCo. Upgrade this device to open it.', {
    cause: parsed.error,
  });
}

function byProject(rows: readonly DocumentRecord[]): Map<ProjectId, DocumentRecord[]> {
  const found = new Map<ProjectId, DocumentRecord[]>();
  for (const row of rows) {
    const mine = found.get(row.projectId);
    if (mine === undefined) found.set(row.projectId, [row]);
    else mine.push(row);
  }
  return found;
}

function withoutUndefined(row: z.infer<typeof ProjectRowSchema>): ProjectRow {
  return {
    project: row.project,
    ...(row.localRootPath === undefined ? {} : { localRootPath: row.localRootPath }),
    ...(row.closed === undefined ? {} : { closed: row.closed }),
  };
}
