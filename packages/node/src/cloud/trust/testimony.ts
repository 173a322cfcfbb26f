/**
 * What the devices of a user tell each other of what their cloud said to them. One that tells two devices different
 * things is found out when they meet.
 *
 * When they meet each tells the newest of it, and from then on what has changed, at most every TELL_MS.
 */
import { decodeStateVector, encodeStateVector, type DeviceId, type DocumentId } from '@markco/protocol';
import { COST } from '@markco/replica/replicate/cost';
import { KEPT_MAX, VECTOR_CHARS_MAX } from '@markco/replica/replicate/messages';
import type { KeptMessage, Testimony } from '@markco/replica/replicate/witness';
import type { Broken, HeldToItsWords } from './held-to-its-words.ts';

const TELL_MS = 2_000;

type Listener = { readonly say: (message: KeptMessage) => void; readonly pending: Set<DocumentId> };

export function createTestimony(parts: {
  readonly words: HeldToItsWords;
  /** The cloud that this device is with. */
  readonly cloud: () => DeviceId | undefined;
  readonly now: () => number;
  readonly found: (broken: Broken | null) => void;
}): Testimony & { changed(id: DocumentId): void; close(): void } {
  const { words, now } = parts;
  const listeners = new Set<Listener>();
  let timer: NodeJS.Timeout | undefined;

  function tell({ say, pending }: Listener): void {
    const cloud = parts.cloud();
    if (cloud === undefined || pending.size === 0) return;
    const documents: KeptMessage['documents'] = [];
    for (const [id, { clocks, at }] of words.said()) {
      if (!pending.has(id)) continue;
      const vector = Buffer.from(encodeStateVector(clocks)).toString('base64');
      if (vector.length <= VECTOR_CHARS_MAX) documents.push([id, vector, Math.max(0, now() - at)]);
    }
    pending.clear();
    // What was said last is at the end.
    if (documents.length > 0) say({ op: 'kept', cloud, documents: documents.slice(-KEPT_MAX) });
  }

  return {
    open(device, say, wasted) {
      const listener: Listener = { say, pending: new Set(Array.from(words.said(), ([id]) => id)) };
      listeners.add(listener);
      tell(listener);
      return {
        receive({ cloud, documents }) {
          wasted(COST.question);
          for (const [id, vector, agoMs] of documents)
            parts.found(words.hadThere(id, decodeStateVector(Buffer.from(vector, 'base64')), cloud, device, agoMs));
        },
        end: () => void listeners.delete(listener),
      };
    },
    changed(id) {
      if (listeners.size === 0) return;
      for (const { pending } of listeners) pending.add(id);
      timer ??= setTimeout(() => {
        timer = undefined;
        for (const listener of listeners) tell(listener);
      }, TELL_MS).unref();
    },
    close: () => clearTimeout(timer),
  };
}
