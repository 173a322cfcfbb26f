/**
 * What the thread of the cells says, on its way to the thread that sends it: records of text in shared memory, with one
 * writer, one reader and no lock.
 *
 * 1. A record is there whole or not at all: V8 may end the writer after any step (`breaker.mjs`), so that one store
 *    makes a record known, after its text is there.
 * 2. Bounded: who writes waits for room.
 */
const [HEAD, TAIL, READING] = [0, 1, 2];
const STATE_BYTES = 16;
/** UTF-16 units: a power of two, so that a position goes on counting where the memory begins anew. */
const RING_CHARS = 128 * 1024;
const HEADER_CHARS = 2;
const SKIP = 0;
/** The longest text of one record. */
export const PIECE_CHARS = 16 * 1024;
/** Waiting ends by being woken; looking again from time to time costs nothing. */
const LOOK_MS = 1_000;

export const newRing = () => new SharedArrayBuffer(STATE_BYTES + RING_CHARS * 2);

function partsOf(memory) {
  const chars = Buffer.from(memory, STATE_BYTES);
  return { state: new Int32Array(memory, 0, 3), headers: new Uint16Array(memory, STATE_BYTES), chars };
}

export function createWriter(memory) {
  const { state, headers, chars } = partsOf(memory);

  return {
    /** `kind` is a number above 0, the text at most `PIECE_CHARS` long. Waits while there is no room. */
    put(kind, text) {
      const size = HEADER_CHARS + text.length;
      for (;;) {
        const head = Atomics.load(state, HEAD);
        const tail = state[TAIL];
        const at = tail & (RING_CHARS - 1);
        const skipped = at + size > RING_CHARS ? RING_CHARS - at : 0;
        if (((tail - head) | 0) + skipped + size > RING_CHARS) {
          Atomics.wait(state, HEAD, head, LOOK_MS);
          continue;
        }
        if (skipped > 0) headers[at] = SKIP;
        const to = skipped > 0 ? 0 : at;
        headers[to] = kind;
        headers[to + 1] = text.length;
        chars.write(text, (to + HEADER_CHARS) * 2, 'utf16le');
        Atomics.store(state, TAIL, (tail + skipped + size) | 0);
        return;
      }
    },

    /** Whether the reader finds by itself what was put. */
    isRead: () => Atomics.load(state, READING) === 1,

    /** Waits until everything is released. */
    settle() {
      for (;;) {
        const head = Atomics.load(state, HEAD);
        if (head === state[TAIL]) return;
        Atomics.wait(state, HEAD, head, LOOK_MS);
      }
    },
  };
}

export function createReader(memory) {
  const { state, headers, chars } = partsOf(memory);

  return {
    /** Hands every record that is there to `onRecord`, in order; the answer is for `release`, or null: there was none. */
    take(onRecord) {
      const tail = Atomics.load(state, TAIL);
      let position = state[HEAD];
      if (position === tail) return null;
      while (position !== tail) {
        const at = position & (RING_CHARS - 1);
        if (headers[at] === SKIP) {
          position = (position + RING_CHARS - at) | 0;
          continue;
        }
        const from = at + HEADER_CHARS;
        const to = from + headers[at + 1];
        onRecord(headers[at], chars.toString('utf16le', from * 2, to * 2));
        position = (position + to - at) | 0;
      }
      return position;
    },

    /** What was taken is on its way: its room is free. */
    release(position) {
      Atomics.store(state, HEAD, position);
      Atomics.notify(state, HEAD);
    },

    /** It looks again by itself from here on, until it rests. */
    begin: () => void Atomics.store(state, READING, 1),

    /** It must be called from here on. False when something has come meanwhile. */
    rest() {
      Atomics.store(state, READING, 0);
      return Atomics.load(state, TAIL) === state[HEAD];
    },
  };
}
