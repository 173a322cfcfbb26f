/**
 * Finds the documents below a folder, and says what it leaves alone and why. Reads names, never contents, and writes nothing.
 *
 * 1. Links are not followed into folders, and not out of the project.
 * 2. Two files whose names are the same document (Unicode NFC) are one document and one file that is left alone.
 * 3. The event loop is not held: at most one time slice passes between two turns.
 */
import { checkDocumentPath, Failure, LIMITS, splitExt } from '@markco/protocol';
import type { LeftAloneReason } from './events.ts';
import { folderOf, isTempName, joinPath, type FileKind, type Files, type FileStat } from './files.ts';

/** A file that is a document: its name as such, where it is, and the regular file behind it. */
export type Found = { readonly filePath: string; readonly diskPath: string; readonly stat: FileStat };

export type Walked = {
  readonly found: ReadonlyMap<string, Found>;
  /** Replacements that were not finished. */
  readonly temps: readonly string[];
  /** Nothing at all is in the folder. */
  readonly isEmpty: boolean;
};

export type WalkParts = {
  readonly files: Files;
  readonly leave: (path: string, reason: LeftAloneReason) => void;
  readonly pause: () => Promise<void> | undefined;
};

const ENVIRONMENT_MARK = 'pyvenv.cfg';
const MACHINE_FOLDERS: ReadonlySet<string> = new Set(['node_modules', '__pycache__']);
const PARALLEL = 16;

export async function walk(
  { files, leave, pause }: WalkParts,
  { from, tag }: { readonly from: string; readonly tag: string },
  signal: AbortSignal,
): Promise<Walked> {
  const found = new Map<string, Found>();
  const temps: string[] = [];
  const folders = [from];
  let isEmpty = true;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted();
    const entries = await files.list(folder).catch((error: unknown) => {
      if (folder === from && from === '') throw error;
      if (error instanceof Failure && error.code === 'forbidden') leave(folder, 'unreadable');
      return [];
    });
    isEmpty &&= entries.length === 0;
    if (folder !== '' && entries.some(({ name }) => name === ENVIRONMENT_MARK)) {
      leave(folder, 'virtual-environment');
      continue;
    }
    const candidates: string[] = [];
    for (const { name, kind } of entries) {
      const path = joinPath(folder, name);
      if (kind === 'file' && isTempName(name, tag)) temps.push(path);
      else if (kind === 'folder') {
        const reason = reasonAgainstFolder(name);
        if (reason === null) folders.push(path);
        else leave(path, reason);
      } else if (kind === 'link' || splitExt(name) !== null) candidates.push(path);
    }
    // Names in NFC come first, so that of two twins the one that is spelled as documents are is the document.
    candidates.sort((a, b) => Number(a !== a.normalize('NFC')) - Number(b !== b.normalize('NFC')) || (a < b ? -1 : 1));
    for (let i = 0; i < candidates.length; i += PARALLEL) {
      await pause();
      for (const hit of await Promise.all(
        candidates.slice(i, i + PARALLEL).map((path) => inspect({ files, leave }, path)),
      )) {
        if (hit === undefined) continue;
        if (found.has(hit.filePath)) leave(hit.diskPath, 'name-taken');
        else if (found.size >= LIMITS.documentsPerProjectMax) leave(hit.diskPath, 'too-many');
        else found.set(hit.filePath, hit);
      }
    }
  }
  return { found, temps, isEmpty };
}

/** Whether a path is a document; otherwise says why not, if it looks like one. */
export async function inspect(
  { files, leave }: Pick<WalkParts, 'files' | 'leave'>,
  diskPath: string,
): Promise<Found | undefined> {
  const name = diskPath.slice(diskPath.lastIndexOf('/') + 1);
  const isNamedSo = splitExt(name) !== null;
  const refuse = (reason: LeftAloneReason): undefined => {
    if (isNamedSo || reason === 'linked-folder') leave(diskPath, reason);
  };
  try {
    const there = await files.stat(diskPath);
    if (there === undefined) return undefined;
    const stat = there.kind === 'link' ? await statBehind(files, diskPath) : there;
    if (stat === 'outside' || stat === undefined) return refuse('leads-outside');
    if (stat.kind === 'folder') return there.kind === 'link' ? refuse('linked-folder') : undefined;
    if (!isNamedSo) return undefined;
    if (name.startsWith('.')) return refuse('hidden');
    const filePath = checkDocumentPath(diskPath);
    if (filePath instanceof Failure) return refuse('bad-name');
    if (stat.kind !== 'file') return refuse('special-file');
    if (stat.size > LIMITS.documentTextBytesMax) return refuse('too-large');
    return { filePath, diskPath, stat };
  } catch (error) {
    if (error instanceof Failure) return refuse('unreadable');
    throw error;
  }
}

/** Why a file below one of these folders is none of ours; null when it may be. */
export async function reasonAgainstPath(files: Files, path: string): Promise<LeftAloneReason | null> {
  for (let folder = folderOf(path); folder !== ''; folder = folderOf(folder)) {
    const reason = reasonAgainstFolder(folder.slice(folder.lastIndexOf('/') + 1));
    if (reason !== null) return reason;
    const kind: FileKind | undefined = (await files.stat(folder))?.kind;
    if (kind === 'link') return 'linked-folder';
    if ((await files.stat(joinPath(folder, ENVIRONMENT_MARK))) !== undefined) return 'virtual-environment';
  }
  return null;
}

/** Whether the path may be a file of the project that is no document, by its name alone. */
export function isOtherFile(path: string): boolean {
  return splitExt(path) === null && path.split('/').every((name) => reasonAgainstFolder(name) === null);
}

/** Why a folder of this name is none of ours, wherever it is; null when it may be. */
export function reasonAgainstFolder(name: string): LeftAloneReason | null {
  if (name.startsWith('.')) return 'hidden';
  return MACHINE_FOLDERS.has(name) ? 'machine-folder' : null;
}

async function statBehind(files: Files, path: string): Promise<FileStat | 'outside' | undefined> {
  const resolved = await files.resolve(path);
  if (resolved === 'missing' || resolved === 'outside') return 'outside';
  return await files.stat(resolved.path);
}
