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
import type { Store } from '../store/store.ts';
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

export type CatalogChange = {
  readonly projectId: ProjectId;
  readonly changed: readonly DocumentRecord[];
  readonly removed: readonly DocumentId[];
};

const ROWS_PER_WRITE = 1_000;

export type DocumentCatalog = Catalog & {
  projects(): Iterable<ProjectRow>;
  project(id: ProjectId): ProjectRow | undefined;
  putProject(row: ProjectRow): Promise<void>;
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
}: {
  readonly store: Store;
  readonly log: Pick<Log, 'write'>;
  readonly device: DeviceId;
  readonly now: () => number;
}): Promise<DocumentCatalog> {
  const records = new Map<DocumentId, DocumentRecord>();
  const shelves = new Map<ProjectId, Shelf>();
  const projects = new Map<ProjectId, ProjectRow>();
  const listeners = new Set<(change: CatalogChange) => void>();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();

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

  const expected = new Map<DocumentId, Stamp>();
  let latest = 0;
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
    latest = Math.max(now(), latest + 1);
    return { ...record, named: { at: latest, by: device } };
  }

  for await (const [, value] of store.range(tableRange('p'))) {
    const parsed = ProjectRowSchema.safeParse(JSON.parse(decoder.decode(value)));
    if (!parsed.success)
      throw new Failure(
        'unsupported',
        'A project here was written by a newer MarkCo. Upgrade this device to open it.',
        { cause: parsed.error },
      );
    projects.set(parsed.data.project.id, withoutUndefined(parsed.data));
  }
  // The rows were written by this program and are read by it alone: their shape is not checked again, 10,000 times a start.
  for await (const [, value] of store.range(tableRange('d')))
    place(seen(JSON.parse(decoder.decode(value)) as DocumentRecord));

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
      for (const record of rows) place(record);
      for (let at = 0; at < rows.length; at += ROWS_PER_WRITE) {
        const part = rows.slice(at, at + ROWS_PER_WRITE);
        await log.write(
          part.map((record) => ({ key: keyOf('d', record.id), value: encoder.encode(JSON.stringify(record)) })),
        );
      }
      const projectIds = new Set(rows.map((record) => record.projectId));
      for (const projectId of projectIds) {
        const mine = rows.filter((record) => record.projectId === projectId);
        const change = {
          projectId,
          changed: mine.filter((record) => record.deletedAt === undefined),
          removed: mine.filter((record) => record.deletedAt !== undefined).map((record) => record.id),
        };
        for (const listener of listeners) listener(change);
      }
    },
    projects: () => projects.values(),
    project: (id) => projects.get(id),
    async putProject(row) {
      await log.write([{ key: keyOf('p', row.project.id), value: encoder.encode(JSON.stringify(row)) }]);
      projects.set(row.project.id, row);
    },
    deletedAt: (projectId, filePath) => shelves.get(projectId)?.deletedPaths.get(filePath),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function withoutUndefined(row: z.infer<typeof ProjectRowSchema>): ProjectRow {
  return {
    project: row.project,
    ...(row.localRootPath === undefined ? {} : { localRootPath: row.localRootPath }),
    ...(row.closed === undefined ? {} : { closed: row.closed }),
  };
}
