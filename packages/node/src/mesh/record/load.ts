/** Reads the record from its bytes, for a handle of `automerge-repo` that is to be opened with it. */
import { getHeads, load, type Doc } from '@automerge/automerge';

/** Under this name Automerge keeps beside a document what it worked out last. */
const STATE = Symbol.for('_am_meta');

/**
 * Who opens a document asks what is new in it, which is all of it: to tell that takes longer than reading it, and nobody
 * listens. So the answer is there before the question. A version that keeps no such answer works it out, as before.
 * @param bytes all chunks, one behind the other
 * @param actor as whom it is written from now on, hexadecimal
 */
export function loadRecord<T>(bytes: Uint8Array, actor: string): Doc<T> {
  const doc = load<T>(bytes, { actor });
  const state = Reflect.get(doc as object, STATE) as { mostRecentPatch?: object } | undefined;
  if (state !== undefined) state.mostRecentPatch = { before: [], after: getHeads(doc), patches: [] };
  return doc;
}
