/** Catalog rows of files: pure. */
import { documentPathOf, filePathOf, type DocumentId, type ProjectId } from '@markco/protocol';
import type { Catalog, DocumentRecord, FileState } from '@markco/replica/documents/document-record';
import type { FolderEvent } from './events.ts';
import type { Found } from './walk.ts';

export type Hashed = Found & { readonly hash: string; readonly title: string | undefined };
export type HasFile = (filePath: string) => boolean;

/** The row of a file that was never seen before. */
export function newRow(
  found: Hashed,
  { id, projectId }: { readonly id: DocumentId; readonly projectId: ProjectId },
  hasFile: HasFile,
): DocumentRecord {
  const { mtimeMs, birthtimeMs, ino, size } = found.stat;
  return {
    id,
    projectId,
    ...(documentPathOf(found.filePath, hasFile) ?? { path: found.filePath, ext: '.md' as const }),
    ...(found.title === undefined ? {} : { title: found.title }),
    createdAt: new Date(birthtimeMs > 0 ? Math.min(birthtimeMs, mtimeMs) : mtimeMs).toISOString(),
    updatedAt: new Date(mtimeMs).toISOString(),
    sizeBytes: size,
    contentHash: found.hash,
    file: { seq: -1, mtimeMs, size, ino, hash: found.hash },
  };
}

/** `a.qmd`, called `a` so far, is called `a.qmd` from when there is an `a.md`: its new row. */
export function twinsOf(catalog: Catalog, projectId: ProjectId, filePath: string): readonly DocumentRecord[] {
  if (!filePath.endsWith('.md')) return [];
  const twin = catalog.byPath(projectId, `${filePath.slice(0, -'.md'.length)}.qmd`);
  return twin === undefined || twin.path.endsWith(twin.ext) ? [] : [{ ...twin, path: twin.path + twin.ext }];
}

/** The file kept its name, the document did not. */
export function toRenamed(record: DocumentRecord): FolderEvent {
  return { type: 'renamed', id: record.id, from: filePathOf(record), filePath: filePathOf(record) };
}

/** An inode number is used again at once for another file; one that was made before we last saw it is the same. */
export function isSameInode(record: DocumentRecord, { stat, hash }: Hashed): boolean {
  const isOlder = stat.birthtimeMs > 0 && record.file !== null && stat.birthtimeMs <= record.file.mtimeMs;
  return record.file?.ino === stat.ino && (hash === record.contentHash || isOlder);
}

/** What stands for the file of a document that was made in the page and is not in the folder yet: an empty text. */
export const NO_FILE: FileState = {
  seq: 0,
  ino: 0,
  mtimeMs: 0,
  size: 0,
  hash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
};

/** The document never had a file, so that a missing one does not mean that it was deleted. */
export function hasNoFileYet({ file }: DocumentRecord): boolean {
  return file === null || (file.seq === 0 && file.ino === 0);
}

export function isUnchanged({ file }: DocumentRecord, { stat }: Found): boolean {
  return file !== null && file.ino === stat.ino && file.mtimeMs === stat.mtimeMs && file.size === stat.size;
}
