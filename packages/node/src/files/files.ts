/**
 * What the projection asks of a file system, for one folder. Paths are relative to it, `/` between their parts,
 * '' is the folder itself. The kinds: the disk, and in tests a memory with faults.
 *
 * 1. Nothing outside the folder is read or written, also while somebody swaps its parts for links.
 * 2. What is missing is `undefined` or `false`, what is refused throws: a Failure with `disk_full`, `forbidden`
 *    or `storage_failed`, whose cause is the system's error.
 * 3. `replace`, `move` and `remove` look and act in one turn of the event loop.
 */
import { Failure } from '@markco/protocol';

export type FileKind = 'file' | 'folder' | 'link' | 'other';
export type Entry = { readonly name: string; readonly kind: FileKind };
export type FileStat = {
  readonly kind: FileKind;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  /** When the file was made, 0 where the system does not say. */
  readonly birthtimeMs: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** How many names the file has. */
  readonly links: number;
};

/** What a file has beside its bytes and its name. */
export type FileOwner = Pick<FileStat, 'mode' | 'uid' | 'gid'>;

/** A regular file that stays the same one, whatever happens to its name. */
export type OpenFile = {
  stat(): Promise<FileStat>;
  /** All bytes; `null` when there are more than `bytesMax`. */
  read(bytesMax: number): Promise<Uint8Array | null>;
  close(): Promise<void>;
};

/** `outside`: the links lead out of the folder; `missing`: to nothing. */
export type Resolved = { readonly path: string } | 'outside' | 'missing';

export type Files = {
  list(folder: string): Promise<readonly Entry[]>;
  /** Of the name itself, not of what it links to. */
  stat(path: string): Promise<FileStat | undefined>;
  /** The path without links. */
  resolve(path: string): Promise<Resolved>;
  /** A regular file by a path without links; `undefined` when it is none, or gone. */
  open(path: string): Promise<OpenFile | undefined>;
  /** A new file with mode and owner of `like`, on disk when this resolves. Fails when the name is taken. */
  writeNew(path: string, bytes: Uint8Array, like: FileOwner | undefined): Promise<FileStat>;
  /** Renames `temp` over `path`, in the same folder, if what is there is as expected. */
  replace(temp: string, path: string, isExpected: (there: FileStat | undefined) => boolean): Promise<boolean>;
  /** Gives `temp` its name, in the same folder; `false` when that name is taken. */
  place(temp: string, path: string): Promise<boolean>;
  /** Renames without replacing: `false` when `to` is another file already, or `from` is gone. Makes the folders of `to`. */
  move(from: string, to: string): Promise<boolean>;
  remove(path: string, isExpected: (there: FileStat | undefined) => boolean): Promise<boolean>;
  makeFolder(folder: string): Promise<void>;
  syncFolder(folder: string): Promise<void>;
};

/** Where a replacement is prepared: beside its file, recognizable, and hidden from whoever lists documents. */
export function tempPathFor(path: string, tag: string, random: string): string {
  return joinPath(folderOf(path), `.markco-${tag}-${random}.tmp`);
}
export function isTempName(name: string, tag: string): boolean {
  return name.startsWith(`.markco-${tag}-`) && name.endsWith('.tmp');
}

export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
export function joinPath(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** Same file, same content as far as the system knows. */
export function isSameFile(a: FileStat | undefined, b: FileStat | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.kind === b.kind
  );
}

/** A system error as a Failure that says what the reader can do. */
export function fileFailure(error: unknown, path: string): Failure {
  if (error instanceof Failure) return error;
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new Failure(
      'disk_full',
      `Can't write to ${JSON.stringify(path)}: the disk is full. Edits are safe in MarkCo and will be written when there is space.`,
      { retryable: true, cause: error },
    );
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new Failure(
      'forbidden',
      `Can't use ${JSON.stringify(path)}: the system doesn't allow it. Edits are safe in MarkCo; give yourself permission on the file and its folder.`,
      { retryable: true, cause: error },
    );
  }
  return new Failure(
    'storage_failed',
    `Can't use ${JSON.stringify(path)} (${code ?? 'unknown error'}). Edits are safe in MarkCo; it tries again by itself.`,
    { retryable: true, cause: error },
  );
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
