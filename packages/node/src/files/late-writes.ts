/**
 * Programs that write into a file while it is being replaced.
 *
 * A program that opened the old file before the rename writes into what no longer has a name. So the old file stays
 * open here, is looked at right after the rename and again at longer and longer intervals (`AGAIN_MS`), and what came
 * in is merged as an edit of the text that program saw. On a busy machine seconds may pass between a program's opening
 * a file and its writing.
 *
 * At most `HELD_MAX` files of `HELD_BYTES_MAX` are held, and `HELD_LONG_MAX` beyond their second look; of more, the oldest
 * gets its last look early. Who goes on writing for more than
 * `STEPS_MAX` looks is not heard any more, and people are told.
 */
import { Failure, type DocumentId } from '@markco/protocol';
import type { DocumentTexts, TextStep } from '@markco/replica/documents/texts';
import { asWritten, decodeFile, isText } from './endings.ts';
import { smallestEdits } from '@markco/replica/documents/edits';
import type { FileStat, OpenFile } from './files.ts';
import { wait, type Timer } from './timer.ts';

/** After each look that found nothing, the next; after one that found something, the first again. Then it is let go. */
const AGAIN_MS = [300, 1_000, 3_000, 10_000] as const;
const SETTLE_MS = 50;
const SETTLE_LOOKS_MAX = 10;
const HELD_MAX = 64;
/** Where pages are written without pause; some systems let a program have 256 files open. */
const HELD_LONG_MAX = 16;
const HELD_BYTES_MAX = 32 * 1024 * 1024;
/** Each look that finds something is a step more, and all steps are gone through with each. */
const STEPS_MAX = 64;

/** A file that was replaced: its bytes then, and where its text stood in the document's history. */
export type Replaced = {
  readonly id: DocumentId;
  readonly file: OpenFile;
  readonly bytes: Uint8Array;
  readonly seq: number;
  readonly steps: readonly TextStep[];
};

export type LateWrites = {
  /** Takes over `file`. Resolves after the first look; what goes wrong with one is told, and tried again with the next. */
  hold(replaced: Replaced): Promise<void>;
  /** A last look at all that is held. */
  close(): Promise<void>;
};

export function createLateWrites(
  {
    texts,
    timer,
    newAuthor,
    onFailure,
  }: {
    readonly texts: DocumentTexts;
    readonly timer: Timer;
    readonly newAuthor: () => number;
    readonly onFailure: (id: DocumentId, error: unknown) => void;
  },
  { bytesMax }: { readonly bytesMax: number },
): LateWrites {
  /** The oldest first. */
  const held = new Map<OpenFile, { readonly size: number; isLong(): boolean; letGo(): Promise<void> }>();

  const isTooMuch = (): boolean =>
    held.size > HELD_MAX || (held.size > 1 && held.values().reduce((sum, { size }) => sum + size, 0) > HELD_BYTES_MAX);

  /** What was held, with a step more when the file holds something else by now. */
  const look = async (replaced: Replaced): Promise<Replaced> => {
    let bytes = await replaced.file.read(bytesMax);
    if (bytes === null || isEqual(bytes, replaced.bytes)) return replaced;
    for (let looks = 0; looks < SETTLE_LOOKS_MAX; looks++) {
      await wait(timer, SETTLE_MS);
      const next: Uint8Array | null = await replaced.file.read(bytesMax);
      if (next === null) return replaced;
      const isSettled = isEqual(next, bytes);
      bytes = next;
      if (isSettled) break;
    }
    if (!isText(bytes)) return replaced;
    const edits = smallestEdits(asWritten(decodeFile(replaced.bytes).text), decodeFile(bytes).text);
    if (edits.length === 0) return replaced;
    const steps = [...replaced.steps, { author: newAuthor(), edits }];
    return { ...replaced, bytes, steps };
  };

  return {
    async hold(replaced) {
      const { id, file, seq } = replaced;
      let latest = replaced;
      /** It has a step that may not be in the document: told again it is the same one, so that it is there once. */
      let isUntold = false;
      let stat: FileStat | undefined;
      let turn = -1;
      let isEnding = false;
      let looking: Promise<void> = Promise.resolve();
      let cancel = (): void => undefined;
      const again = async (): Promise<void> => {
        try {
          const now = await file.stat();
          // The second look reads it whatever the system says: a clock that is coarse may hide a write just before.
          const isAsBefore = turn > 0 && now.size === stat?.size && now.mtimeMs === stat.mtimeMs;
          if (isAsBefore && !isUntold) return void turn++;
          const next = await look(latest);
          isUntold ||= next !== latest;
          [latest, stat] = [next, now];
          if (isUntold) await texts.edit(id, seq, latest.steps, 'file');
          turn = isUntold ? 0 : turn + 1;
          isUntold = false;
        } catch (error) {
          turn++;
          onFailure(id, error);
        }
        if (latest.steps.length < replaced.steps.length + STEPS_MAX) return;
        turn = AGAIN_MS.length;
        onFailure(id, new Failure('conflict', NOT_HEARD));
      };
      const plan = (): void => {
        const afterMs = AGAIN_MS[turn];
        if (isEnding) return;
        if (afterMs === undefined) return void end();
        cancel = timer.after(afterMs, () => {
          looking = again();
          void looking.then(plan);
        });
      };
      const end = async (): Promise<void> => {
        isEnding = true;
        held.delete(file);
        await file.close();
      };
      const letGo = async (): Promise<void> => {
        if (isEnding) return;
        isEnding = true;
        cancel();
        held.delete(file);
        await looking;
        turn = 0;
        await again();
        await file.close();
      };
      await again();
      held.set(file, { size: replaced.bytes.length, isLong: () => turn > 0, letGo });
      plan();
      for (const each of held.values()) {
        if (!isTooMuch() && !(held.size > HELD_LONG_MAX && each.isLong())) break;
        await each.letGo();
      }
    },
    async close() {
      await Promise.all([...held.values()].map(({ letGo }) => letGo()));
    },
  };
}

const NOT_HEARD =
  'A program keeps writing into this file as it was before MarkCo wrote it, and is not heard any more. Have the program open the file again.';

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
