/**
 * A folder of `.md` and `.qmd` files kept equal to documents, both ways.
 *
 *   a document changes ─► queue ─► reconcile ─► its file
 *   watcher ─► membership (new, gone, renamed) ─► catalog
 *          └─► queue ─► reconcile ─► the document
 *
 * 1. Opening writes nothing into the folder. What is due from before is written once it is open.
 * 2. A change of a document is in its file at the latest 150 ms and one write later; `flush` waits for that.
 * 3. Nothing is lost when a write fails: the document stays due and is tried again.
 */
import { Failure, filePathOf, LIMITS, type DocumentId, type IdSource, type ProjectId } from '@markco/protocol';
import type { Catalog, FileState } from '@markco/replica/documents/document-record';
import type { DocumentTexts } from '@markco/replica/documents/texts';
import { contentHash } from './content-hash.ts';
import { decodeFile, isText } from './endings.ts';
import { LEFT_ALONE, type FolderEvent, type LeftAloneReason } from './events.ts';
import { fileFailure, isTempName, type Files } from './files.ts';
import { createLateWrites } from './late-writes.ts';
import { createMembership } from './membership.ts';
import { isOtherFile } from './walk.ts';
import { createPageActions, type PageActions } from './page-actions.ts';
import { createQueue } from './queue.ts';
import { createReconciler, type FaultPoint, type Outcome } from './reconcile.ts';
import { createPause, wait, type Timer } from './timer.ts';
import { createPollingWatcher } from './watcher-polling.ts';
import type { Watch, Watcher } from './watcher.ts';

export type FolderParts = {
  readonly files: Files;
  readonly catalog: Catalog;
  readonly texts: DocumentTexts;
  /** Wall clock and randomness, for ids, temporary names and the authors of steps. */
  readonly ids: IdSource;
  readonly timer: Timer;
  readonly watcher: Watcher;
  /** Milliseconds from the first change that was not in the file to the file that holds it. */
  readonly lagMs?: (ms: number) => void;
  readonly fault?: (point: FaultPoint) => void;
};

export type Folder = Omit<PageActions, 'requireLive' | 'give'> & {
  /** Finds what changed while nobody looked. Fails with `not_found` when there is no such folder. */
  open(signal: AbortSignal): Promise<{ readonly documents: number }>;
  /** The text of a document that has no state yet. The caller makes the state and puts `{ ...file, seq }` into the row. */
  initialText(id: DocumentId): Promise<{ readonly text: string; readonly file: FileState }>;
  /** Every change made before the call is in its file when this resolves. An abort stops the waiting, not the writing. */
  flush(ids: readonly DocumentId[] | 'all', signal: AbortSignal): Promise<void>;
  /** Looks through the whole folder. */
  rescan(signal: AbortSignal): Promise<void>;
  onEvent(listener: (event: FolderEvent) => void): () => void;
  /** Finishes what runs. Changes that are still due are found again by the next `open`. */
  close(): Promise<void>;
};

const SLICE_MS = 8;
const LEFT_ALONE_MAX = 10_000;
const FLUSH_AGAIN_MS = 100;
/** When to look again at a document that has a state while its row does not say so yet. */
const IMPORTING_MS = 1_000;

