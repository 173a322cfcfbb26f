/**
 * What a device remembers of its cloud when it is started again: what is said to be wrong with it, and what it said last that
 * it has. So a doubt stays until a person has seen to it, and a cloud that goes back while the device is off is found out.
 *
 * 1. One file, its owner's alone, whole or not there: at most DOUBTS_MAX doubts and WORDS_MAX documents.
 * 2. A doubt is on disk within SOON_MS. Words are written every LATER_MS at most, and when the device stops: of a device that
 *    is killed those of the last minutes are missing, which hides something and accuses nobody.
 * 3. What cannot be read is told, and passed over: edits, files and runs wait for nothing here.
 */
import { decodeStateVector, DeviceIdSchema, DocumentIdSchema, encodeStateVector } from '@markco/protocol';
import type { DeviceId, DocumentId } from '@markco/protocol';
import { VECTOR_CHARS_MAX } from '@markco/replica/replicate/messages';
import type { Clocks } from '@markco/replica/replicate/witness';
import { rm } from 'node:fs/promises';
import * as z from 'zod/mini';
import { readIfThere, writePrivate } from '../../device/private-file.ts';

const SOON_MS = 1_000;
const LATER_MS = 300_000;
/** Those of which it was heard last. */
const WORDS_MAX = 5_000;

const text = z.string().check(z.maxLength(10_000));
const DoubtSchema = z.object({ kind: text, at: z.number(), message: text, documents: z.array(DocumentIdSchema) });
const FileSchema = z.object({
  cloud: DeviceIdSchema,
  doubts: z.array(DoubtSchema).check(z.maxLength(100)),
  /** Document, state vector in base64, when it was said. */
  words: z.array(z.tuple([DocumentIdSchema, z.string().check(z.maxLength(VECTOR_CHARS_MAX)), z.number()])),
});

export type KeptDoubt = z.infer<typeof DoubtSchema>;
export type Remembered = {
  /** Of which cloud. */
  readonly cloud: DeviceId;
  readonly doubts: readonly KeptDoubt[];
  readonly words: Iterable<readonly [DocumentId, { readonly clocks: Clocks; readonly at: number }]>;
};

export type Memory = {
  /** Undefined where there is nothing of use. */
  read(): Promise<Remembered | undefined>;
  changed(what: 'doubts' | 'words'): void;
  /** Resolves once it is on disk, or could not be written. */
  close(): Promise<void>;
};

export function createMemory({
  file,
  now,
  known,
  onTrouble,
}: {
  readonly file: string;
  readonly now: () => number;
  /** Undefined without a cloud: then nothing is kept. */
  readonly known: () => Remembered | undefined;
  readonly onTrouble: (doing: string, cause: unknown) => void;
}): Memory {
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let writing: Promise<void> = Promise.resolve();

  function save(): void {
    clearTimeout(timer);
    timer = undefined;
    dueAt = Number.POSITIVE_INFINITY;
    writing = writing
      .then(async () => {
        const found = known();
        if (found === undefined) await rm(file, { force: true });
        else await writePrivate(file, encode(found));
      })
      .catch((cause: unknown) => onTrouble('keeping what is known of the cloud', cause));
  }

  return {
    async read() {
      try {
        const kept = await readIfThere(file);
        return kept === undefined ? undefined : decode(kept);
      } catch (cause) {
        onTrouble('reading what was known of the cloud', cause);
        return undefined;
      }
    },
    changed(what) {
      const at = now() + (what === 'doubts' ? SOON_MS : LATER_MS);
      if (at >= dueAt) return;
      clearTimeout(timer);
      dueAt = at;
      timer = setTimeout(save, at - now()).unref();
    },
    async close() {
      if (timer !== undefined) save();
      await writing;
    },
  };
}

function encode({ cloud, doubts, words }: Remembered): string {
  const kept = Array.from(words, ([id, { clocks, at }]) => [id, base64(encodeStateVector(clocks)), at] as const)
    .filter(([, vector]) => vector.length <= VECTOR_CHARS_MAX)
    .slice(-WORDS_MAX);
  return JSON.stringify({ cloud, doubts, words: kept });
}

function decode(kept: string): Remembered {
  const { cloud, doubts, words } = FileSchema.parse(JSON.parse(kept));
  return {
    ...{ cloud, doubts },
    words: words.map(([id, vector, at]) => [id, { clocks: decodeStateVector(Buffer.from(vector, 'base64')), at }]),
  };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
