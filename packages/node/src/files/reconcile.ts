/**
 * One document and its file, made equal, whatever state both are in.
 *
 * The row names a common ancestor: the text at `seq`, then the `taken` steps, is what the file held when it had
 * `hash`. Each pass reads the file, takes in what others wrote since (a diff against the ancestor, merged by the
 * CRDT), and replaces the file by the merged text.
 *
 * 1. The ancestor is true at every moment, so nothing is applied twice or undone: a step is in the row before it
 *    is in the document, and a replacement is in the row (`writing`) before it is in the folder.
 * 2. Whether a noted replacement happened is read from the folder: its temporary file is there, or it is not. So the
 *    note is withdrawn before the temporary file is.
 * 3. The file is replaced only as long as it is what was read; who opened it earlier is heard once more afterwards.
 * 4. `decide → act` for one id never runs twice at once (the queue sees to it).
 */
import { Failure, filePathOf, LIMITS, type DocumentId } from '@markco/protocol';
import type { Catalog, DocumentRecord, FileState } from '@markco/replica/documents/document-record';
import type { DocumentTexts, TextStep } from '@markco/replica/documents/texts';
import { contentHash } from './content-hash.ts';
import { asWritten, decodeFile, encodeFile, isText } from './endings.ts';
import { applySteps, smallestEdits } from '@markco/replica/documents/edits';
import type { FolderEvent, LeftAloneReason } from './events.ts';
import { folderOf, isSameFile, tempPathFor, type FileStat, type Files, type OpenFile } from './files.ts';
import type { LateWrites } from './late-writes.ts';
import { withTitle, writtenTitle } from './written-title.ts';
import { hasNoFileYet, NO_FILE } from './rows.ts';
import { wait, type Timer } from './timer.ts';

/** Where a test may end the program. */
export const FAULT_POINTS = [
  'afterTaken',
  'afterEditBeforeRecord',
  'afterTempWritten',
  'afterReplacementNoted',
  'afterRename',
  'afterFolderSynced',
  'afterRecordPut',
  'afterNoteWithdrawn',
  'afterMove',
  'afterUnlink',
] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];

const PASSES_MAX = 20;
/** How long an empty file must stay empty before it is believed: editors truncate first and write then. */
const EMPTY_MS = 50;
const CHANGING_MS = 20;
/** Steps that wait for the file to be written; beyond, what is in the file stays there until it can be. */
const TAKEN_MAX = 64;

export type Outcome = 'equal' | 'missing' | 'gone' | { readonly leftAlone: LeftAloneReason };

export type ReconcileParts = {
  readonly files: Files;
  readonly catalog: Catalog;
  readonly texts: DocumentTexts;
  readonly timer: Timer;
  readonly lateWrites: LateWrites;
  readonly newAuthor: () => number;
  readonly randomName: () => string;
  /** The path in the folder, which may be spelled with other code points than the document's. */
  readonly diskPathOf: (record: DocumentRecord) => string;
  /** Whether the document may have changed since it was last equal to its file. */
  readonly isBehind: (id: DocumentId) => boolean;
  readonly emit: (event: FolderEvent) => void;
  readonly fault: (point: FaultPoint) => void;
};

/** Where the replaced text stood in the document's history, and what the file is now. */
type Replacement = {
  readonly seq: number;
  readonly steps: readonly TextStep[];
  readonly next: FileState;
  readonly text: string;
};

type Seen = { readonly bytes: Uint8Array; readonly stat: FileStat; readonly hash: string };

export type Reconciler = {
  reconcile(id: DocumentId): Promise<Outcome>;
  /** Finds out how a replacement ended that was under way when the program did. */
  settle(record: DocumentRecord): Promise<void>;
};