export function createFolder(
  parts: FolderParts,
  { root, projectId }: { readonly root: string; readonly projectId: ProjectId },
): Folder {
  const { files, catalog, texts, ids, timer } = parts;
  const fault = parts.fault ?? (() => undefined);
  const tag = projectId.slice(-12);
  const listeners = new Set<(event: FolderEvent) => void>();
  /** Documents that are ahead of their files: to which position, since when, and since when by what the write under way may miss. */
  const behind = new Map<DocumentId, { seq: number; since: number; nextSince: number | null }>();
  const outcomes = new Map<DocumentId, Outcome>();
  const failing = new Set<DocumentId>();
  const leftAlone = new Map<string, LeftAloneReason>();
  /** Touched before the folder was open; null from then on. */
  let early: Set<DocumentId> | null = new Set();
  let watch: Watch | undefined;
  const closing = new AbortController();

  const emit = (event: FolderEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const leave = (filePath: string, reason: LeftAloneReason): void => {
    if (leftAlone.get(filePath) === reason) return;
    // Forgetting only means that somebody hears it twice.
    if (leftAlone.size >= LEFT_ALONE_MAX) leftAlone.clear();
    leftAlone.set(filePath, reason);
    emit({ type: 'left-alone', filePath, reason, message: LEFT_ALONE[reason] });
  };
  const touch = (id: DocumentId): void => {
    if (early === null) queue.touch(id);
    else early.add(id);
  };
  const randomName = (): string => Buffer.from(ids.randomBytes(8)).toString('hex');
  const newAuthor = (): number => Buffer.from(ids.randomBytes(4)).readUInt32BE();

  const pause = createPause(timer, SLICE_MS);
  const membership = createMembership(
    { files, catalog, timer, ids, touch, emit, leave, pause, bytesMax: LIMITS.documentTextBytesMax },
    { projectId, tag },
  );
  const lateWrites = createLateWrites(
    { texts, timer, newAuthor, onFailure: (id, error) => noteFailure(id, error) },
    { bytesMax: LIMITS.documentStateBytesMax },
  );
  const reconciler = createReconciler(
    {
      files,
      catalog,
      texts,
      timer,
      lateWrites,
      newAuthor,
      randomName,
      diskPathOf: membership.diskPathOf,
      isBehind: (id) => behind.has(id),
      emit,
      fault,
    },
    { tag },
  );

  const nameOf = (id: DocumentId): string => {
    const record = catalog.get(id);
    return record === undefined ? '' : filePathOf(record);
  };
  const noteFailure = (id: DocumentId, error: unknown): Failure => {
    const failure = fileFailure(error, nameOf(id));
    if (!failing.has(id)) {
      failing.add(id);
      emit({ type: 'write-failed', id, filePath: nameOf(id), code: failure.code, message: failure.message });
    }
    return failure;
  };

  const run = async (id: DocumentId): Promise<void> => {
    let outcome: Outcome;
    const due = behind.get(id);
    if (due !== undefined) due.nextSince = null;
    const seqBefore = due?.seq ?? 0;
    try {
      outcome = await reconciler.reconcile(id);
    } catch (error) {
      throw noteFailure(id, error);
    }
    if (outcome === 'equal') outcomes.delete(id);
    else outcomes.set(id, outcome);
    if (failing.delete(id) && outcome === 'equal') emit({ type: 'write-recovered', id, filePath: nameOf(id) });
    if (outcome === 'equal') noteEqual(id, seqBefore);
    else if (outcome === 'missing') {
      if (catalog.get(id)?.file === null) await actions.give(id).then(() => touch(id));
      else membership.missing(id);
    } else if (outcome === 'gone') forget(id);
    else leave(nameOf(id), outcome.leftAlone);
  };
  const noteEqual = (id: DocumentId, seqBefore: number): void => {
    const due = behind.get(id);
    const file = catalog.get(id)?.file;
    leftAlone.delete(nameOf(id));
    if (due === undefined || file === null || file === undefined) return;
    if (file.seq < 0) timer.after(IMPORTING_MS, () => behind.has(id) && touch(id));
    if (file.seq < seqBefore) return;
    parts.lagMs?.(timer.now() - due.since);
    if (file.seq >= due.seq && file.taken === undefined) behind.delete(id);
    else due.since = due.nextSince ?? timer.now();
  };
  const forget = (id: DocumentId): void => {
    behind.delete(id);
    outcomes.delete(id);
    failing.delete(id);
  };
  const queue = createQueue({ timer, run });

  const noteChange = (id: DocumentId, seq: number): void => {
    const record = catalog.get(id);
    if (record === undefined || record.projectId !== projectId || record.deletedAt !== undefined) return;
    const due = behind.get(id);
    if (due === undefined) behind.set(id, { seq, since: timer.now(), nextSince: null });
    else {
      due.seq = Math.max(due.seq, seq);
      due.nextSince ??= timer.now();
    }
    touch(id);
  };
  const stopListening = texts.onChange(noteChange);

  const noteScanFailure = (error: unknown): void => {
    if (closing.signal.aborted) return;
    const { code, message } = fileFailure(error, root);
    emit({ type: 'scan-failed', code, message });
  };
  const attempt = (work: () => Promise<unknown>): void => {
    work().catch(noteScanFailure);
  };
  const startWatching = async (): Promise<void> => {
    const rescan = async (): Promise<void> => void (await membership.scan(closing.signal));
    const poll = async (): Promise<void> => {
      await watch?.close();
      watch = await createPollingWatcher({ timer, scan: rescan }).open(root, {
        changed: () => undefined,
        lost: () => undefined,
        failed: noteScanFailure,
      });
      emit({
        type: 'watching',
        how: 'polling',
        message: 'The system gives no notice of changed files here, so MarkCo looks for them every few seconds.',
      });
    };
    try {
      watch = await parts.watcher.open(root, {
        changed: (paths) => {
          const others = paths.filter((path) => !isTempName(path.slice(path.lastIndexOf('/') + 1), tag));
          if (others.length === 0 || closing.signal.aborted) return;
          attempt(() => membership.look(others));
          const files = others.filter(isOtherFile);
          if (files.length > 0) emit({ type: 'others', paths: files });
        },
        lost: () => attempt(rescan),
        failed: () => attempt(poll),
      });
      emit({ type: 'watching', how: 'native', message: 'The system tells MarkCo of changed files at once.' });
    } catch {
      await poll();
    }
  };

  const actions = createPageActions(
    {
      files,
      catalog,
      membership,
      ids,
      randomName,
      align: queue.runNow,
      isLeftAlone: (id) => typeof outcomes.get(id) === 'object',
      forget,
      emit,
      fault,
    },
    { projectId, tag },
  );

  /** Null when it is not where its row says, or was renamed meanwhile: another one may have its old name. */
  const readInitial = async (id: DocumentId): Promise<{ text: string; file: FileState } | null> => {
    const record = actions.requireLive(id);
    const resolved = await files.resolve(membership.diskPathOf(record));
    const open = typeof resolved === 'string' ? undefined : await files.open(resolved.path);
    if (open === undefined) return null;
    try {
      const bytes = await open.read(LIMITS.documentTextBytesMax);
      if (bytes === null)
        throw new Failure(
          'too_large',
          `${JSON.stringify(filePathOf(record))} is too large. ${LEFT_ALONE['too-large']}`,
        );
      if (!isText(bytes))
        throw new Failure(
          'unsupported',
          `${JSON.stringify(filePathOf(record))} cannot be shown. ${LEFT_ALONE['not-text']}`,
        );
      const { mtimeMs, ino } = await open.stat();
      if (nameOf(id) !== filePathOf(record)) return null;
      return {
        text: decodeFile(bytes).text,
        file: { seq: -1, mtimeMs, ino, size: bytes.length, hash: await contentHash(bytes) },
      };
    } finally {
      await open.close();
    }
  };

  return {
    async open(signal) {
      if ((await files.stat(''))?.kind !== 'folder')
        throw new Failure('not_found', `There is no folder ${JSON.stringify(root)}. Put it back or open another one.`);
      await startWatching();
      for (const record of catalog.list(projectId))
        if (record.file?.writing !== undefined) await reconciler.settle(record);
      const { found, temps } = await membership.scan(signal);
      for (const temp of temps) await files.remove(temp, () => true).catch(() => false);
      await membership.believed();
      for (const { id, file } of catalog.list(projectId)) {
        if (file !== null && file.seq < 0) continue;
        signal.throwIfAborted();
        const seq = await texts.position(id);
        if (seq > (file?.seq ?? 0) || file?.taken !== undefined) noteChange(id, seq);
        await pause();
      }
      const due = early ?? [];
      early = null;
      for (const id of due) queue.touch(id);
      return { documents: found.size };
    },

    // A file that is being renamed is under its new name before its row says so: then it is looked for after that.
    initialText: async (id) =>
      (await readInitial(id)) ??
      (await membership.inTurn(async () => {
        const found = await readInitial(id);
        if (found === null)
          throw new Failure('not_found', `${JSON.stringify(nameOf(id))} is not in its folder right now. Put it back.`);
        return found;
      })),

    async flush(which, signal) {
      const due = which === 'all' ? [...behind.keys()] : which.filter((id) => behind.has(id));
      const isDue = new Map(due.map((id) => [id, behind.get(id)?.seq ?? 0]));
      const flushOne = async (id: DocumentId): Promise<void> => {
        for (;;) {
          signal.throwIfAborted();
          await queue.runNow(id);
          const outcome = outcomes.get(id);
          if (!behind.has(id) || (catalog.get(id)?.file?.seq ?? 0) >= (isDue.get(id) ?? 0)) return;
          if (typeof outcome === 'object')
            throw new Failure(
              'conflict',
              `${JSON.stringify(nameOf(id))} cannot be written. ${LEFT_ALONE[outcome.leftAlone]}`,
            );
          await wait(timer, FLUSH_AGAIN_MS);
        }
      };
      const { promise, reject } = Promise.withResolvers<never>();
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener('abort', onAbort);
      try {
        signal.throwIfAborted();
        await Promise.race([Promise.all(due.map(flushOne)), promise]);
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },

    create: actions.create,
    begin: actions.begin,
    rename: actions.rename,
    remove: actions.remove,

    rescan: async (signal) => void (await membership.scan(signal)),

    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    async close() {
      closing.abort();
      stopListening();
      await watch?.close();
      await membership.close();
      await queue.close(new Failure('not_ready', 'The project is being closed. Open it again.'));
      await lateWrites.close();
    },
  };
}
