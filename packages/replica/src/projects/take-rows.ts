/**
 * Takes over how another device named documents, or that it deleted them: file and row, as if it had been done here,
 * but with the other's stamp, so that no device answers it with a change of its own.
 *
 * Where two documents have one name, both stay: the one that got the name later gets a number behind it.
 */
import {
  checkDocumentPath,
  Failure,
  filePathOf,
  type DeviceId,
  type DocumentId,
  type ProjectId,
} from '@markco/protocol';
import type { DocumentCatalog } from '../documents/catalog.ts';
import { isLater, type DocumentRecord, type Stamp } from '../documents/document-record.ts';
import type { Documents } from '../documents/documents.ts';
import type { Folder } from './folder.ts';
import { readable } from './move.ts';

export type NamedElsewhere = {
  readonly id: DocumentId;
  readonly path: string;
  readonly ext: '.md' | '.qmd';
  readonly createdAt: string;
  readonly deletedAt?: string | undefined;
  readonly named: { readonly at: number; readonly by: DeviceId };
};

type TakeRowParts = {
  readonly catalog: DocumentCatalog;
  /** @throws Failure `not_ready` when the folder cannot be reached */
  readonly folderOf: (id: ProjectId) => Pick<Folder, 'begin' | 'remove' | 'rename'>;
  readonly documents: Pick<Documents, 'read'>;
};

export function createTakeRows({ catalog, folderOf, documents }: TakeRowParts) {
  /** Rejects with `bad_request` for a name that no document may have, `not_ready` without the folder. */
  return async (projectId: ProjectId, rows: readonly NamedElsewhere[]): Promise<void> => {
    const names = new Set<string>();
    const isPlain = (row: NamedElsewhere): boolean => {
      const filePath = checkDocumentPath(`${row.path}${row.ext}`);
      if (filePath instanceof Failure || row.deletedAt !== undefined || catalog.get(row.id) !== undefined) return false;
      const isFree = catalog.byPath(projectId, filePath) === undefined && !names.has(filePath);
      names.add(filePath);
      return isFree;
    };
    // Most are new documents under names that nobody has: those are written together.
    const plain = rows.filter(isPlain);
    if (plain.length > 0) await folderOf(projectId).begin(plain.map((row) => fresh(projectId, row)));
    const failures: unknown[] = [];
    for (const row of rows)
      if (!plain.includes(row)) await takeOne(projectId, row).catch((cause) => failures.push(cause));
    if (failures.length > 0) throw failures[0];
  };

  async function takeOne(projectId: ProjectId, row: NamedElsewhere): Promise<void> {
    const filePath = checkDocumentPath(`${row.path}${row.ext}`);
    if (filePath instanceof Failure) throw filePath;
    const before = catalog.get(row.id);
    if (row.deletedAt !== undefined) {
      if (before === undefined) await catalog.put([{ ...fresh(projectId, row), deletedAt: row.deletedAt }]);
      else if (before.deletedAt === undefined) {
        // A document that nobody opened has no history yet; with its file its text would be gone.
        if (before.file !== null && before.file.seq < 0) await readable(documents.read(row.id));
        await as(row.id, row.named, () => folderOf(projectId).remove(row.id));
      }
      return;
    }
    if (before?.deletedAt !== undefined) return;
    const folder = folderOf(projectId);
    const wanted = await freeName(folder, projectId, row, filePath);
    // Another name than the other device gave is a change of this device, with a stamp of its own.
    const isTheirs = wanted === filePath;
    if (before === undefined) {
      const { named: _, ...unstamped } = fresh(projectId, row);
      await folder.begin([isTheirs ? fresh(projectId, row) : { ...unstamped, ...pathOf(wanted, row.ext) }]);
    } else if (filePathOf(before) !== wanted) {
      if (isTheirs) await as(row.id, row.named, () => folder.rename(row.id, wanted));
      else await folder.rename(row.id, wanted);
    } else {
      const { named: _, ...unstamped } = catalog.get(row.id) ?? before;
      await catalog.put([isTheirs ? { ...unstamped, named: row.named } : unstamped]);
    }
  }

  async function as(id: DocumentId, stamp: Stamp, work: () => Promise<unknown>): Promise<void> {
    catalog.expect(id, stamp);
    try {
      await work();
    } finally {
      // What failed leaves nothing behind that a later change of this device would take for its own.
      catalog.expect(id, null);
    }
  }

  /** The name itself, after whoever has it and got it later made room; else another one. */
  async function freeName(
    folder: Pick<Folder, 'rename'>,
    projectId: ProjectId,
    row: NamedElsewhere,
    filePath: string,
  ): Promise<string> {
    const holder = catalog.byPath(projectId, filePath);
    if (holder === undefined || holder.id === row.id) return filePath;
    const other = numbered(projectId, row.id, filePath, row.ext);
    if (isLater(row.named, holder.named)) return other;
    await folder.rename(holder.id, numbered(projectId, holder.id, filePath, holder.ext));
    return filePath;
  }

  function numbered(projectId: ProjectId, id: DocumentId, filePath: string, ext: string): string {
    const stem = filePath.slice(0, -ext.length);
    for (let number = 2; ; number++) {
      const candidate = `${stem} ${number}${ext}`;
      const holder = catalog.byPath(projectId, candidate);
      if (holder === undefined || holder.id === id) return candidate;
    }
  }
}

function fresh(projectId: ProjectId, { id, path, ext, createdAt, named }: NamedElsewhere): DocumentRecord {
  return {
    id,
    projectId,
    path,
    ext,
    createdAt,
    updatedAt: createdAt,
    sizeBytes: 0,
    contentHash: '',
    file: null,
    named,
  };
}

const pathOf = (filePath: string, ext: '.md' | '.qmd') => ({ path: filePath.slice(0, -ext.length), ext });