export function createReconciler(parts: ReconcileParts, { tag }: { readonly tag: string }): Reconciler {
  const { files, catalog, texts, timer, lateWrites, newAuthor, randomName, diskPathOf, isBehind, emit, fault } = parts;
  /** Documents whose `taken` steps this process has merged. Bounded by the documents that cannot be written now. */
  const merged = new Set<DocumentId>();

  /** `text`: what the file holds from now on; absent where that is not at hand, the title stays then. */
  const putFile = async (id: DocumentId, file: FileState, text?: string): Promise<void> => {
    const record = catalog.get(id);
    if (record === undefined || record.deletedAt !== undefined) return;
    if (file.taken === undefined) merged.delete(id);
    const updatedAt = record.file?.hash === file.hash ? record.updatedAt : isoTime(file.mtimeMs, record.updatedAt);
    const titled = text === undefined ? record : withTitle(record, writtenTitle(text));
    await catalog.put([{ ...titled, file, sizeBytes: file.size, contentHash: file.hash, updatedAt }]);
  };

  const settle = async (record: DocumentRecord): Promise<void> => {
    const { file } = record;
    if (file?.writing === undefined) return;
    const { seq, hash, size, temp } = file.writing;
    const there = await files.stat(temp);
    // A new file is placed by a second name, which for a moment both have.
    const isPlaced = there !== undefined && (await files.stat(diskPathOf(record)))?.ino === there.ino;
    if (isPlaced) await files.remove(temp, (found) => found?.ino === there.ino);
    if (there === undefined || isPlaced) {
      await putFile(record.id, { seq, hash, size, ino: 0, mtimeMs: file.mtimeMs });
      return;
    }
    const { writing: _, ...before } = file;
    await putFile(record.id, before);
    fault('afterNoteWithdrawn');
    await files.remove(temp, (found) => found?.ino === there.ino);
  };

  const reconcile = async (id: DocumentId): Promise<Outcome> => {
    let emptySince: FileStat | undefined;
    for (let pass = 0; pass < PASSES_MAX; pass++) {
      const before = catalog.get(id);
      if (before === undefined || before.deletedAt !== undefined) return 'gone';
      await settle(before);
      const resolved = await files.resolve(diskPathOf(before));
      if (resolved === 'missing') {
        const record = requireRecord(id);
        if (!hasNoFileYet(record)) return 'missing';
        if ((await writeFirst(record)) === 'equal') return 'equal';
        continue;
      }
      if (resolved === 'outside') return { leftAlone: 'leads-outside' };
      const open = await files.open(resolved.path);
      if (open === undefined) {
        if ((await files.stat(resolved.path)) === undefined) return 'missing';
        return { leftAlone: 'special-file' };
      }
      let isHeld = false;
      try {
        const seen = await read(open);
        if (seen === 'changing') {
          await wait(timer, CHANGING_MS);
          continue;
        }
        if (typeof seen === 'string') return { leftAlone: seen };
        const record = catalog.get(id);
        if (record === undefined || record.deletedAt !== undefined) return 'gone';
        // It was renamed, and what was read may be the file of another one that has its old name.
        if (filePathOf(record) !== filePathOf(before)) continue;
        const isNewlyEmpty = seen.bytes.length === 0 && record.file !== null && !isAsSeen(record.file, seen);
        if (isNewlyEmpty && !isSameFile(emptySince, seen.stat)) {
          emptySince = seen.stat;
          await wait(timer, EMPTY_MS);
          continue;
        }
        if (record.file === null) {
          // It began in the page, which may have it open: what a program made under the same name comes into it as an
          // edit, and both texts stay.
          await putFile(id, NO_FILE);
          continue;
        }
        if (record.file.seq < 0) {
          if (isAsSeen(record.file, seen)) return 'equal';
          await putFile(id, { seq: -1, ...seenState(seen) }, decodeFile(seen.bytes).text);
          if (record.file.hash !== seen.hash) emit({ type: 'changed', id, filePath: filePathOf(record) });
          return 'equal';
        }
        if (isAsSeen(record.file, seen) && record.file.taken === undefined && !isBehind(id)) return 'equal';
        if (await takeIn(record, record.file, seen)) return 'equal';
        const replaced = await replaceFile(id, resolved.path, seen);
        if (replaced === 'equal') return 'equal';
        if (replaced === 'changed') continue;
        isHeld = true;
        try {
          await finishReplacing(id, resolved.path, replaced);
        } finally {
          await lateWrites.hold({ id, file: open, bytes: seen.bytes, seq: replaced.seq, steps: replaced.steps });
        }
        return 'equal';
      } finally {
        if (!isHeld) await open.close();
      }
    }
    throw new Failure(
      'conflict',
      `${JSON.stringify(filePathOf(requireRecord(id)))} changes faster than it can be merged. Edits are safe in MarkCo; it tries again by itself.`,
      { retryable: true },
    );
  };

  const requireRecord = (id: DocumentId): DocumentRecord => {
    const record = catalog.get(id);
    if (record === undefined)
      throw new Failure('not_found', 'This document is not in the catalog any more. Open the project again.');
    return record;
  };

  const read = async (open: OpenFile): Promise<Seen | 'changing' | LeftAloneReason> => {
    const stat = await open.stat();
    const bytes = await open.read(LIMITS.documentStateBytesMax);
    if (bytes === null) return 'too-large';
    if (!isSameFile(stat, await open.stat()) || bytes.length !== stat.size) return 'changing';
    if (!isText(bytes)) return 'not-text';
    return { bytes, stat, hash: await contentHash(bytes) };
  };

  /** Merges what others wrote into the file. True when document and file are equal by then. */
  const takeIn = async (record: DocumentRecord, file: FileState, seen: Seen): Promise<boolean> => {
    const { id } = record;
    const taken = file.taken ?? [];
    if (taken.length > 0 && !merged.has(id)) {
      // Known from the row only: the program may have ended before they were merged.
      await texts.edit(id, file.seq, taken, 'file');
      merged.add(id);
    }
    if (seen.hash === file.hash) return false;
    const now = await texts.read(id);
    if (isEqual(encodeFile(now.text, seen.bytes), seen.bytes)) {
      await putFile(id, { seq: now.seq, ...seenState(seen) }, now.text);
      return true;
    }
    const ancestor = asWritten(applySteps(await texts.textAt(id, file.seq), taken));
    const edits = smallestEdits(ancestor, decodeFile(seen.bytes).text);
    if (edits.length === 0) {
      await putFile(id, { ...file, ...seenState(seen) });
      return false;
    }
    if (taken.length >= TAKEN_MAX) {
      throw new Failure(
        'conflict',
        `${JSON.stringify(filePathOf(record))} was changed by others too often since MarkCo could last write it. Make it writable; nothing is lost meanwhile.`,
        { retryable: true },
      );
    }
    const steps = [...taken, { author: newAuthor(), edits }];
    await putFile(id, { ...seenState(seen), seq: file.seq, taken: steps });
    fault('afterTaken');
    merged.delete(id);
    await texts.edit(id, file.seq, steps, 'file');
    merged.add(id);
    fault('afterEditBeforeRecord');
    emit({ type: 'changed', id, filePath: filePathOf(record) });
    return false;
  };

  /** Replaces the file by the text, if it is still what was read. */
  const replaceFile = async (id: DocumentId, path: string, seen: Seen): Promise<'equal' | 'changed' | Replacement> => {
    const now = await texts.read(id);
    const { file } = requireRecord(id);
    if (file === null) return 'changed';
    const bytes = encodeFile(now.text, seen.bytes);
    if (isEqual(bytes, seen.bytes)) {
      if (file.seq !== now.seq || file.taken !== undefined || !isAsSeen(file, seen))
        await putFile(id, { seq: now.seq, ...seenState(seen) }, now.text);
      return 'equal';
    }
    const temp = tempPathFor(path, tag, randomName());
    const hash = await contentHash(bytes);
    let written: FileStat;
    try {
      written = await files.writeNew(temp, bytes, seen.stat);
    } catch (error) {
      await files.remove(temp, () => true).catch(() => false);
      throw error;
    }
    fault('afterTempWritten');
    await putFile(id, { ...file, writing: { seq: now.seq, hash, size: bytes.length, temp } });
    fault('afterReplacementNoted');
    if (!(await files.replace(temp, path, (there) => isSameFile(there, seen.stat)))) return 'changed';
    fault('afterRename');
    if (seen.stat.links > 1)
      emit({ type: 'links-parted', id, filePath: filePathOf(requireRecord(id)), others: seen.stat.links - 1 });
    return {
      seq: file.seq,
      steps: file.taken ?? [],
      next: { seq: now.seq, ...seenState({ bytes, stat: written, hash }) },
      text: now.text,
    };
  };

  /** The first file of a document that was made in the page; `changed`: a program has made one meanwhile. */
  const writeFirst = async (record: DocumentRecord): Promise<'equal' | 'changed'> => {
    const { id } = record;
    if ((await texts.position(id)) === 0) return 'equal';
    const path = diskPathOf(record);
    const now = await texts.read(id);
    const bytes = encodeFile(now.text, new Uint8Array());
    const temp = tempPathFor(path, tag, randomName());
    const hash = await contentHash(bytes);
    let stat: FileStat;
    try {
      await files.makeFolder(folderOf(path));
      stat = await files.writeNew(temp, bytes, undefined);
    } catch (error) {
      await files.remove(temp, () => true).catch(() => false);
      throw error;
    }
    fault('afterTempWritten');
    await putFile(id, { ...NO_FILE, writing: { seq: now.seq, hash, size: bytes.length, temp } });
    fault('afterReplacementNoted');
    if (!(await files.place(temp, path))) return 'changed';
    fault('afterRename');
    await finishReplacing(id, path, { text: now.text, next: { seq: now.seq, ...seenState({ bytes, stat, hash }) } });
    return 'equal';
  };

  const finishReplacing = async (
    id: DocumentId,
    path: string,
    { next, text }: Pick<Replacement, 'next' | 'text'>,
  ): Promise<void> => {
    await files.syncFolder(folderOf(path));
    fault('afterFolderSynced');
    await putFile(id, next, text);
    fault('afterRecordPut');
  };

  return { reconcile, settle };
}

function seenState({ stat, hash, bytes }: Seen): Omit<FileState, 'seq' | 'taken' | 'writing'> {
  return { mtimeMs: stat.mtimeMs, ino: stat.ino, size: bytes.length, hash };
}
function isAsSeen(file: FileState, { stat, hash }: Seen): boolean {
  return file.hash === hash && file.mtimeMs === stat.mtimeMs && file.ino === stat.ino && file.size === stat.size;
}
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
function isoTime(ms: number, otherwise: string): string {
  const date = new Date(ms);
  return ms <= 0 || Number.isNaN(date.getTime()) ? otherwise : date.toISOString();
}
