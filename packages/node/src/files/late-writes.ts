/**
 * Programs that write into a file while it is being replaced.
 *
 * A program that opened the old file before the rename writes into what no longer has a name. So the old file stays
 * open here, is compared right after the rename and once more `LINGER_MS` later, and what came in is merged as an
 * edit of the text that program saw.
 *
 * At most `HELD_MAX` files are held; beyond, the oldest gets its second look early.
 */
import type { DocumentId } from '@markco/protocol';
import type { DocumentTexts, TextStep } from '../documents/texts.ts';
import { asWritten, decodeFile, isText } from './endings.ts';
import { smallestEdits } from './edits.ts';
import type { OpenFile } from './files.ts';
import { wait, type Timer } from './timer.ts';

const LINGER_MS = 300;
const SETTLE_MS = 50;
const SETTLE_LOOKS_MAX = 10;
const HELD_MAX = 64;

/** A file that was replaced: its bytes then, and where its text stood in the document's history. */
export type Replaced = {
  readonly id: DocumentId;
  readonly file: OpenFile;
  readonly bytes: Uint8Array;
  readonly seq: number;
  readonly steps: readonly TextStep[];
};

export type LateWrites = {
  /** Takes over `file`. Resolves after the first look. */
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
  const held = new Map<OpenFile, { readonly letGo: () => Promise<void> }>();

  /** What was held, brought up to what the file holds now. */
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
    await texts.edit(replaced.id, replaced.seq, steps, 'file');
    return { ...replaced, bytes, steps };
  };

  return {
    async hold(replaced) {
      let latest: Replaced;
      try {
        latest = await look(replaced);
      } catch (error) {
        await replaced.file.close();
        throw error;
      }
      let isLetGo = false;
      const letGo = async (): Promise<void> => {
        if (isLetGo) return;
        isLetGo = true;
        cancel();
        held.delete(replaced.file);
        try {
          await look(latest);
        } catch (error) {
          onFailure(replaced.id, error);
        } finally {
          await replaced.file.close();
        }
      };
      const cancel = timer.after(LINGER_MS, () => void letGo());
      held.set(replaced.file, { letGo });
      if (held.size > HELD_MAX) await held.values().next().value?.letGo();
    },
    async close() {
      await Promise.all([...held.values()].map(({ letGo }) => letGo()));
    },
  };
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
